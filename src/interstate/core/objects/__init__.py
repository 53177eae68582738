"""S3's rules as pure functions: names, listings, ranges, conditions, checksums."""
