-- Changes are looked up by their instant: what a table was then, and what is too old to be kept.
DROP INDEX item_changes_by_age;

CREATE INDEX item_changes_by_time ON item_changes (table_id, at, id);
