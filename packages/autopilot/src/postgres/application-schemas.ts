/** Tables of the server, and of the autopilot itself, are nobody's to look after here. `n` is pg_namespace. */
export const APPLICATION_SCHEMAS = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'autopilot')
  AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'`;
