"""Long texts of executions: in rows of their own, read by the steps that need them and by no other.

An execution of a long input, and a frame of long data, would otherwise cost each of their steps the reading and writing of all of it,
however little the step has to do with it.
"""

from typing import Final

import msgspec

from interstate.core.asl.datum import Deferred
from interstate.core.asl.vocabulary import Datum
from interstate.store.ports import Work
from interstate.store.records.states import TEXTS, Execution, Text

INLINE_MAX: Final = 4_096
"""Characters of a text that stands in the row that it belongs to: about what the row's page of the store has room for."""


def put_text(execution: int, text: str, work: Work) -> int:
    """The number of a new row with this text."""
    number = work.next_id(TEXTS)
    work.put(TEXTS, Text(number, execution, text))
    return number


def text_at(number: int, work: Work) -> str:
    """The text of a row."""
    row = work.get(TEXTS, number)
    assert row is not None, number
    return row.text


def datum_at(number: int, work: Work, size: int | None = None) -> Datum:
    """The text of a row as a datum that is read when it is first asked for."""
    return Deferred(lambda: text_at(number, work), size)


# Inputs ------------------------------------------------------------------------------------------------------------


def with_input_apart(execution: Execution, work: Work) -> Execution:
    """A new execution as its row is: a long input lies in a row of its own."""
    if len(execution.input) <= INLINE_MAX:
        return execution
    number = put_text(execution.id, execution.input, work)
    return msgspec.structs.replace(execution, input="", input_at=number)


def input_of(execution: Execution, work: Work) -> str:
    """An execution's input."""
    return text_at(execution.input_at, work) if execution.input_at else execution.input


def input_datum(execution: Execution, work: Work) -> Datum:
    """The same, read when it is first asked for."""
    return datum_at(execution.input_at, work) if execution.input_at else Datum(execution.input)


def forget_input(execution: Execution, work: Work) -> None:
    """Forget a long input, with the execution's row."""
    if execution.input_at:
        work.delete(TEXTS, execution.input_at)
