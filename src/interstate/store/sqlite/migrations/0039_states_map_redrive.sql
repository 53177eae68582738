-- Map Runs that are redriven with their execution: how often, when, and how far their unsuccessful children are set in motion again.

ALTER TABLE states_map_runs ADD COLUMN redrive_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states_map_runs ADD COLUMN redriven INTEGER;
ALTER TABLE states_map_runs ADD COLUMN redriving INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states_map_runs ADD COLUMN redriven_to INTEGER NOT NULL DEFAULT 0;
