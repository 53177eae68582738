-- Vended logs: which resource's logs (source) go to which place (destination), and the pairs of both (deliveries).
CREATE TABLE log_delivery_sources (
    scope TEXT NOT NULL,                  -- account/region
    name TEXT NOT NULL,
    resource TEXT NOT NULL,
    service TEXT NOT NULL,
    log_type TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_delivery_sources_of_resource ON log_delivery_sources (scope, resource, log_type);

CREATE TABLE log_delivery_destinations (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    group_arn TEXT NOT NULL,
    output_format TEXT,
    tags TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    source TEXT NOT NULL,
    destination_arn TEXT NOT NULL,
    resource TEXT NOT NULL,
    log_type TEXT NOT NULL,
    group_arn TEXT NOT NULL,
    record_fields TEXT NOT NULL,
    field_delimiter TEXT,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX log_deliveries_of_scope ON log_deliveries (scope, id);
CREATE INDEX log_deliveries_of_resource ON log_deliveries (resource, id);
