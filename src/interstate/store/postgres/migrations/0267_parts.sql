-- alone
-- What only grows and is forgotten by age lies in parts, each a range of numbers (instants of the database's clock): whole parts
-- are dropped. The first part has what was there before, and what copies bring from other stores. The last one, "_rest", catches
-- what comes while no part was made ahead. Names carry the lower bound. Theory of operation: docs/decisions/0007-history-is-swept.md.
CREATE FUNCTION split_into_parts(parent TEXT) RETURNS VOID LANGUAGE plpgsql AS '
DECLARE
    first TEXT := parent || ''_first'';
    bound TEXT;
    made RECORD;
BEGIN
    SELECT substring(pg_get_constraintdef(oid) FROM ''[0-9]+'') INTO bound FROM pg_constraint
        WHERE conrelid = parent::regclass AND conname = parent || ''_bound'';
    EXECUTE format(''ALTER TABLE %I RENAME TO %I'', parent, first);
    FOR made IN SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = first::regclass LOOP
        EXECUTE format(''ALTER INDEX %I RENAME TO %I'', made.name, made.name || ''_first'');
    END LOOP;
    EXECUTE format(''CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS) PARTITION BY RANGE (id)'', parent, first);
    EXECUTE format(''ALTER TABLE %I ADD PRIMARY KEY (id)'', parent);
    EXECUTE format(''ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)'', parent, first, bound);
    EXECUTE format(''ALTER TABLE %I DROP CONSTRAINT %I'', first, parent || ''_bound'');
    EXECUTE format(''CREATE TABLE %I PARTITION OF %I DEFAULT'', parent || ''_rest'', parent);
END';
SELECT split_into_parts('events_log');
CREATE INDEX events_log_of_bus ON events_log (bus, id);
SELECT split_into_parts('events_attempts');
CREATE INDEX events_attempts_of_log ON events_attempts (log, id);
DROP FUNCTION split_into_parts;

-- The parts of a table: the default one has no bounds, the first one no lower bound.
CREATE FUNCTION parts_of(parent TEXT) RETURNS TABLE (part TEXT, low BIGINT, high BIGINT) LANGUAGE sql AS '
    SELECT c.relname::text,
        substring(pg_get_expr(c.relpartbound, c.oid) FROM ''FROM \(\D?(\d+)\D?\)'')::bigint,
        substring(pg_get_expr(c.relpartbound, c.oid) FROM ''TO \(\D?(\d+)\D?\)'')::bigint
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = parent::regclass';

-- Make parts, each so long, until two of them lie ahead. Who does not get a lock at once leaves it to the next sweep; so does who
-- finds rows in the default part that the new one would have to take.
CREATE FUNCTION make_parts(parent TEXT, length BIGINT) RETURNS VOID LANGUAGE plpgsql SET lock_timeout = '100ms' AS '
DECLARE
    clock BIGINT := micros_now() << 8;
    from_ BIGINT;
    name TEXT;
BEGIN
    SELECT max(high) INTO from_ FROM parts_of(parent);
    IF from_ <= clock THEN
        from_ := clock + (60000000::bigint << 8);
    END IF;
    WHILE from_ < clock + 2 * length LOOP
        name := parent || ''_'' || from_;
        BEGIN
            EXECUTE format(''CREATE TABLE %I (LIKE %I INCLUDING ALL)'', name, parent);
            EXECUTE format(
                ''ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)'', parent, name, from_, from_ + length
            );
        EXCEPTION WHEN lock_not_available OR deadlock_detected OR check_violation OR duplicate_table THEN
            RETURN;
        END;
        from_ := from_ + length;
    END LOOP;
END';

-- Forget what is older: parts that nobody writes to any more go as a whole when their newest row is due, and wait until then;
-- in the others at most so many of the oldest rows go, each. Tells the most that went in one of those.
CREATE FUNCTION sweep_parts(parent TEXT, aged TEXT, before BIGINT, rows BIGINT, length BIGINT) RETURNS BIGINT
LANGUAGE plpgsql SET lock_timeout = '100ms' AS '
DECLARE
    clock BIGINT := micros_now() << 8;
    found RECORD;
    newest BIGINT;
    gone BIGINT;
    most BIGINT := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(parent, 7401593202612)) THEN
        RETURN 0;
    END IF;
    PERFORM make_parts(parent, length);
    FOR found IN SELECT * FROM parts_of(parent) ORDER BY low NULLS LAST LOOP
        IF found.low IS NOT NULL AND found.high <= clock THEN
            EXECUTE format(''SELECT %I FROM %I ORDER BY id DESC LIMIT 1'', aged, found.part) INTO newest;
            IF newest IS NULL OR newest < before THEN
                BEGIN
                    EXECUTE format(''DROP TABLE %I'', found.part);
                EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
                    NULL;
                END;
            END IF;
        ELSE
            EXECUTE format(
                ''DELETE FROM %1$I WHERE id = ANY (ARRAY(SELECT id FROM (SELECT id, %2$I AS at FROM %1$I ORDER BY id LIMIT $1) ''
                || ''AS oldest WHERE at < $2))'', found.part, aged
            ) USING rows, before;
            GET DIAGNOSTICS gone = ROW_COUNT;
            most := greatest(most, gone);
        END IF;
    END LOOP;
    RETURN most;
END';

SELECT make_parts('events_log', (21600000000::bigint) << 8);
SELECT make_parts('events_attempts', (21600000000::bigint) << 8);
