-- A send writes the list of its group in place; see 0240_hot_tables.
ALTER TABLE message_groups SET (fillfactor = 70);
ALTER TABLE message_group_parts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE deduplications SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
