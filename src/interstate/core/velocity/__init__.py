"""The Velocity Template Language as API Gateway's mapping templates use it: parsed once, rendered often, bounded."""
