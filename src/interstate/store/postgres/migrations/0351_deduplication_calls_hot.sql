-- What a call left is forgotten after minutes; see 0240_hot_tables.
ALTER TABLE deduplication_calls SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
