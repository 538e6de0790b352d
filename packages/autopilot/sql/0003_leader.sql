-- Which of the control planes that share this schema leads, and how they know each other (docs/decisions/one-leader.md).
-- No agent reads or writes either table: their role gets no right here.

CREATE TABLE autopilot.leader (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  -- Counts up whenever another process takes the lead: what an earlier leader still does is known by its number.
  epoch bigint NOT NULL,
  -- The process that leads, by the random name it gave itself; null: it has resigned.
  holder text,
  -- The machine it runs on, and where it answers.
  host text NOT NULL,
  address text NOT NULL,
  -- By the clock of this server. Later, anybody may take the lead.
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 20);

-- The newest signs, the newest two are accepted: what control planes of one fleet sign with when they speak to each other.
CREATE TABLE autopilot.link_keys (
  key_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  secret text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now()
);
REVOKE ALL ON autopilot.leader, autopilot.link_keys FROM PUBLIC;
