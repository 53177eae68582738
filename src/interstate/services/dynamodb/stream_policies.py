"""The policy of a stream, which outlives its table."""

from interstate.core.tables.schema import ResourcePolicy
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_POLICIES


def stream_policy(arn: str, work: Work) -> ResourcePolicy | None:
    """A stream's policy."""
    known = work.get(ITEM_POLICIES, arn)
    return None if known is None else ResourcePolicy(known.policy, known.revision)
