-- Trials: orders that are watched for what they do, and what was declined (docs/guides/tuning.md).

-- proposed, applying, watching, reverting, kept, reverted or refused.
ALTER TABLE autopilot.trials ADD COLUMN scope text;
-- Of a trial: what it is judged by, what was predicted and what was measured.
ALTER TABLE autopilot.trials ADD COLUMN about jsonb;

-- "What is not finished?", asked at every start and every few seconds. trials_open, which asks it by the states there were
-- before, stays: migrations only add.
CREATE INDEX trials_unfinished ON autopilot.trials (at) WHERE state NOT IN ('kept', 'reverted', 'refused');
-- One open trial in a scope, whoever starts it.
CREATE UNIQUE INDEX trials_scope ON autopilot.trials (scope) WHERE state NOT IN ('kept', 'reverted', 'refused');

-- What happened in a trial: its steps, and the samples that it is judged on. Samples go when it has ended.
CREATE TABLE autopilot.trial_notes (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  trial text NOT NULL REFERENCES autopilot.trials ON DELETE CASCADE,
  -- step, before or after.
  kind text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  detail jsonb NOT NULL
);
-- "What happened in this trial?"
CREATE INDEX trial_notes_trial ON autopilot.trial_notes (trial, number);

-- Recommendations that somebody has declined, with how much they promised then.
CREATE TABLE autopilot.dismissals (
  service text NOT NULL,
  recommendation text NOT NULL,
  parts jsonb NOT NULL,
  promised double precision NOT NULL,
  author text NOT NULL,
  reason text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (service, recommendation)
);
