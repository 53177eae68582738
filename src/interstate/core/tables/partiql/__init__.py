"""PartiQL as DynamoDB documents it: statements on items."""
