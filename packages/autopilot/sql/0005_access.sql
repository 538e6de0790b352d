-- Tokens that open the autopilot's API, and the log of administrative calls (SECURITY.md).
-- Only control planes come here: agents are told digests over the link.

-- A token itself is kept nowhere. Rows of tokens that opened nothing for 90 days are deleted.
CREATE TABLE autopilot.access_tokens (
  -- The order in which they were made: lists are paged by it.
  token_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  token_id text NOT NULL UNIQUE,
  name text NOT NULL,
  -- read, operate or admin; each includes those before it.
  scope text NOT NULL,
  -- SHA-256. A fast digest is enough: tokens are 256 random bits.
  sha256 bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Null: it does not expire.
  expires_at timestamptz,
  -- Written once a minute at most.
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by text
);

-- Who called what that changes something, and how it ended. Never a body. Kept 400 days and 200,000 rows.
CREATE TABLE autopilot.audit_log (
  -- Lists are paged by it, newest first; retention deletes from its other end.
  entry_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Given by the control plane that answered: an entry that is written again is known by it.
  entry_id uuid NOT NULL UNIQUE,
  at timestamptz NOT NULL,
  -- Null: nobody who is known.
  actor text,
  -- token or session.
  recognised_by text,
  operation text NOT NULL,
  target text NOT NULL,
  -- done, refused or failed.
  outcome text NOT NULL,
  status integer NOT NULL,
  code text,
  request_id text NOT NULL,
  skipped integer NOT NULL DEFAULT 0
);
-- "What did this caller do?", newest first.
CREATE INDEX audit_log_actor ON autopilot.audit_log (actor, entry_no);
-- "Who did this?", newest first.
CREATE INDEX audit_log_operation ON autopilot.audit_log (operation, entry_no);
REVOKE ALL ON autopilot.access_tokens, autopilot.audit_log FROM PUBLIC;
