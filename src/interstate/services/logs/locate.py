"""From names and ARNs to groups and streams."""

from interstate.base.arn import Caller, parse_arn
from interstate.services.logs.errors import InvalidParameterException, ResourceNotFoundException
from interstate.store.ports import Work
from interstate.store.records.logs import GROUPS, STREAMS, LogGroup, LogStream


def group_arn(name: str, caller: Caller) -> str:
    """The ARN of a group by its name."""
    return caller.arn("logs", f"log-group:{name}")


def group_at(work: Work, name: str | None, identifier: str | None = None) -> LogGroup:
    """The group of a name, or of an identifier (a name or an ARN).

    Raises:
        InvalidParameterException: both were given, or none.
        ResourceNotFoundException: there is no such group.
    """
    if (name is None) == (identifier is None):
        raise InvalidParameterException("Exactly one of logGroupName and logGroupIdentifier must be given.")
    text = name or identifier or ""
    arn = text.removesuffix(":*") if text.startswith("arn:") else group_arn(text, work.caller)
    group = work.get(GROUPS, arn)
    if group is None:
        raise ResourceNotFoundException("log group")
    return group


def tagged_group(work: Work, arn: str) -> LogGroup:
    """The group of a resource ARN, as the tagging operations give it.

    Raises:
        InvalidParameterException: the ARN is none of a log group.
        ResourceNotFoundException: there is no such group.
    """
    parsed = parse_arn(arn)
    if parsed is None or not parsed.resource.startswith("log-group:"):
        raise InvalidParameterException(f"{arn} is not the ARN of a log group.")
    return group_at(work, None, arn)


def stream_at(work: Work, group: LogGroup, name: str) -> LogStream:
    """A stream of a group.

    Raises:
        ResourceNotFoundException: there is no such stream.
    """
    stream = work.get(STREAMS, group.id, name)
    if stream is None:
        raise ResourceNotFoundException("log stream")
    return stream
