"""Queues: decisions on messages, receipts and attributes."""
