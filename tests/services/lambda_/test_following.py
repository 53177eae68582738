"""A log as it grows: what is there at once, then what comes, without asking again and again."""

from typing import Any

import pytest
from tests.services.lambda_.conftest import Cloud

from interstate.base.errors import ServiceError
from interstate.services.lambda_ import FOLLOWING
from interstate.services.lambda_.following import Follow, follow
from interstate.services.operation import Parked


def test_a_follower_gets_the_past_then_waits_for_what_comes() -> None:
    cloud = Cloud(FOLLOWING)
    cloud.create("Pay", lambda event: event)
    cloud.create("Other", lambda event: event)
    cloud.call("Invoke", FunctionName="Pay")
    first: Any = cloud.world.call("interstate.functions", "Follow", {"FunctionName": "Pay"})
    assert [one["Message"][:5] for one in first["Events"]] == ["START"]

    def look(after: int) -> Any:
        return cloud.world.run(lambda work: follow(Follow("Pay", after=after, wait_s=10), work))

    parked = look(first["After"])
    assert isinstance(parked, Parked)
    cloud.call("Invoke", FunctionName="Other")
    assert isinstance(look(first["After"]), Parked)
    cloud.world.wakes.clear()
    cloud.call("Invoke", FunctionName="Pay")
    assert (parked.key, False) in cloud.world.wakes
    second = look(first["After"])
    assert len(second["Events"]) == 1
    assert second["After"] > first["After"]


def test_nobody_follows_a_function_that_is_not_there() -> None:
    with pytest.raises(ServiceError):
        Cloud(FOLLOWING).world.call("interstate.functions", "Follow", {"FunctionName": "Nobody"})
