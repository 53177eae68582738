-- Rows that are updated in place find room beside them (HOT updates touch no index), and tables whose rows live for moments are
-- vacuumed by the count of rows that are gone, not by a share of what is there: a backlog must not keep dead rows.
-- Figures: docs/decisions/0007-history-is-swept.md. New pages follow; what is written already stays as it is.
ALTER TABLE metric_points SET (fillfactor = 70);
ALTER TABLE items SET (fillfactor = 90);
ALTER TABLE states_frames SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE queue_counts SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE due SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE messages SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE message_groups SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE deduplications SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE item_count_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
-- A lease is renewed every second by each node, and the table is read whole: an index only made each renewal dearer.
DROP INDEX nodes_by_lease;
ALTER TABLE nodes SET (fillfactor = 20);
