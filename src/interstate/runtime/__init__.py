"""The only place that waits: batches and their commits, due work, effects, clocks, functions."""
