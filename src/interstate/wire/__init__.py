"""AWS protocols: bytes in, values out, and back. No sockets, no waiting: functions over bytes and botocore's models."""
