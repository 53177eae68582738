"""AddPermission and RemovePermission: statements of the queue's policy, by label.

Source: SQS API Reference, AddPermission, RemovePermission; the policy's form as recorded from AWS (version 2008-10-17, a
single action or principal as text, no policy when the last statement goes).
"""

import re
from typing import Any

import msgspec

from interstate.base.json import dumps, loads
from interstate.core.queues.attributes import check_actions
from interstate.core.queues.errors import InvalidParameterValue, MissingParameter, OverLimit
from interstate.services.sqs.locate import own_queue
from interstate.store.ports import Work
from interstate.store.records.sqs import QUEUES, Queue

_ACTIONS_MAX = 7
"""Source: SQS API Reference, AddPermission (OverLimit): a statement has seven actions at most."""
_ACTIONS = (
    "*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes",
    "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue",
)  # fmt: skip

_ACCOUNT = re.compile("[0-9]{12}")
_LABEL = re.compile("[A-Za-z0-9_-]{1,80}")


class AddPermission(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    label: str
    aws_account_ids: list[str] = msgspec.field(name="AWSAccountIds")
    actions: list[str]


class RemovePermission(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    label: str


def add_permission(request: AddPermission, work: Work) -> None:
    """Allow actions to accounts.

    Raises:
        MissingParameter: there are no actions, or no accounts.
        InvalidParameterValue: the label is taken or none, an action cannot be shared, or an account is none. AWS knows
            which accounts there are; here whatever has the form of one counts.
        OverLimit: more than seven actions.
    """
    queue = own_queue("AddPermission", request.queue_url, work)
    policy = _policy(queue)
    label = request.label
    for name, given in (("Actions", request.actions), ("AWSAccountIds", request.aws_account_ids)):
        if not given:
            raise MissingParameter(name)
    if not _LABEL.fullmatch(label):  # Source: SQS API Reference, AddPermission (Label).
        raise InvalidParameterValue(
            f"Value {label} for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or "
            "underscores. 1 to 80 in length."
        )
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise InvalidParameterValue(f"Value {label} for parameter Label is invalid. Reason: Already exists.")
    for action in request.actions:
        if action not in _ACTIONS:
            check_actions([f"SQS:{action}"])
            raise InvalidParameterValue(
                f"Value SQS:{action} for parameter ActionName is invalid. Reason: Only the queue owner is allowed to "
                "invoke this action."
            )
    unknown = [account for account in request.aws_account_ids if not _ACCOUNT.fullmatch(account)]
    if unknown:
        raise InvalidParameterValue(
            f"Value [{', '.join(unknown)}] for parameter PrincipalId is invalid. Reason: Unable to verify."
        )
    if len(request.actions) > _ACTIONS_MAX:
        raise OverLimit(f"{len(request.actions)} Actions were found, maximum allowed is {_ACTIONS_MAX}.")
    policy["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": _one([f"arn:aws:iam::{account}:root" for account in request.aws_account_ids])},
            "Action": _one([f"SQS:{action}" for action in request.actions]),
            "Resource": queue.arn,
        }
    )
    _save(queue, policy, work)


def remove_permission(request: RemovePermission, work: Work) -> None:
    """Take a statement out of the queue's policy.

    Raises:
        InvalidParameterValue: no statement has the label.
    """
    queue = own_queue("RemovePermission", request.queue_url, work)
    policy = _policy(queue)
    kept = [statement for statement in policy["Statement"] if statement.get("Sid") != request.label]
    if len(kept) == len(policy["Statement"]):
        raise InvalidParameterValue(f"Value {request.label} for parameter Label is invalid. Reason: can't find label.")
    _save(queue, {**policy, "Statement": kept}, work)


def _one(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _policy(queue: Queue) -> dict[str, Any]:
    text = queue.attributes.get("Policy")
    if not text:
        return {"Version": "2008-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []}
    policy = loads(text)
    assert isinstance(policy, dict)
    statements = policy.get("Statement", [])
    return {**policy, "Statement": list(statements) if isinstance(statements, list) else [statements]}


def _save(queue: Queue, policy: dict[str, Any], work: Work) -> None:
    attributes = {name: value for name, value in queue.attributes.items() if name != "Policy"}
    if policy["Statement"]:
        attributes["Policy"] = dumps(policy)
    work.put(QUEUES, msgspec.structs.replace(queue, attributes=attributes, modified=work.now))
