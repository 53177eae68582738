"""``orders``: place, follow, replay and verify orders, over the AWS API."""
