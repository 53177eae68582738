"""What a target gets of an event: the event, a part of it, what a template makes of it, or a constant."""

from datetime import datetime

from interstate.base.json import JSONObject, loads
from interstate.core.events.delivery import INVALID_JSON, Failure
from interstate.core.events.transform import Context, InvalidInput, part, render
from interstate.services.events.routing import Target
from interstate.store.records.events import Carried


class DeliveryFailed(Exception):
    """The delivery failed for this reason."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def input_of(carried: Carried, since: datetime, rule_arn: str, target: Target) -> str:
    """What the target gets.

    Raises:
        DeliveryFailed: the target's template gives no JSON.
    """
    if target.constant is not None:
        return target.constant
    text = bytes(carried.text).decode()
    if target.path is not None:
        return part(target.path, event_of(text))
    if target.transformer is None:
        return text
    try:
        return render(target.transformer, event_of(text), Context(rule_arn, rule_arn.rpartition("/")[2], since))
    except InvalidInput as error:
        raise DeliveryFailed(Failure(INVALID_JSON, f"Input is not valid JSON: {error}", permanent=True)) from error


def event_of(text: str) -> JSONObject:
    """An event from its text."""
    event = loads(text)
    assert isinstance(event, dict)
    return event
