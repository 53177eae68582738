"""EventBridge's limits, with their sources.

Source (unless a line names another): "Amazon EventBridge quotas",
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html, November 2026; API bounds of single members come
from botocore's model and are checked before an operation sees them.
"""

from datetime import timedelta

ENTRIES_SIZE_BYTES_MAX = 1_048_576
"""All entries of one PutEvents call together (1 MB since January 2026)."""

BUSES_MAX = 100
RULES_PER_BUS_MAX = 300
_FEWER_RULES = {"af-south-1": 100, "eu-south-1": 100}
WILDCARD_RULES_PER_BUS_MAX = 30
"""Rules with a wildcard filter; not adjustable on AWS."""
TARGETS_PER_RULE_MAX = 5
PATTERN_CHARS_MAX = 2_048
"""The quota of an account, which AWS raises on request up to the API's bound of 4,096."""
POLICY_CHARS_MAX = 10_240
ARCHIVES_PER_BUS_MAX = 10
REPLAYS_RUNNING_MAX = 10
"""Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html ("10 concurrent replays")."""

INPUT_PATHS_MAX = 100
"""Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"""

RETRY_ATTEMPTS_MAX = 185
EVENT_AGE_MAX = timedelta(hours=24)
"""Defaults of a target, and the most that can be asked for.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html"""

CONNECTIONS_MAX = 3_000
API_DESTINATIONS_MAX = 3_000
API_DESTINATION_RATE = 300
"""Calls a second of one API destination, unless it says another number."""
ENDPOINTS_MAX = 100


def rules_per_bus_max(region: str) -> int:
    """Rules of one bus in a region."""
    return _FEWER_RULES.get(region, RULES_PER_BUS_MAX)


# Calls, and invocations, a second of an account: (PutEvents, invocations) by region.
_RATES = {
    "us-east-1": (10_000, 18_750),
    "us-west-2": (10_000, 18_750),
    "eu-west-1": (10_000, 18_750),
    "us-east-2": (2_400, 4_500),
    "eu-central-1": (2_400, 4_500),
    "us-west-1": (1_200, 2_250),
    "eu-west-2": (1_200, 2_250),
    "ap-northeast-1": (1_200, 2_250),
    "ap-southeast-1": (1_200, 2_250),
    "ap-southeast-2": (1_200, 2_250),
    "af-south-1": (400, 750),
    "ap-northeast-3": (400, 750),
    "ap-southeast-3": (400, 750),
    "eu-south-1": (400, 750),
}
_OTHER_RATES = (600, 1_100)


def put_events_per_s(region: str) -> int:
    """PutEvents calls a second of an account in a region; those above are refused."""
    return _RATES.get(region, _OTHER_RATES)[0]


def invocations_per_s(region: str) -> int:
    """Events a second that go to targets, of an account in a region; those above wait."""
    return _RATES.get(region, _OTHER_RATES)[1]
