"""The inputs of children: items, selected and put together in batches.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
"""

from collections.abc import Iterator

from interstate.base.ids import Entropy
from interstate.base.json import JSON, JSONObject, loads
from interstate.core.asl.context import Surroundings
from interstate.core.asl.definition import Map
from interstate.core.asl.vocabulary import DATA_SIZE_MAX, Datum, MapRunSetup
from interstate.core.items.cursor import Cursor
from interstate.services.states.distributed.items import NO_ITEM, Pair, Step
from interstate.store.ports import Work


class Selecting:
    """Applies a Map's item selector."""

    def __init__(self, state: Map, setup: MapRunSetup, work: Work) -> None:
        self._template = state.flow.parameters
        self._source = _source(setup)
        self._entropy: Entropy = work.entropy
        self._now = work.now
        if self._template is not None:
            self._data = loads(setup.data)
            self._context = loads(setup.context)
            self._variables = {name: loads(text) for name, text in setup.variables.items()}

    def selected(self, index: int, item: JSON | Pair) -> JSON:
        """What a child gets for an item; for a member of an object its Key and Value.

        Raises:
            StateFailed: the selector cannot be evaluated.
        """
        if self._template is None:
            return {"Key": item.name, "Value": item.value} if isinstance(item, Pair) else item
        assert isinstance(self._context, dict)
        about: JSONObject = {"Index": index}
        if isinstance(item, Pair):
            about |= {"Key": item.name, "Value": item.value}
        else:
            about["Value"] = item
        context: JSON = {**self._context, "Map": {"Item": {**about, "Source": self._source}}}
        around = Surroundings(context=context, variables=self._variables, now=self._now)
        selected: JSON = self._template.evaluate(self._data, around, self._entropy)
        return selected


def _source(setup: MapRunSetup) -> str:
    """Where the items come from: ``STATE_DATA``, the bucket that is listed, or the object that is read.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    """
    if setup.reading is None:
        return "STATE_DATA"
    told = setup.reading.arguments
    if setup.reading.action == "listObjectsV2":
        return f"S3://{told.get('Bucket', '')}"
    return f"S3://{told.get('Bucket', '')}/{told.get('Key', '')}"


def inputs(steps: Iterator[Step], selecting: Selecting, setup: MapRunSetup) -> Iterator[tuple[str | None, int, Cursor]]:
    """Inputs of children as JSON text, each with how many items it holds and the cursor behind it; None for a cursor alone.

    A batch ends before the item that would make it too long or too many.
    """
    if setup.batching is None:
        for item, cursor in steps:
            if item is NO_ITEM:
                yield None, 0, cursor
            else:
                yield Datum(value=selecting.selected(cursor.taken - 1, item)).text, 1, cursor
        return
    yield from _batches(steps, selecting, setup)


def _batches(
    steps: Iterator[Step], selecting: Selecting, setup: MapRunSetup
) -> Iterator[tuple[str | None, int, Cursor]]:
    batching = setup.batching
    assert batching is not None
    most = batching.max_items or 1 << 62
    size_max = min(batching.max_bytes or DATA_SIZE_MAX, DATA_SIZE_MAX)
    head = "{" if batching.batch_input is None else f'{{"BatchInput":{batching.batch_input},'
    texts: list[str] = []
    around = len(head.encode()) + len('"Items":[]}')
    size = around
    before: Cursor | None = None
    for item, cursor in steps:
        if item is NO_ITEM:
            yield None, 0, cursor
            continue
        text = Datum(value=selecting.selected(cursor.taken - 1, item)).text
        length = len(text.encode()) + 1
        if texts and (len(texts) >= most or size + length - 1 > size_max):
            assert before is not None
            yield _batch(head, texts), len(texts), before
            texts, size = [], around
        texts.append(text)
        size += length
        before = cursor
        if cursor.end or len(texts) >= most:
            yield _batch(head, texts), len(texts), cursor
            texts, size, before = [], around, None
    if texts and before is not None:
        yield _batch(head, texts), len(texts), before


def _batch(head: str, texts: list[str]) -> str:
    return f'{head}"Items":[{",".join(texts)}]}}'
