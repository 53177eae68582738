"""Items of a distributed Map: read from CSV, JSON and JSON Lines a window at a time, and put together in batches."""
