"""Statistics of metrics, expressions over them, and alarms: decisions on values."""
