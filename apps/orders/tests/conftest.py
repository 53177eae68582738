"""The functions are imported as Lambda does it: their folder is a root of its own."""

import os
import sys
from pathlib import Path

ORDERS = Path(__file__).parents[1]
for root in (ORDERS, ORDERS / "functions"):
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))

# Handlers make their clients when they are imported; none of these tests lets them talk.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
