import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.services import iam, sts
from interstate.wire.routing import Scope, caller_of_scope

OTHER = Caller("111111111111")
TRUST = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]})


@pytest.fixture
def world() -> Iterator[World]:
    world = World((iam.SERVICE, sts.SERVICE))
    yield world
    world.close()


def test_a_caller_is_its_accounts_root(world: World) -> None:
    assert world.call("sts", "GetCallerIdentity", {}, caller=OTHER) == {
        "UserId": "111111111111",
        "Account": "111111111111",
        "Arn": "arn:aws:iam::111111111111:root",
    }


@pytest.mark.parametrize("caller", [Caller(), OTHER], ids=lambda caller: caller.account)
def test_credentials_of_a_role_lead_to_the_roles_account(world: World, caller: Caller) -> None:
    role = {"RoleName": "r", "AssumeRolePolicyDocument": TRUST, "Path": "/a/"}
    arn = world.call("iam", "CreateRole", role, caller=caller)["Role"]["Arn"]
    answer = world.call("sts", "AssumeRole", {"RoleArn": arn, "RoleSessionName": "s", "DurationSeconds": 900})
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{caller.account}:assumed-role/r/s"
    credentials = answer["Credentials"]
    assert credentials["Expiration"] == world.now + timedelta(seconds=900)
    assert caller_of_scope(Scope(credentials["AccessKeyId"], "us-east-1", "sqs")).account == caller.account


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("arn:aws:iam::000000000000:role/gone", "AccessDenied"),
        ("arn:aws:iam::000000000000:role/b/r", "AccessDenied"),
        ("arn:aws:iam::000000000000:user/r", "ValidationError"),
        ("a role of mine, I think", "ValidationError"),
    ],
)
def test_a_role_that_is_not_there_is_not_assumed(world: World, arn: str, code: str) -> None:
    world.call("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST})
    with pytest.raises(ServiceError) as refused:
        world.call("sts", "AssumeRole", {"RoleArn": arn, "RoleSessionName": "s"})
    assert refused.value.code == code


def test_a_session_lasts_no_longer_than_its_role_allows(world: World) -> None:
    arn = world.call("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST})["Role"]["Arn"]
    with pytest.raises(ServiceError, match="exceeds the MaxSessionDuration"):
        world.call("sts", "AssumeRole", {"RoleArn": arn, "RoleSessionName": "s", "DurationSeconds": 3601})


def test_a_session_token_is_of_the_same_account(world: World) -> None:
    credentials = world.call("sts", "GetSessionToken", {}, caller=OTHER)["Credentials"]
    assert credentials["AccessKeyId"] == OTHER.account
    assert credentials["Expiration"] == world.now + timedelta(hours=12)
