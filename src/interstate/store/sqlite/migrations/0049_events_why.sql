-- What a delivery made (a message, an execution, a request of a function), and when a rule was last changed: what it takes
-- to answer why an event arrived, or did not.
ALTER TABLE events_attempts ADD COLUMN made TEXT NOT NULL DEFAULT '[]';   -- JSON: one for each place, "" where unknown
ALTER TABLE events_rules ADD COLUMN changed INTEGER;                      -- pattern, schedule or state; NULL: not known
