-- alone
-- A look at every row, beside reads and writes.
ALTER TABLE events_log VALIDATE CONSTRAINT events_log_bound;
ALTER TABLE events_attempts VALIDATE CONSTRAINT events_attempts_bound;
