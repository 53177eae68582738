"""Quotas of an instance: shown, raised, lowered, and back."""

from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.services.events import SERVICE as EVENTS
from interstate.services.why import SERVICE as WHY
from interstate.services.why.quotas import QUOTAS


@pytest.fixture
def world() -> Iterator[World]:
    world = World([EVENTS, WHY])
    yield world
    world.close()


def quotas(world: World, region: str = "us-east-1") -> dict[str, tuple[int, int]]:
    caller = Caller(region=region)
    found = world.call("interstate.why", "ListQuotas", {}, caller=caller)["quotas"]
    return {one["name"]: (one["value"], one["default"]) for one in found}


def put(world: World, **request: Any) -> Any:
    return world.call("interstate.why", "SetQuota", request)


def test_defaults_are_awss_by_region(world: World) -> None:
    assert quotas(world)["rules-per-bus"] == (300, 300)
    assert quotas(world, "eu-south-1")["rules-per-bus"] == (100, 100)
    assert quotas(world, "ap-northeast-2")["put-events-rate"] == (600, 600)
    assert quotas(world)["events.log-days"] == (3, 3)


def test_a_quota_that_is_set_counts_until_it_is_taken_back(world: World) -> None:
    rule = {"EventPattern": '{"source":["shop"]}'}
    put(world, name="rules-per-bus", value=1)
    world.call("events", "PutRule", {"Name": "a", **rule})
    with pytest.raises(ServiceError, match="exceeds the maximum number allowed"):
        world.call("events", "PutRule", {"Name": "b", **rule})
    assert quotas(world)["rules-per-bus"] == (1, 300)
    put(world, name="rules-per-bus")
    world.call("events", "PutRule", {"Name": "b", **rule})
    assert quotas(world)["rules-per-bus"] == (300, 300)


@pytest.mark.parametrize("name", QUOTAS)
def test_a_quota_has_bounds(world: World, name: str) -> None:
    for value in (0, QUOTAS[name].most + 1):
        with pytest.raises(ServiceError, match="must lie between"):
            put(world, name=name, value=value)
    put(world, name=name, value=QUOTAS[name].most)


def test_a_quota_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(ServiceError, match=r"There is no quota 'x'; there are buses,"):
        put(world, name="x", value=1)
