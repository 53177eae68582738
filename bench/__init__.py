"""Measurements of a running server. ``make bench``, or ``python -m bench --help``."""
