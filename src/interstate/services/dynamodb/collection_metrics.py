"""What a write tells of the item collections that it touched.

Source: DynamoDB API Reference, ItemCollectionMetrics.
"""

from collections.abc import Sequence
from typing import Any

from interstate.services.dynamodb.writes import Decision
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_COLLECTIONS

_GIGABYTE = 1024**3


def collection_metrics(decision: Decision, work: Work) -> dict[str, Any] | None:
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


def metrics_by_table(decisions: Sequence[Decision], work: Work) -> dict[str, list[dict[str, Any]]]:
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
