"""Who reads a table's stream inside this instance: event source mappings of Lambda."""

from interstate.store.ports import Work
from interstate.store.records.lambda_ import MAPPED_QUEUES, WAKES, Poll, Wake


def wake_mappings(stream: str, work: Work) -> None:
    """There is something new in a stream: its mappings look, once for however much this node writes until they do.

    Among several nodes the look is a batch of its own: a look locks what all nodes share, and a write must not wait for it.
    """
    mapped = work.get(MAPPED_QUEUES, stream)
    for uuid in mapped.mappings if mapped is not None else ():
        wake = work.get(WAKES, uuid, work.node)
        if wake is None or not wake.awake:
            work.put(WAKES, Wake(uuid, work.node, awake=True))
            work.later("lambda.poll", Poll(uuid, work.node), yields=work.node > 0)
