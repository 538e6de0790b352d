-- What administrators of the installation did, and what others were refused. Texts, not references: what somebody did
-- stays when accounts go. Its length is bounded by http/administrative-log.ts. The primary key serves
-- GET administration/calls, newest first.
create table administrative_calls (
  id bigint primary key generated always as identity,
  at timestamptz not null default now(),
  -- Who made the call.
  user_id text not null,
  user_email text not null,
  -- Which account it was about, as the call named it, and its address then. Null: it named none.
  about_id text,
  about_email text,
  call text not null,
  -- The role that it gave.
  role text,
  status integer not null,
  address text not null,
  request_id text not null
);
