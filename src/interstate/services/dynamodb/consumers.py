"""Who reads a table's stream inside this instance: event source mappings of Lambda."""

import msgspec

from interstate.store.ports import Work
from interstate.store.records.lambda_ import LANES, MAPPED_QUEUES, Poll


def wake_mappings(stream: str, work: Work) -> None:
    """There is something new in a stream: its mappings look, once for however much is written until they do."""
    mapped = work.get(MAPPED_QUEUES, stream)
    for uuid in mapped.mappings if mapped is not None else ():
        lane = work.get(LANES, uuid, 0)
        if lane is not None and not lane.awake:
            work.put(LANES, msgspec.structs.replace(lane, awake=True))
            work.later("lambda.poll", Poll(uuid))
