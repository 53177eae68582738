-- alone
-- The event log and its attempts become parts: ranges of their numbers (0267). What is there already will be the first part as it
-- lies. So that nobody has to wait while its rows are looked at, an upper bound is promised here, proved in 0266 beside the
-- work of running nodes, and used in 0267 without a look. A bound a day away leaves time for the proof.
CREATE FUNCTION promise_bound(parent TEXT) RETURNS VOID LANGUAGE plpgsql AS '
DECLARE
    filled BOOLEAN;
    bound BIGINT;
BEGIN
    EXECUTE format(''SELECT EXISTS (SELECT 1 FROM %I)'', parent) INTO filled;
    bound := (micros_now() + CASE WHEN filled THEN 86400000000 ELSE 60000000 END) << 8;
    EXECUTE format(''ALTER TABLE %I ADD CONSTRAINT %I CHECK (id < %s) NOT VALID'', parent, parent || ''_bound'', bound);
END';
SELECT promise_bound('events_log');
SELECT promise_bound('events_attempts');
DROP FUNCTION promise_bound;
