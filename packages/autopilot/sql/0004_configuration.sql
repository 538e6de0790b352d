-- Configuration: versions, presets of a team, and the journal of every order (docs/guides/configuration.md).
-- Only control planes come here: agents get their configuration by the link, and need no right to read it.

-- What is set, as a whole, each time it was changed. A row is never updated; restoring writes a new one.
CREATE TABLE autopilot.config_versions (
  service text NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  at timestamptz NOT NULL DEFAULT now(),
  author text NOT NULL,
  note text NOT NULL,
  -- person, preset, import, restore or trial.
  cause text NOT NULL,
  -- Of a restore: the version whose values these are.
  restored integer,
  -- The order in `trials` that made it.
  trial text NOT NULL,
  -- SHA-256 of the content with its names in order.
  hash text NOT NULL,
  -- {preset: {name, values} | null, fleet: {key: value}, instances: {name: {key: value}}}
  content jsonb NOT NULL,
  -- Two changes at once can't both become the next version. Also serves "the newest of this service".
  PRIMARY KEY (service, version)
);
-- "Did this order make a version?": what heals after a kill between the journal and the change.
CREATE INDEX config_versions_trial ON autopilot.config_versions (service, trial);

CREATE TABLE autopilot.config_presets (
  service text NOT NULL,
  name text NOT NULL,
  preset jsonb NOT NULL,
  PRIMARY KEY (service, name)
);

-- The journal: each order is here, with how to take it back, before anything is changed.
CREATE TABLE autopilot.trials (
  trial text PRIMARY KEY,
  service text NOT NULL,
  -- The actuator: configuration.
  kind text NOT NULL,
  subject text NOT NULL,
  author text NOT NULL,
  -- person or autopilot.
  origin text NOT NULL,
  -- applying, watching, kept, reverted or refused.
  state text NOT NULL,
  reason text NOT NULL,
  change jsonb NOT NULL,
  undo jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
-- "What is not finished?", asked at every start.
CREATE INDEX trials_open ON autopilot.trials (at) WHERE state IN ('applying', 'watching');
-- "The last orders of this service."
CREATE INDEX trials_service ON autopilot.trials (service, at);
