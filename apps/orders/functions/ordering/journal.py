"""One JSON object a line on standard output; a metric is such a line in CloudWatch's embedded format.

Source: CloudWatch User Guide, "Specification: Embedded metric format".
"""

import json
import sys
import time
from typing import Any

from ordering.values import to_json

NAMESPACE = "Orders"


def log(event: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **to_json(fields)}, ensure_ascii=False) + "\n")


def count(name: str, value: float = 1, **dimensions: str) -> None:
    metric = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": [{"Name": name, "Unit": "Count"}]}
    envelope = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metric]}
    sys.stdout.write(json.dumps({"_aws": envelope, name: value, **dimensions}) + "\n")
