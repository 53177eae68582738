"""The embedded dialect: one file, one writer, WAL with synchronous=FULL (design, section 4)."""
