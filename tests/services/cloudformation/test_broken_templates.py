"""Whatever stands in a template is carried out or refused: never a bug, and nothing is left behind by a refusal."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.core.templates.reader import read_template
from interstate.runtime.testing import World
from interstate.services.cloudformation.resources.table import TYPES

EVERYTHING = read_template((Path(__file__).parent / "everything.yaml").read_text())
CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
PARAMETERS = [{"ParameterKey": "Layer", "ParameterValue": "/nowhere"}]

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(
    ["", "x", "${Queue", "${}", "${Queue.Arn}", "${Gone}", "Ref", "{{resolve:ssm:x}}", "arn:aws:sqs:us-east-1:000000000000:q", "٣"]
)  # fmt: skip
FUNCTIONS = st.sampled_from(["Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::If", "Fn::FindInMap", "Fn::Split", "Fn::ImportValue", "Fn::Base64", "Fn::Cidr", "Condition", "Type", "Properties"])  # fmt: skip
NODES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FUNCTIONS, inner, max_size=2),
    max_leaves=5,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [here]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found.extend(places(item, (*here, key)))
    return found


def changed(document: Any, place: tuple[Any, ...], node: Any) -> Any:
    if not place:
        return node
    document = copy.deepcopy(document)
    here = document
    for key in place[:-1]:
        here = here[key]
    here[place[-1]] = node
    return document


NAMES = sorted({name for row in TYPES.values() for name in row.properties.members})
PLACES = [place for place in places(EVERYTHING) if place]


def create(world: World, template: Any) -> str | None:
    """Create a stack; tells the code of its refusal."""
    request = {"StackName": "all", "TemplateBody": dumps(template), "Capabilities": CAPABILITIES}
    parameters = PARAMETERS if "Layer" in dumps(template) else []
    try:
        world.call("cloudformation", "CreateStack", {**request, "Parameters": parameters})
    except ServiceError as refused:
        return refused.code
    return None


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(place=st.sampled_from(PLACES), node=NODES)
def test_a_template_with_one_wrong_place_is_carried_out_or_refused(place: tuple[Any, ...], node: Any) -> None:
    world = World(performers={})
    code = create(world, changed(EVERYTHING, place, node))
    assert code != "InternalFailure"
    stacks = world.call("cloudformation", "DescribeStacks")["Stacks"]
    assert len(stacks) == (0 if code else 1)
    world.close()


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(properties=st.dictionaries(st.sampled_from(NAMES), NODES, max_size=4), type_=st.sampled_from(sorted(TYPES)))
def test_a_resource_with_any_properties_is_carried_out_or_refused(properties: dict[str, Any], type_: str) -> None:
    world = World(performers={})
    assert create(world, {"Resources": {"Queue": {"Type": type_, "Properties": properties}}}) != "InternalFailure"
    world.close()


@pytest.mark.parametrize("body", ["", "x", "[]", "{}", "null", "{", "Resources: 1", "Resources: {A: 1}", "\x00", "!!python/object:os.system {}", "? {a: b}\n: c", "&a [*a]", "a: !Foo", "🙂: [", "Resources: {A: {Type: [x]}}", "Outputs: []", "Parameters: {P: 1}"])  # fmt: skip
def test_a_text_that_is_no_template_is_refused(body: str) -> None:
    world = World(performers={})
    with pytest.raises(ServiceError) as refused:
        world.call("cloudformation", "ValidateTemplate", {"TemplateBody": body})
    assert refused.value.code == "ValidationError"
    world.close()
