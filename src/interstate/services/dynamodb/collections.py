"""Item collections: what one partition key holds in a table with local indexes.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ItemCollections
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interstate.base.errors import ServiceError
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_COLLECTIONS, ItemCollection

if TYPE_CHECKING:  # writes stands above stored, which counts collections.
    from interstate.services.dynamodb.writes import Decision

COLLECTION_BYTES_MAX = 10 * 1024**3
"""Source: DynamoDB quotas, local secondary indexes."""
_GIGABYTE = 1024**3


class ItemCollectionSizeLimitExceededException(ServiceError):
    """An item collection would hold more than 10 GB."""

    def __init__(self) -> None:
        super().__init__("Item collection size limit exceeded.")


def collect(table_id: int, partition: bytes, growth: int, work: Work) -> None:
    """Count what a write adds to its item collection.

    Raises:
        ItemCollectionSizeLimitExceededException: it would hold too much.
    """
    if not growth:
        return
    known = work.get(ITEM_COLLECTIONS, table_id, partition)
    size = growth + (known.bytes if known else 0)
    if growth > 0 and size > COLLECTION_BYTES_MAX:
        raise ItemCollectionSizeLimitExceededException
    if size > 0:
        work.put(ITEM_COLLECTIONS, ItemCollection(table_id, partition, size))
    else:
        work.delete(ITEM_COLLECTIONS, table_id, partition)


def collection_metrics(decision: "Decision", work: Work) -> dict[str, Any] | None:
    """``ItemCollectionMetrics`` of a write; None where the table has no local index."""
    definition = decision.table.definition
    if not definition.has_local_indexes:
        return None
    item = decision.change.new or decision.change.old
    if item is None:
        return None
    name = definition.key.partition.name
    known = work.get(ITEM_COLLECTIONS, definition.id, decision.change.key[0])
    size = known.bytes if known else 0
    return {
        "ItemCollectionKey": {name: item[name]},
        "SizeEstimateRangeGB": [float(size // _GIGABYTE), float(size // _GIGABYTE + 1)],
    }


def metrics_by_table(decisions: "Sequence[Decision]", work: Work) -> dict[str, list[dict[str, Any]]]:
    """``ItemCollectionMetrics`` of many writes: each collection of each table once."""
    answer: dict[str, list[dict[str, Any]]] = {}
    seen: set[tuple[int, bytes]] = set()
    for decision in decisions:
        place = (decision.table.definition.id, decision.change.key[0])
        metrics = None if place in seen else collection_metrics(decision, work)
        if metrics is not None:
            seen.add(place)
            answer.setdefault(decision.table.name, []).append(metrics)
    return answer
