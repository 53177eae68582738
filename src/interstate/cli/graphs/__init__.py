"""Pictures of state machines, and of what happened in an execution: layout, SVG, terminal."""
