"""The resource types that stacks can hold: one module a service, one row a type."""
