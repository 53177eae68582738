-- What a node tells with each renewal: the distance of its clock to the database's, and what it performs now.
ALTER TABLE nodes ADD COLUMN skew INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN effects INTEGER NOT NULL DEFAULT 0;
