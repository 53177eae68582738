-- As 0240 says of the table that was here before 0268.
ALTER TABLE item_count_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
