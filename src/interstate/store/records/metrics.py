"""CloudWatch's metrics: series and their points of one minute.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html (periods, statistic sets,
retention)
"""

from datetime import datetime
from hashlib import blake2b

import msgspec

from interstate.store.tables import Select, Table

Dimensions = tuple[tuple[str, str], ...]
MetricKey = tuple[str, str, str, str, Dimensions, str]
"""Account, region, namespace, name, dimensions, unit: ``Metric`` as it is counted."""


class CountAndSize(msgspec.Struct, frozen=True, eq=False):
    """Two series that are counted together: how many there were, and how large. Compared by identity: kept where it is used."""

    count: MetricKey
    size: MetricKey


class Metric(msgspec.Struct, frozen=True):
    """All that names a series."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions
    unit: str


class Series(msgspec.Struct, frozen=True):
    """A metric with its dimensions (sorted by name), under its number, as one node has told it."""

    id: int
    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions
    unit: str
    node: int = 0


class Point(msgspec.Struct, frozen=True):
    """A statistic set over one minute, as one node counted it (``node``), or as programs sent it there (``-1 - node``).

    ``spread`` has (value, how often) where percentiles may be asked for: of what programs sent, and of times.
    """

    series: int
    minute: datetime
    node: int
    samples: float
    total: float
    low: float
    high: float
    spread: list[tuple[float, float]] = []


SERIES = Table("metric_series", Series, key=("id", "node"), own=True)
POINTS = Table("metric_points", Point, key=("series", "minute", "node"), own=True)

# A series that some nodes measure is found once for each of them, one after the other.
SERIES_AT = Select(SERIES, "id = :id", "id, node")
SERIES_BY_NAME = Select(
    SERIES,
    "account = :account AND region = :region AND namespace = :namespace AND name = :name AND id > :after",
    "id, node",
)
SERIES_OF_NAMESPACE = Select(
    SERIES,
    "account = :account AND region = :region AND namespace = :namespace AND (name, id) > (:name, :after)",
    "name, id, node",
)
SERIES_OF_ACCOUNT = Select(
    SERIES,
    "account = :account AND region = :region AND (namespace, name, id) > (:namespace, :name, :after)",
    "namespace, name, id, node",
)
POINTS_OF_SERIES = Select(POINTS, "series = :series AND minute >= :since AND minute < :until", "minute, node")
OLD_POINTS = Select(POINTS, "minute < :before", "minute, series, node")


def series_id(metric: Metric) -> int:
    """A positive number of 63 bits, the same wherever the series is named."""
    return int.from_bytes(blake2b(msgspec.json.encode(metric), digest_size=8).digest()) >> 1
