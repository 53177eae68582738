"""Who may call a function: its account, and whoever its policy lets.

Source: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from typing import Any

import pytest
from tests.services.lambda_.conftest import Cloud

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads

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


# The policy as a document. Source: Lambda API Reference, PutResourcePolicy.


def document(**changes: Any) -> str:
    statement = {
        "Sid": "others",
        "Effect": "Allow",
        "Principal": {"AWS": "999999999999"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
    }
    return dumps({"Version": "2012-10-17", "Statement": [{**statement, **changes}]})


def test_a_policy_is_put_read_and_deleted_whole() -> None:
    cloud = Cloud()
    cloud.create("Pay")
    cloud.call("AddPermission", FunctionName="Pay", StatementId="s", Action="lambda:InvokeFunction", Principal="*")
    put = cloud.call("PutResourcePolicy", ResourceArn=ARN, Policy=document())
    assert loads(put["Policy"]) == loads(document()), "it replaces what AddPermission gave"
    assert cloud.call("GetResourcePolicy", ResourceArn=ARN) == put == cloud.call("GetPolicy", FunctionName="Pay")
    assert (invoke(cloud, OTHER), invoke(cloud, EVENTS)) == ("", "AccessDeniedException")
    cloud.call("AddPermission", FunctionName="Pay", StatementId="s", Action="lambda:InvokeFunction", Principal="*")
    cloud.call("RemovePermission", FunctionName="Pay", StatementId="others")
    changed = cloud.call("GetResourcePolicy", ResourceArn=ARN)
    assert '"Sid":"s"' in changed["Policy"]
    assert "others" not in changed["Policy"]
    for revision in ("x", put["RevisionId"]):
        with pytest.raises(ServiceError, match="GetResourcePolicy API") as refused:
            cloud.world.call("lambda", "DeleteResourcePolicy", {"ResourceArn": ARN, "RevisionId": revision})
        assert refused.value.code == "PreconditionFailedException"
    cloud.world.call("lambda", "DeleteResourcePolicy", {"ResourceArn": ARN, "RevisionId": changed["RevisionId"]})
    with pytest.raises(ServiceError) as refused:
        cloud.call("GetResourcePolicy", ResourceArn=ARN)
    assert refused.value.code == "ResourceNotFoundException"


# Resource, policy, code.
NO_DOCUMENTS = [
    (ARN, "{", "InvalidParameterValueException"),
    (ARN, "[]", "InvalidParameterValueException"),
    (ARN, "{}", "InvalidParameterValueException"),
    (ARN, dumps({"Statement": [{"Effect": "Allow"}]}), "InvalidParameterValueException"),
    (ARN, document(Resource="*"), "InvalidParameterValueException"),
    (ARN, document(Effect="Maybe"), "InvalidParameterValueException"),
    (ARN, document(Sid="s" * 20_480), "PolicyLengthExceededException"),
    (f"{ARN}:$LATEST", document(Resource=f"{ARN}:$LATEST"), "InvalidParameterValueException"),
    (f"{ARN}:no", document(Resource=f"{ARN}:no"), "ResourceNotFoundException"),
    (f"{ARN}2", document(Resource=f"{ARN}2"), "ResourceNotFoundException"),
]


@pytest.mark.parametrize(("resource", "policy", "code"), NO_DOCUMENTS, ids=range(len(NO_DOCUMENTS)))
def test_a_document_that_is_no_policy_of_the_resource_is_refused(resource: str, policy: str, code: str) -> None:
    cloud = Cloud()
    cloud.create("Pay")
    with pytest.raises(ServiceError) as refused:
        cloud.call("PutResourcePolicy", ResourceArn=resource, Policy=policy)
    assert refused.value.code == code


def test_a_policy_does_not_grow_beyond_its_bound() -> None:
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (20 KB)
    cloud = Cloud()
    cloud.create("Pay")
    permission = {"FunctionName": "Pay", "Action": "lambda:InvokeFunction", "Principal": "*"}

    def fill() -> None:
        for number in range(200):
            cloud.call("AddPermission", StatementId=f"{number:0100}", **permission)

    with pytest.raises(ServiceError, match=r"The final policy size \(\d+\) is bigger than the limit") as refused:
        fill()
    assert refused.value.code == "PolicyLengthExceededException"
