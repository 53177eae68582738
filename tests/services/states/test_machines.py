"""State machines, their versions and aliases. Sources: API Reference; messages as recorded from Step Functions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.runtime.testing import START, World

ROLE = "arn:aws:iam::000000000000:role/r"
BASE = "arn:aws:states:us-east-1:000000000000"
PASS = dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
OTHER = dumps({"StartAt": "B", "States": {"B": {"Type": "Succeed"}}})
WAIT = dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}})


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("stepfunctions", operation, request)


def create(world: World, name: str = "m", definition: str = PASS, **more: Any) -> str:
    arn: str = call(world, "CreateStateMachine", name=name, definition=definition, roleArn=ROLE, **more)[
        "stateMachineArn"
    ]
    return arn


def refused(world: World, operation: str, **request: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        call(world, operation, **request)
    return caught.value.code, caught.value.message


def test_a_machine_is_described_as_it_was_created(world: World) -> None:
    answer = call(world, "CreateStateMachine", name="m", definition=PASS, roleArn=ROLE)
    assert answer == {"stateMachineArn": f"{BASE}:stateMachine:m", "creationDate": START}
    assert call(world, "DescribeStateMachine", stateMachineArn=answer["stateMachineArn"]) == {
        "stateMachineArn": f"{BASE}:stateMachine:m",
        "name": "m",
        "status": "ACTIVE",
        "type": "STANDARD",
        "creationDate": START,
        "definition": PASS,
        "roleArn": ROLE,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
    }


def test_creating_the_same_again_answers_the_same_and_another_is_refused(world: World) -> None:
    arn = create(world)
    world.now += timedelta(seconds=5)
    again = call(world, "CreateStateMachine", name="m", definition=PASS, roleArn=ROLE.replace("/r", "/q"))
    assert again == {"stateMachineArn": arn, "creationDate": START}
    assert call(world, "DescribeStateMachine", stateMachineArn=arn)["roleArn"] == ROLE
    for changed in ({"definition": PASS + " "}, {"definition": PASS, "type": "EXPRESS"}):
        assert refused(world, "CreateStateMachine", name="m", roleArn=ROLE, **changed) == (
            "StateMachineAlreadyExists",
            f"State Machine Already Exists: '{arn}'",
        )


@pytest.mark.parametrize("character", list(' <>{}[]?*"#%\\^|~`$&,;:/\n\x00\x7f\x9f'))
def test_names_must_not_have_these_characters(world: World, character: str) -> None:
    name = f"a{character}b"
    assert refused(world, "CreateStateMachine", name=name, definition=PASS, roleArn=ROLE) == (
        "InvalidName",
        f"Invalid Name: '{name}'",
    )


REFUSED = [
    (
        {"definition": '{"StartAt": "A"}'},
        (
            "InvalidDefinition",
            "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /'",
        ),
    ),
    ({"roleArn": "role"}, ("InvalidArn", "Invalid Arn: 'Invalid Role Arn: role'")),
    (
        {"versionDescription": "x"},
        ("ValidationException", "Version description can only be set when publish is true"),
    ),
    (
        {"loggingConfiguration": {"level": "ALL"}},
        ("InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination."),
    ),
    (
        {
            "loggingConfiguration": {
                "level": "ALL",
                "destinations": [
                    {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:no:*"}}
                ],
            }
        },
        ("InvalidLoggingConfiguration", "Invalid Logging Configuration: Log Destination not found."),
    ),
]


@pytest.mark.parametrize(("change", "expected"), REFUSED, ids=[str(row[0])[:40] for row in REFUSED])
def test_a_machine_that_cannot_be_is_refused_and_nothing_remains(
    world: World, change: Any, expected: tuple[str, str]
) -> None:
    assert (
        refused(world, "CreateStateMachine", **{"name": "m", "definition": PASS, "roleArn": ROLE, **change}) == expected
    )
    assert call(world, "ListStateMachines") == {"stateMachines": []}


def test_an_unknown_integration_is_refused_with_its_place(world: World) -> None:
    definition = dumps(
        {"StartAt": "Q", "States": {"Q": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:query", "End": True}}}
    )
    code, message = refused(world, "CreateStateMachine", name="m", definition=definition, roleArn=ROLE)
    assert code == "InvalidDefinition"
    assert "The resource provided arn:aws:states:::dynamodb:query is not recognized." in message
    assert message.endswith("at /States/Q/Resource'")


def test_parameters_that_an_integration_does_not_take_are_refused_wherever_they_stand(world: World) -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    bad = {
        "StartAt": "B",
        "States": {"B": {**task, "Parameters": {"QueueUrl": "q", "MessageBody": "x", "QueueURL.$": "$.q"}}},
    }
    good = {"StartAt": "G", "States": {"G": {**task, "Parameters": {"QueueUrl.$": "$.q", "MessageBody": {"any": 1}}}}}
    parallel = {"Type": "Parallel", "Branches": [good, bad], "Next": "M"}
    each = {"Type": "Map", "ItemProcessor": {**bad, "StartAt": "C", "States": {"C": bad["States"]["B"]}}, "End": True}  # type: ignore[index]
    definition = dumps({"StartAt": "P", "States": {"P": parallel, "M": each}})
    fault = 'SCHEMA_VALIDATION_FAILED: The field "QueueURL" is not supported by Step Functions at'
    assert refused(world, "CreateStateMachine", name="m", definition=definition, roleArn=ROLE) == (
        "InvalidDefinition",
        (
            f"Invalid State Machine Definition: '{fault} /States/P/Branches[1]/States/B/Parameters, "
            f"{fault} /States/M/ItemProcessor/States/C/Parameters'"
        ),
    )
    create(world, definition=dumps(good))


SQS = "arn:aws:states:::sqs:sendMessage"


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({}, [f"Parameters field is required for resource ARN: {SQS} at /States/T"]),
        ({"QueryLanguage": "JSONata"}, [f"Arguments field is required for resource ARN: {SQS} at /States/T"]),
        (
            {"Parameters": {}},
            [
                f"The field '{name}' is required but was missing at /States/T/Parameters"
                for name in ("MessageBody", "QueueUrl")
            ],
        ),
        (
            {"QueryLanguage": "JSONata", "Arguments": {"QueueUrl": "q"}},
            ["The field 'MessageBody' is required but was missing at /States/T/Arguments"],
        ),
    ],
)
def test_parameters_that_an_integration_needs_are_asked_for(world: World, fields: Any, faults: list[str]) -> None:
    task = {"Type": "Task", "Resource": SQS, "End": True, **fields}
    told = ", ".join(f"SCHEMA_VALIDATION_FAILED: {fault}" for fault in faults)
    definition = dumps({"StartAt": "T", "States": {"T": task}})
    assert refused(world, "CreateStateMachine", name="m", definition=definition, roleArn=ROLE) == (
        "InvalidDefinition",
        f"Invalid State Machine Definition: '{told}'",
    )


def test_machines_are_listed_by_name_in_pages(world: World) -> None:
    for number in (3, 1, 5, 2, 4):
        create(world, f"m{number}")
    first = call(world, "ListStateMachines", maxResults=2)
    assert [machine["name"] for machine in first["stateMachines"]] == ["m1", "m2"]
    second = call(world, "ListStateMachines", maxResults=3, nextToken=first["nextToken"])
    assert [machine["name"] for machine in second["stateMachines"]] == ["m3", "m4", "m5"]
    assert "nextToken" not in second
    assert refused(world, "ListStateMachines", nextToken="x") == ("InvalidToken", "Invalid Token: 'Invalid token'")


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        ("not_an_arn", "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: not_an_arn'"),
        (
            f"{BASE}:stateMachine:no",
            "StateMachineDoesNotExist",
            f"State Machine Does Not Exist: '{BASE}:stateMachine:no'",
        ),
        (
            f"{BASE}:stateMachine:m:7",
            "StateMachineDoesNotExist",
            f"State Machine Does Not Exist: '{BASE}:stateMachine:m:7'",
        ),
        (
            f"{BASE}:stateMachine:m:1:2",
            "InvalidArn",
            f"Invalid Arn: 'ARN does not match required pattern: {BASE}:stateMachine:m:1:2'",
        ),
        (f"{BASE}:express:m:a:b", "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'"),
    ],
)
def test_an_arn_that_leads_nowhere_is_refused(world: World, arn: str, code: str, message: str) -> None:
    create(world)
    assert refused(world, "DescribeStateMachine", stateMachineArn=arn) == (code, message)
    assert refused(world, "StartExecution", stateMachineArn=arn) == (code, message)


def test_an_update_makes_a_revision_only_when_something_differs(world: World) -> None:
    arn = create(world)
    world.now += timedelta(seconds=5)
    assert call(world, "UpdateStateMachine", stateMachineArn=arn, definition=PASS) == {"updateDate": world.now}
    changed = call(world, "UpdateStateMachine", stateMachineArn=arn, definition=OTHER)
    described = call(world, "DescribeStateMachine", stateMachineArn=arn)
    assert (described["definition"], described["revisionId"]) == (OTHER, changed["revisionId"])
    assert described["creationDate"] == START
    assert refused(world, "UpdateStateMachine", stateMachineArn=arn)[0] == "MissingRequiredParameter"
    assert refused(world, "UpdateStateMachine", stateMachineArn=arn, definition="{}")[0] == "InvalidDefinition"
    assert call(world, "DescribeStateMachine", stateMachineArn=arn) == described


def test_an_update_does_not_change_what_runs(world: World) -> None:
    arn = create(world, definition=WAIT)
    execution = call(world, "StartExecution", stateMachineArn=arn)["executionArn"]
    call(world, "UpdateStateMachine", stateMachineArn=arn, definition=PASS)
    assert call(world, "DescribeStateMachineForExecution", executionArn=execution)["definition"] == WAIT
    world.advance(timedelta(seconds=60))
    history = call(world, "GetExecutionHistory", executionArn=execution)["events"]
    assert "WaitStateExited" in [event["type"] for event in history]


def test_deleting_waits_for_running_executions(world: World) -> None:
    arn = create(world, definition=WAIT)
    execution = call(world, "StartExecution", stateMachineArn=arn)["executionArn"]
    call(world, "DeleteStateMachine", stateMachineArn=arn)
    assert call(world, "DescribeStateMachine", stateMachineArn=arn)["status"] == "DELETING"
    assert call(world, "ListStateMachines") == {"stateMachines": []}
    assert refused(world, "StartExecution", stateMachineArn=arn)[0] == "StateMachineDeleting"
    assert refused(world, "CreateStateMachine", name="m", definition=WAIT, roleArn=ROLE)[0] == "StateMachineDeleting"
    world.advance(timedelta(seconds=60))
    assert call(world, "DescribeExecution", executionArn=execution)["status"] == "SUCCEEDED"
    assert refused(world, "DescribeStateMachine", stateMachineArn=arn)[0] == "StateMachineDoesNotExist"
    call(world, "DeleteStateMachine", stateMachineArn=arn)
    create(world)


def test_machines_of_other_accounts_and_regions_are_others(world: World) -> None:
    create(world)
    world.caller = type(world.caller)(region="eu-west-1")
    assert call(world, "ListStateMachines") == {"stateMachines": []}


# Versions and aliases --------------------------------------------------------------------------------------------


def test_a_version_is_a_number_for_a_revision(world: World) -> None:
    arn = create(world, publish=True, versionDescription="first")
    assert call(world, "PublishStateMachineVersion", stateMachineArn=arn)["stateMachineVersionArn"] == f"{arn}:1"
    update = call(world, "UpdateStateMachine", stateMachineArn=arn, definition=OTHER, publish=True)
    assert update["stateMachineVersionArn"] == f"{arn}:2"
    versions = call(world, "ListStateMachineVersions", stateMachineArn=arn)["stateMachineVersions"]
    assert [version["stateMachineVersionArn"] for version in versions] == [f"{arn}:2", f"{arn}:1"]
    first = call(world, "DescribeStateMachine", stateMachineArn=f"{arn}:1")
    assert (first["definition"], first["description"]) == (PASS, "first")
    assert "description" not in call(world, "DescribeStateMachine", stateMachineArn=arn)


def test_a_versions_number_is_never_used_again(world: World) -> None:
    arn = create(world, publish=True)
    call(world, "DeleteStateMachineVersion", stateMachineVersionArn=f"{arn}:1")
    call(world, "DeleteStateMachineVersion", stateMachineVersionArn=f"{arn}:1")
    assert call(world, "PublishStateMachineVersion", stateMachineArn=arn)["stateMachineVersionArn"] == f"{arn}:2"


def test_publishing_a_revision_that_is_not_current_is_a_conflict(world: World) -> None:
    arn = create(world)
    old = call(world, "UpdateStateMachine", stateMachineArn=arn, definition=OTHER)["revisionId"]
    new = call(world, "UpdateStateMachine", stateMachineArn=arn, definition=PASS)["revisionId"]
    assert refused(world, "PublishStateMachineVersion", stateMachineArn=arn, revisionId=old) == (
        "ConflictException",
        f"Failed to publish the State Machine version for revision {old}. The current State Machine revision is {new}.",
    )
    assert call(world, "PublishStateMachineVersion", stateMachineArn=arn, revisionId=new)


def route(arn: str, weight: int = 100) -> dict[str, Any]:
    return {"stateMachineVersionArn": arn, "weight": weight}


def test_an_alias_routes_executions_to_a_version(world: World) -> None:
    arn = create(world, publish=True)
    call(world, "UpdateStateMachine", stateMachineArn=arn, definition=OTHER, publish=True)
    alias = call(world, "CreateStateMachineAlias", name="live", routingConfiguration=[route(f"{arn}:1")])[
        "stateMachineAliasArn"
    ]
    assert alias == f"{arn}:live"
    execution = call(world, "StartExecution", stateMachineArn=alias)["executionArn"]
    described = call(world, "DescribeExecution", executionArn=execution)
    assert described["stateMachineVersionArn"] == f"{arn}:1"
    assert described["stateMachineAliasArn"] == alias
    assert described["stateMachineArn"] == arn
    call(world, "UpdateStateMachineAlias", stateMachineAliasArn=alias, routingConfiguration=[route(f"{arn}:2")])
    second = call(world, "StartExecution", stateMachineArn=alias)["executionArn"]
    of_version = call(world, "ListExecutions", stateMachineArn=f"{arn}:2")["executions"]
    assert [row["executionArn"] for row in of_version] == [second]
    assert len(call(world, "ListExecutions", stateMachineArn=alias)["executions"]) == 2


def test_an_alias_with_two_routes_uses_both(world: World) -> None:
    arn = create(world, publish=True)
    call(world, "UpdateStateMachine", stateMachineArn=arn, definition=OTHER, publish=True)
    routing = [route(f"{arn}:1", 50), route(f"{arn}:2", 50)]
    alias = call(world, "CreateStateMachineAlias", name="live", routingConfiguration=routing)["stateMachineAliasArn"]
    started = [call(world, "StartExecution", stateMachineArn=alias)["executionArn"] for _ in range(20)]
    used = {call(world, "DescribeExecution", executionArn=one)["stateMachineVersionArn"] for one in started}
    assert used == {f"{arn}:1", f"{arn}:2"}


def test_aliases_keep_their_rules(world: World) -> None:
    arn = create(world, publish=True)
    alias = call(world, "CreateStateMachineAlias", name="live", routingConfiguration=[route(f"{arn}:1")])[
        "stateMachineAliasArn"
    ]
    call(world, "CreateStateMachineAlias", name="live", routingConfiguration=[route(f"{arn}:1")])
    assert refused(
        world, "CreateStateMachineAlias", name="live", description="x", routingConfiguration=[route(f"{arn}:1")]
    )[0] == ("ConflictException")
    assert refused(world, "CreateStateMachineAlias", name="a", routingConfiguration=[route(f"{arn}:1", 99)]) == (
        "ValidationException",
        "Sum of routing configuration weights must equal 100. Received: [99]",
    )
    assert refused(world, "CreateStateMachineAlias", name="a", routingConfiguration=[route(arn)]) == (
        "ValidationException",
        f"Routing configuration must contain state machine version ARNs. Received: [{arn}]",
    )
    twice = [route(f"{arn}:1", 50), route(f"{arn}:1", 50)]
    assert refused(world, "CreateStateMachineAlias", name="a", routingConfiguration=twice) == (
        "ValidationException",
        f"Routing configuration must contain distinct state machine version ARNs. Received: [{arn}:1, {arn}:1]",
    )
    assert refused(world, "DeleteStateMachineVersion", stateMachineVersionArn=f"{arn}:1") == (
        "ConflictException",
        "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [live]",
    )
    assert call(world, "DescribeStateMachineAlias", stateMachineAliasArn=alias)["routingConfiguration"] == [
        route(f"{arn}:1")
    ]
    listed = call(world, "ListStateMachineAliases", stateMachineArn=arn)["stateMachineAliases"]
    assert [row["stateMachineAliasArn"] for row in listed] == [alias]
    call(world, "DeleteStateMachineAlias", stateMachineAliasArn=alias)
    call(world, "DeleteStateMachineAlias", stateMachineAliasArn=alias)
    assert refused(world, "DescribeStateMachineAlias", stateMachineAliasArn=alias) == (
        "ResourceNotFound",
        "Request references a resource that does not exist.",
    )


# Tags and validation ---------------------------------------------------------------------------------------------


def test_tags_are_added_replaced_and_taken_away(world: World) -> None:
    arn = create(world, tags=[{"key": "a", "value": "1"}], publish=True)
    call(world, "TagResource", resourceArn=arn, tags=[{"key": "a", "value": "2"}, {"key": "b", "value": ""}])
    assert call(world, "ListTagsForResource", resourceArn=arn)["tags"] == [
        {"key": "a", "value": "2"},
        {"key": "b", "value": ""},
    ]
    call(world, "UntagResource", resourceArn=arn, tagKeys=["a", "c"])
    assert call(world, "ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "b", "value": ""}]
    assert refused(world, "TagResource", resourceArn=f"{arn}:1", tags=[]) == (
        "ResourceNotFound",
        f"Resource not found: '{arn}:1'",
    )
    many = [{"key": str(number), "value": ""} for number in range(50)]
    assert refused(world, "TagResource", resourceArn=arn, tags=many)[0] == "TooManyTags"


def test_tags_of_aws_are_its_own(world: World) -> None:
    """Source: service quotas, "Restrictions related to tagging": the prefix aws: is reserved."""
    tags, said = [{"key": "AWS:x", "value": ""}], "aws: prefixed tag key names are not allowed for external use."
    arn = create(world)
    assert refused(world, "TagResource", resourceArn=arn, tags=tags) == ("ValidationException", said)
    assert refused(world, "CreateActivity", name="a", tags=tags) == ("ValidationException", said)


def test_an_alias_is_not_updated_with_nothing(world: World) -> None:
    """Source: API Reference, UpdateStateMachineAlias: one of description and routingConfiguration must be given."""
    arn = create(world, publish=True)
    request = {"name": "live", "routingConfiguration": [route(f"{arn}:1")]}
    alias = call(world, "CreateStateMachineAlias", **request)["stateMachineAliasArn"]
    assert refused(world, "UpdateStateMachineAlias", stateMachineAliasArn=alias)[0] == "ValidationException"
    call(world, "UpdateStateMachineAlias", stateMachineAliasArn=alias, description="")


DIAGNOSTICS = [
    (PASS, []),
    ("", [("SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", None)]),
    ("{}", [("SCHEMA_VALIDATION_FAILED", "These fields are required: [States, StartAt]", "/")]),
]


@pytest.mark.parametrize(("definition", "expected"), DIAGNOSTICS)
def test_a_definition_is_validated_without_creating_it(world: World, definition: str, expected: list[Any]) -> None:
    answer = call(world, "ValidateStateMachineDefinition", definition=definition)
    assert answer["result"] == ("FAIL" if expected else "OK")
    assert [(row["code"], row["message"], row.get("location")) for row in answer["diagnostics"]] == expected


def test_what_is_hardly_meant_is_told_when_asked_for(world: World) -> None:
    definition = dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"a": "$.a"}, "End": True}}})
    plain = call(world, "ValidateStateMachineDefinition", definition=definition)
    assert (plain["result"], plain["diagnostics"]) == ("OK", [])
    told = call(world, "ValidateStateMachineDefinition", definition=definition, severity="WARNING")
    assert told["result"] == "OK"
    assert [(row["severity"], row["code"], row["location"]) for row in told["diagnostics"]] == [
        ("WARNING", "NO_DOLLAR", "/States/A/Parameters/a")
    ]
