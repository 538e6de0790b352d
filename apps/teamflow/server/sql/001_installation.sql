-- What this installation was made with. One row; every process that shares the database reads it.
create table installation (
  only_row boolean primary key default true check (only_row),
  -- Signs cookies and page cursors. Beside the session tokens that it protects: who reads the one reads the other.
  secret text not null check (length(secret) >= 32),
  indexes text not null check (indexes in ('full', 'neglected')),
  -- Null until the first start has decided; then what TEAMFLOW_DATA and TEAMFLOW_SEED were, for good.
  data text check (data in ('none', 'small', 'medium', 'large')),
  seed bigint,
  loaded_at timestamptz,
  -- Null while the statistics of loaded sample data have still to be gathered.
  analyzed_at timestamptz
);
