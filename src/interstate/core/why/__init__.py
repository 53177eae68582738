"""Why something arrived, waits or failed: decisions on what was recorded."""
