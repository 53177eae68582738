"""Policies of tables and streams. Source: DynamoDB Developer Guide, Resource-based policies."""

import json
from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, key

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/things"
OTHER = Caller(account="111111111111")
SERVICE = Caller().on_behalf_of("events.amazonaws.com", "arn:aws:events:us-east-1:000000000000:rule/r")


def statement(effect: str, principal: str, *actions: str) -> str:
    one = {"Effect": effect, "Principal": {"AWS": principal}, "Action": list(actions), "Resource": ARN}
    return json.dumps({"Version": "2012-10-17", "Statement": [one]})


def get(tables: Tables, caller: Caller, table: str = ARN) -> Any:
    return tables.world.call("dynamodb", "GetItem", {"TableName": table, "Key": key("a")}, caller=caller)


def denied(tables: Tables, caller: Caller, table: str = ARN) -> str:
    with pytest.raises(ServiceError) as refusal:
        get(tables, caller, table)
    assert refusal.value.code == "AccessDeniedException"
    return refusal.value.message


def test_a_policy_is_put_read_and_taken_away(tables: Tables) -> None:
    assert tables.refused("GetResourcePolicy", ResourceArn=ARN).code == "PolicyNotFoundException"
    policy = statement("Allow", "111111111111", "dynamodb:GetItem")
    revision = tables("PutResourcePolicy", ResourceArn=ARN, Policy=policy)["RevisionId"]
    assert tables("GetResourcePolicy", ResourceArn=ARN) == {"Policy": policy, "RevisionId": revision}
    assert tables("PutResourcePolicy", ResourceArn=ARN, Policy=policy) == {"RevisionId": revision}
    wrong = tables.refused("DeleteResourcePolicy", ResourceArn=ARN, ExpectedRevisionId="1")
    assert wrong.code == "PolicyNotFoundException"
    assert tables("DeleteResourcePolicy", ResourceArn=ARN) == {"RevisionId": revision}
    assert tables("DeleteResourcePolicy", ResourceArn=ARN) == {}


def test_a_policy_is_put_only_over_the_revision_that_is_expected(tables: Tables) -> None:
    policy = statement("Allow", "111111111111", "dynamodb:GetItem")
    tables("PutResourcePolicy", ResourceArn=ARN, Policy=policy, ExpectedRevisionId="NO_POLICY")
    error = tables.refused("PutResourcePolicy", ResourceArn=ARN, Policy=policy, ExpectedRevisionId="NO_POLICY")
    assert error.code == "PolicyNotFoundException"


def test_another_account_needs_the_policys_word(tables: Tables) -> None:
    message = denied(tables, OTHER)
    assert message.startswith("User: arn:aws:iam::111111111111:root is not authorized to perform: dynamodb:GetItem on")
    tables("PutResourcePolicy", ResourceArn=ARN, Policy=statement("Allow", "111111111111", "dynamodb:GetItem"))
    tables("PutItem", TableName="things", Item=key("a"))
    assert get(tables, OTHER) == {"Item": key("a")}
    with pytest.raises(ServiceError, match="dynamodb:PutItem"):
        tables.world.call("dynamodb", "PutItem", {"TableName": ARN, "Item": key("a")}, caller=OTHER)


def test_the_own_account_may_unless_it_is_denied(tables: Tables) -> None:
    tables("PutResourcePolicy", ResourceArn=ARN, Policy=statement("Allow", "111111111111", "dynamodb:GetItem"))
    assert get(tables, Caller(), "things") == {}
    tables("PutResourcePolicy", ResourceArn=ARN, Policy=statement("Deny", "*", "dynamodb:GetItem"))
    denied(tables, Caller(), "things")


def test_a_service_needs_the_policys_word(tables: Tables) -> None:
    denied(tables, SERVICE, "things")


def test_a_table_is_made_with_its_policy(tables: Tables) -> None:
    policy = statement("Deny", "*", "dynamodb:GetItem").replace("table/things", "table/other")
    tables(
        "CreateTable", TableName="other", BillingMode="PAY_PER_REQUEST", ResourcePolicy=policy,
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )  # fmt: skip
    denied(tables, Caller(), "other")


@pytest.mark.parametrize("policy", ["{", "[]", '{"Statement": 1}', '"x"'])
def test_what_is_no_policy_is_refused(tables: Tables, policy: str) -> None:
    assert tables.refused("PutResourcePolicy", ResourceArn=ARN, Policy=policy).code == "ValidationException"


def test_a_policy_has_20_kb(tables: Tables) -> None:
    large = statement("Allow", "1" * 12, *["dynamodb:" + "x" * 100] * 200)
    assert tables.refused("PutResourcePolicy", ResourceArn=ARN, Policy=large).code == "ValidationException"


def test_a_missing_table_has_no_policy(tables: Tables) -> None:
    arn = ARN.replace("things", "absent")
    assert tables.refused("GetResourcePolicy", ResourceArn=arn).code == "ResourceNotFoundException"
