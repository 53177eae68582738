"""Who may call a function: its account, and whoever its policy lets.

Source: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from typing import Any

import pytest
from tests.services.lambda_.conftest import Cloud

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError

ARN = "arn:aws:lambda:us-east-1:000000000000:function:Pay"
RULE = "arn:aws:events:us-east-1:000000000000:rule/placed"
EVENTS = Caller().on_behalf_of("events.amazonaws.com", source_arn=RULE)
OTHER = Caller("999999999999")


def invoke(cloud: Cloud, caller: Caller) -> str:
    """ "" when the call was taken, else the code of its refusal."""
    request = {"FunctionName": ARN, "InvocationType": "Event"}
    try:
        cloud.world.call("lambda", "Invoke", request, caller=caller)
    except ServiceError as error:
        return error.code
    return ""


# The statement's parameters, whether the rule may call, whether another account may.
STATEMENTS: list[tuple[dict[str, Any] | None, bool, bool]] = [
    (None, False, False),
    ({"Principal": "events.amazonaws.com"}, True, False),
    ({"Principal": "events.amazonaws.com", "SourceArn": RULE}, True, False),
    ({"Principal": "events.amazonaws.com", "SourceArn": RULE + "2"}, False, False),
    ({"Principal": "events.amazonaws.com", "SourceAccount": "000000000000"}, True, False),
    ({"Principal": "sns.amazonaws.com"}, False, False),
    ({"Principal": "999999999999"}, False, True),
    ({"Principal": "*"}, True, True),
    ({"Principal": "999999999999", "Action": "lambda:GetFunction"}, False, False),
]


@pytest.mark.parametrize(("statement", "rule", "account"), STATEMENTS, ids=range(len(STATEMENTS)))
def test_a_policy_says_who_else_may_call(statement: dict[str, Any] | None, rule: bool, account: bool) -> None:
    cloud = Cloud()
    cloud.create("Pay")
    if statement is not None:
        cloud.call(
            "AddPermission",
            **{"FunctionName": "Pay", "StatementId": "s", "Action": "lambda:InvokeFunction", **statement},
        )
    assert invoke(cloud, Caller()) == ""
    assert (invoke(cloud, EVENTS) == "") is rule
    assert (invoke(cloud, OTHER) == "") is account


def test_an_alias_has_a_policy_of_its_own() -> None:
    cloud = Cloud()
    cloud.create("Pay")
    cloud.call("PublishVersion", FunctionName="Pay")
    cloud.call("CreateAlias", FunctionName="Pay", Name="live", FunctionVersion="1")
    permission = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "999999999999"}
    cloud.call("AddPermission", FunctionName="Pay", Qualifier="live", **permission)
    assert invoke(cloud, OTHER) == "AccessDeniedException"
    cloud.world.call("lambda", "Invoke", {"FunctionName": f"{ARN}:live", "InvocationType": "Event"}, caller=OTHER)


# Operation, request, code, message.
REFUSALS = [
    ({"Qualifier": "$LATEST"}, "InvalidParameterValueException", "We currently do not support adding policies for $LATEST."),
    ({"Qualifier": "no"}, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:no"),
    ({"Qualifier": "42"}, "ResourceNotFoundException", f"Function not found: {ARN}:42"),
    ({"Principal": "invalid.nonaws.com"}, "InvalidParameterValueException",
     "The provided principal was invalid. Please check the principal and try again."),
    ({"RevisionId": "x"}, "PreconditionFailedException",
     "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "code", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_permission_that_cannot_be_is_refused(parameters: dict[str, Any], code: str, message: str) -> None:
    cloud = Cloud()
    cloud.create("Pay")
    request = {"FunctionName": "Pay", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}
    with pytest.raises(ServiceError) as refused:
        cloud.call("AddPermission", **{**request, **parameters})
    assert (refused.value.code, refused.value.message) == (code, message)
