-- Where a stream's shards begin after the first: JSON, [number before its first record, instant].
ALTER TABLE item_streams ADD COLUMN shards TEXT NOT NULL DEFAULT '[]';
