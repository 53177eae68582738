-- One row a node that every start and end of an execution updates in place.
ALTER TABLE states_open SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
