"""The unit of work against a plain dictionary: whatever is put, deleted, undone and flushed, in any order."""

from hypothesis import given
from hypothesis.strategies import lists, sampled_from, tuples

from interstate.store.records.due import SETTINGS, Setting
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.unit_of_work import UnitOfWork

NAMES = sampled_from("abc")
ACTIONS = tuples(sampled_from(["put", "delete", "flush", "mark", "undo", "get"]), NAMES, sampled_from("123"))


@given(actions=lists(ACTIONS, max_size=30), before=lists(tuples(NAMES, sampled_from("789")), max_size=3))
def test_it_behaves_like_a_dictionary_with_undo(
    actions: list[tuple[str, str, str]], before: list[tuple[str, str]]
) -> None:
    store = SqliteStore(None)
    model = dict(before)
    for name, value in model.items():
        store.writer.execute("INSERT INTO settings VALUES (?, ?)", (name, value))
    store.begin()
    records = UnitOfWork(store.rows, Sequences())
    marks: list[tuple[int, dict[str, str]]] = []
    for action, name, value in actions:
        match action:
            case "put":
                records.put(SETTINGS, Setting(name, value))
                model[name] = value
            case "delete":
                records.delete(SETTINGS, (name,))
                model.pop(name, None)
            case "flush":
                records.flush()
            case "mark":
                marks.append((records.mark(), dict(model)))
            case "undo" if marks:
                mark, model = marks.pop()
                records.undo(mark)
            case _:
                found = records.get(SETTINGS, (name,))
                assert (None if found is None else found.value) == model.get(name)
    records.flush()
    store.commit()
    assert dict(store.writer.execute("SELECT name, value FROM settings")) == model
    store.close()
