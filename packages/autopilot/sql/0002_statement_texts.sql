-- The texts of statements, so that history can name them after every process that knew them has ended.

-- By the number of the statement's series (autopilot.series, family 3).
CREATE TABLE autopilot.statement_texts (
  -- Serves "what is the text of this series?".
  series_id bigint PRIMARY KEY,
  -- Literals were replaced before it left the application.
  text text NOT NULL
);

-- The second thing that an agent may do: hand in texts, each kept as it came first. SECURITY DEFINER as append_windows_v1 is.
CREATE FUNCTION autopilot.append_statement_texts_v1(series_ids bigint[], texts text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO autopilot.statement_texts (series_id, text)
  SELECT s.id, s.text FROM unnest(series_ids, texts) AS s(id, text) ORDER BY s.id
  ON CONFLICT DO NOTHING
$$;
REVOKE ALL ON FUNCTION autopilot.append_statement_texts_v1 FROM PUBLIC;
