"""Paths into JSON values, as the Amazon States Language writes them."""
