"""Worlds in which a gateway may call one function, for tests."""

from collections.abc import Callable, Iterator

from interstate.runtime.testing import World
from interstate.store.records.lambda_ import POLICIES, Invocation, InvocationResult, Policy

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:PlaceOrder"
ANY_ROUTE = {
    "Sid": "any",
    "Effect": "Allow",
    "Principal": {"Service": "apigateway.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": f"{FUNCTION}*",
}


def world_of(perform: Callable[[str, Invocation], InvocationResult]) -> Iterator[World]:
    """A fixture's world: ``perform`` is the function, which every route may call, by its alias "live", too."""
    world = World(performers={"lambda.invoke": perform})
    world.run(lambda work: work.put(POLICIES, Policy(FUNCTION, "", [ANY_ROUTE], "1")))
    world.run(lambda work: work.put(POLICIES, Policy(FUNCTION, "live", [ANY_ROUTE], "1")))
    yield world
    world.close()
