"""Records and their tables: one module per service."""
