"""Interstate runs event-driven AWS applications from their SAM template, durably. See ARCHITECTURE.md."""
