"""Clients, made once a worker, outside of the handlers that use them.

Retries are few and short: whoever called us (a workflow, a queue, Lambda's own queue) repeats with a longer breath than ours.
"""

from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=2, read_timeout=10, tcp_keepalive=True)


def client(service: str) -> Any:
    make: Any = boto3.client  # typed by literal service names, and ours comes as a value
    return make(service, config=CONFIG)
