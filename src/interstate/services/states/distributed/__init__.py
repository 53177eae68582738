"""Distributed Map: runs, their children, the items that they get and the results that they leave.

Theory of operation
-------------------
A distributed Map's frame asks for a *run* and waits. The run is a row with a step, "states.map_run": each slice reads as many items as
it can start children for, at most ``CHILDREN_AT_ONCE`` or until the batch is late; its cursor, its counts and the
children are one commit, so a crash starts nothing twice and forgets nothing. A child is an execution like any other; its end
writes its result, counts, and lets the run go on. When there are no more items and no children, results are gathered
or written to S3 a page at a time, and the Map is answered. A run that fails, or whose execution stops, first stops its
children a page at a time.
"""
