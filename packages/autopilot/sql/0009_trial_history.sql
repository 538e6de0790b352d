-- Maintenance writes an order for every table it does: trials are found among them without reading them all.

-- "The last trials of this service", asked for each list of recommendations and by the guards.
CREATE INDEX trials_tried ON autopilot.trials (service, at) WHERE scope IS NOT NULL;
-- "The last runs of maintenance."
CREATE INDEX trials_of_kind ON autopilot.trials (service, kind, at);
