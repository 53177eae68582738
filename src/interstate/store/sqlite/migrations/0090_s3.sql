-- Objects and where their bytes are.
--
-- A *body* is a run of bytes that is never changed: rows of at most 256 KiB, keyed by where they begin, so that a range is read
-- without what is before it. A multipart object's body is *composed*: an ordered list of the parts' bodies, so that neither
-- completing an upload nor copying an object moves a byte. Bodies are counted; one that nothing names is erased in bounded pieces.

CREATE TABLE s3_buckets (
    name TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    created INTEGER NOT NULL,
    tags TEXT NOT NULL,
    settings TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX s3_buckets_of_account ON s3_buckets (account, name);

CREATE TABLE s3_objects (
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    body INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    headers TEXT NOT NULL,
    metadata TEXT NOT NULL,
    checksums TEXT NOT NULL,
    tags TEXT NOT NULL,
    parts INTEGER NOT NULL,
    PRIMARY KEY (bucket, object_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE s3_bodies (
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    composed INTEGER NOT NULL
) STRICT;

CREATE TABLE s3_pieces (
    body INTEGER NOT NULL,
    start INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (body, start)
) STRICT, WITHOUT ROWID;

-- The bodies of which a composed body is made, in their order; ``start`` is where each begins in the whole.
CREATE TABLE s3_segments (
    body INTEGER NOT NULL,
    start INTEGER NOT NULL,
    number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    part INTEGER NOT NULL,
    PRIMARY KEY (body, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX s3_segments_by_number ON s3_segments (body, number);

CREATE TABLE s3_uploads (
    id TEXT NOT NULL PRIMARY KEY,
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    started INTEGER NOT NULL,
    headers TEXT NOT NULL,
    metadata TEXT NOT NULL,
    tags TEXT NOT NULL,
    checksum TEXT NOT NULL,
    checksum_type TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX s3_uploads_of_bucket ON s3_uploads (bucket, object_key, id);

CREATE TABLE s3_parts (
    upload TEXT NOT NULL,
    number INTEGER NOT NULL,
    body INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    checksums TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
