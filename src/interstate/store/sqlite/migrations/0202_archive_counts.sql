-- What each node has put into an archive, less what it has forgotten: a row that one node alone writes. The sum over nodes,
-- and what the archive's own row counted before, is what the archive holds.
CREATE TABLE events_archive_counts (
    archive  INTEGER NOT NULL,       -- its id
    node     INTEGER NOT NULL,       -- 0 where one process owns the store
    events   INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (archive, node)
) STRICT, WITHOUT ROWID;
