"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: of tables and of streams.

Source: DynamoDB API Reference, PutResourcePolicy.
"""

from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.errors import ServiceError, ValidationException
from interstate.core.tables.schema import ResourcePolicy
from interstate.services.dynamodb.errors import ResourceNotFoundException
from interstate.services.dynamodb.policy_documents import check, new_policy
from interstate.services.dynamodb.stream_policies import stream_policy
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    ITEM_POLICIES,
    ITEM_STREAMS,
    ITEM_TABLES,
    ItemPolicy,
)

NO_POLICY = "NO_POLICY"


class PutResourcePolicy(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    policy: str
    expected_revision_id: str | None = None
    confirm_remove_self_resource_access: bool = False


class GetResourcePolicy(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str


class DeleteResourcePolicy(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    expected_revision_id: str | None = None


class PolicyNotFoundException(ServiceError):
    """The resource has no policy, or another revision of it."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Resource-based policy not found for the provided ResourceArn: {arn}")


def put_resource_policy(request: PutResourcePolicy, work: Work) -> dict[str, Any]:
    """Attach a policy; the same policy again keeps its revision.

    Raises:
        ResourceNotFoundException: there is no such table or stream.
        PolicyNotFoundException: the revision is another.
        ValidationException: the policy is none.
    """
    known = _policy(request.resource_arn, work, "PutResourcePolicy")
    expected = request.expected_revision_id
    if expected is not None and expected != (NO_POLICY if known is None else known.revision):
        raise PolicyNotFoundException(request.resource_arn)
    if known is not None and known.text == request.policy:
        return {"RevisionId": known.revision}
    policy = new_policy(request.policy, work)
    _set(request.resource_arn, policy, work)
    return {"RevisionId": policy.revision}


def get_resource_policy(request: GetResourcePolicy, work: Work) -> dict[str, Any]:
    """The policy of a table or a stream.

    Raises:
        ResourceNotFoundException: there is no such table or stream.
        PolicyNotFoundException: it has no policy.
    """
    known = _policy(request.resource_arn, work, "GetResourcePolicy")
    if known is None:
        raise PolicyNotFoundException(request.resource_arn)
    return {"Policy": known.text, "RevisionId": known.revision}


def delete_resource_policy(request: DeleteResourcePolicy, work: Work) -> dict[str, Any]:
    """Detach a policy; nothing happens when there is none.

    Raises:
        ResourceNotFoundException: there is no such table or stream.
        PolicyNotFoundException: the revision is another.
    """
    known = _policy(request.resource_arn, work, "DeleteResourcePolicy")
    expected = request.expected_revision_id
    if expected is not None and (known is None or expected != known.revision):
        raise PolicyNotFoundException(request.resource_arn)
    if known is None:
        return {}
    _set(request.resource_arn, None, work)
    return {"RevisionId": known.revision}


def _policy(arn: str, work: Work, action: str) -> ResourcePolicy | None:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "dynamodb" or not parsed.resource.startswith("table/"):
        raise ValidationException(f"Invalid ResourceArn: {arn}")
    if "/stream/" in arn:
        exists = work.get(ITEM_STREAMS, arn) is not None
        policy = stream_policy(arn, work) if exists else None
    else:
        table = work.get(ITEM_TABLES, arn)
        exists = table is not None
        policy = None if table is None else table.definition.policy
    check(policy, f"dynamodb:{action}", arn, work)
    if not exists or parsed.region != work.caller.region:
        raise ResourceNotFoundException(f"ResourcArn: {arn} not found")
    return policy


def _set(arn: str, policy: ResourcePolicy | None, work: Work) -> None:
    table = work.get(ITEM_TABLES, arn)
    if table is not None:
        definition = msgspec.structs.replace(table.definition, policy=policy)
        work.put(ITEM_TABLES, msgspec.structs.replace(table, definition=definition))
    elif policy is None:
        work.delete(ITEM_POLICIES, arn)
    else:
        work.put(ITEM_POLICIES, ItemPolicy(arn, policy.text, policy.revision))
