"""A topic's policy, statement by statement.

Source: SNS API Reference, AddPermission, RemovePermission.
"""

from typing import Any

import msgspec

from interstate.base.json import dumps, loads
from interstate.core.topics.attributes import TOPIC_ACTIONS, default_policy
from interstate.core.topics.errors import InvalidParameterException
from interstate.services.sns.access import topic_at
from interstate.store.ports import Work
from interstate.store.records.sns import TOPICS, Topic

_ALLOWED = {*TOPIC_ACTIONS, "*"}


class AddPermission(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    label: str
    aws_account_id: list[str] = msgspec.field(name="AWSAccountId")
    action_name: list[str]


class RemovePermission(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    label: str


def add_permission(request: AddPermission, work: Work) -> None:
    """Let other accounts do something to a topic.

    Raises:
        InvalidParameterException: an action is none of a topic's, or the label is taken.
    """
    topic = topic_at(request.topic_arn, work, "AddPermission")
    if not set(request.action_name) <= _ALLOWED:
        raise InvalidParameterException("Policy statement action out of service scope!")
    statements = _statements(topic)
    if any(statement.get("Sid") == request.label for statement in statements):
        raise InvalidParameterException("Statement already exists")
    principals = [_principal(account) for account in request.aws_account_id]
    actions = [f"SNS:{action}" for action in request.action_name]
    statement = {
        "Sid": request.label,
        "Effect": "Allow",
        "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
        "Action": actions[0] if len(actions) == 1 else actions,
        "Resource": topic.arn,
    }
    _save_statements(topic, [*statements, statement], work)


def _principal(account: str) -> str:
    if not (account.isascii() and account.isdigit() and len(account) == 12):
        raise InvalidParameterException("Policy Error: PrincipalNotFound")
    return f"arn:aws:iam::{account}:root"


def remove_permission(request: RemovePermission, work: Work) -> None:
    """Take a statement out of the topic's policy; a label that is not there is no error."""
    topic = topic_at(request.topic_arn, work, "RemovePermission")
    statements = _statements(topic)
    kept = [statement for statement in statements if statement.get("Sid") != request.label]
    if len(kept) < len(statements):
        _save_statements(topic, kept, work)


def _policy(topic: Topic) -> dict[str, Any]:
    text = topic.attributes.get("Policy")
    found = loads(text) if text else default_policy(topic.arn)
    assert isinstance(found, dict)
    return found


def _statements(topic: Topic) -> list[dict[str, Any]]:
    statements = _policy(topic).get("Statement", [])
    return list(statements) if isinstance(statements, list) else [statements]


def _save_statements(topic: Topic, statements: list[dict[str, Any]], work: Work) -> None:
    policy = {**_policy(topic), "Statement": statements}
    attributes = {**topic.attributes, "Policy": dumps(policy)}
    work.put(TOPICS, msgspec.structs.replace(topic, attributes=attributes))
