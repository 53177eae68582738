"""Item collections: what one partition key holds in a table with local indexes.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ItemCollections
"""

from interstate.base.errors import ServiceError
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_COLLECTIONS, ItemCollection

COLLECTION_BYTES_MAX = 10 * 1024**3
"""Source: DynamoDB quotas, local secondary indexes."""


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
