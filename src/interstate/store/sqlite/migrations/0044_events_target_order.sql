-- Targets are listed in the order in which they were added.
ALTER TABLE events_targets ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
