"""What calls read of configuration beyond what they told is foreseen, by the first key that they told."""

from interstate.runtime.foresight import KEYS_MAX, LOOKS_MAX, USES_MAX, Foresight
from interstate.store.records.sns import SUBSCRIPTIONS, TOPICS
from interstate.store.records.sqs import QUEUES
from interstate.store.tables import Demand, Key
from interstate.store.unit_of_work import Glance

TOPIC, OTHER = Key(TOPICS, ("arn:one",)), Key(TOPICS, ("arn:two",))


def look(name: str) -> Glance:
    return (QUEUES, 0, (name,))


def test_calls_of_the_same_first_key_read_the_same_configuration() -> None:
    foresight = Foresight()
    foresight.learn([TOPIC, Key(SUBSCRIPTIONS, ("s",))], [look("a"), look("b")])
    assert foresight.of([[TOPIC]]) == [look("a"), look("b")]
    assert foresight.of([[OTHER], []]) == []


def test_what_several_calls_of_a_batch_foresee_is_asked_for_once() -> None:
    foresight = Foresight()
    foresight.learn([TOPIC], [look("a")])
    foresight.learn([OTHER], [look("a"), look("b")])
    assert sorted(of[2] for of in foresight.of([[TOPIC], [OTHER], [TOPIC]])) == [("a",), ("b",)]


def test_a_call_that_told_no_row_teaches_nothing() -> None:
    foresight = Foresight()
    foresight.learn([Demand("range", 3)], [look("a")])
    assert foresight.of([[Demand("range", 3)]]) == []


def test_what_is_remembered_is_bounded() -> None:
    foresight = Foresight()
    for number in range(LOOKS_MAX * 3):
        foresight.learn([TOPIC], [look(str(number))])
        assert len(foresight.of([[TOPIC]])) <= LOOKS_MAX
    for number in range(KEYS_MAX):
        foresight.learn([Key(TOPICS, (str(number),))], [look("a")])
    assert foresight.of([[TOPIC]]) == []


def test_what_nobody_needs_any_more_is_not_asked_for_for_ever() -> None:
    foresight = Foresight()
    foresight.learn([TOPIC], [look("a")])
    for _ in range(USES_MAX):
        assert foresight.of([[TOPIC]]) == [look("a")]
    assert foresight.of([[TOPIC]]) == []
