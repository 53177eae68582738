-- The database's clock, as every instant here is written: microseconds since the epoch.
CREATE FUNCTION micros_now() RETURNS BIGINT LANGUAGE sql VOLATILE
    RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
