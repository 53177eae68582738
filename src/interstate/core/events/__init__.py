"""EventBridge's decisions: events, targets' inputs, schedules, retries. Patterns are ``core.patterns``."""
