"""What the end of a call will read, told before: all of it is one read."""

from interstate.store.records.lambda_ import FUNCTIONS, Invocation
from interstate.store.records.states import EXECUTIONS, FRAMES
from interstate.store.tables import Key


def keys_of_end(body: Invocation) -> list[Key]:
    """The function, by which the rest is foreseen; and where a Task waits, its execution, its frame and frame 0."""
    keys = [Key(FUNCTIONS, (body.function,))]
    if body.origin == "states.task":
        execution, frame = body.origin_data["execution"], body.origin_data["frame"]
        keys.append(Key(EXECUTIONS, (execution,)))
        keys += [Key(FRAMES, (execution, at)) for at in {0, frame}]
    return keys
