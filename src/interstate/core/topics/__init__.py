"""Topics: what may be published, who wants it, what a subscriber is told, and when a failed delivery is tried again."""
