-- What a mapping has that only some sources know: provisioned pollers, a Kafka cluster's addresses and topic, a key.

ALTER TABLE lambda_mappings ADD COLUMN further TEXT NOT NULL DEFAULT '{}';
