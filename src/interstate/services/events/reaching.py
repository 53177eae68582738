"""The services that targets live in, and the call that delivers to each.

A delivery to another service is one of its own API calls, in the same transaction, made in the target's account and region;
queues, which most events go to, are reached by their typed way for services inside. A refusal comes back as that API's error.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from interstate.base.arn import Arn, Caller, caller_of, parse_arn
from interstate.base.json import BrokenJSON, JSONObject, loads
from interstate.base.time import to_millis
from interstate.services.events.outcomes import PRINCIPAL
from interstate.services.events.routing import Target
from interstate.services.sqs.inside import deliver, deliver_all
from interstate.services.sqs.sending import Outgoing
from interstate.store.ports import Work


class Payload(msgspec.Struct, frozen=True):
    """What one target gets: ``text`` made from the event with this id, for the rule of this name."""

    text: str
    event_id: str
    rule_name: str
    rule_arn: str
    trace: str | None = None


def _queue(_arn: Arn, target: Target, payload: Payload, work: Work, caller: Caller) -> str:
    return deliver(target.arn, _message(target, payload.text, payload.trace), work, caller)


def _message(target: Target, text: str, trace: str | None) -> Outgoing:
    if not trace:
        return Outgoing(text, group_id=target.message_group_id)
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    return Outgoing(text, group_id=target.message_group_id, system_attributes=header)


def _made(answer: dict[str, Any], member: str) -> str:
    """What a call tells of what it made; it is kept with the attempt."""
    made: str = answer.get(member, "")
    return made


def _state_machine(_arn: Arn, target: Target, payload: Payload, work: Work, caller: Caller) -> str:
    # Executions that EventBridge starts are named by the event and a number of their own, so that a replay starts another.
    name = f"{payload.event_id}_{work.entropy.uuid()}"
    request = {"stateMachineArn": target.arn, "name": name, "input": payload.text}
    if payload.trace:
        request["traceHeader"] = payload.trace
    return _made(work.call("stepfunctions", "StartExecution", request, caller=caller), "executionArn")


def _function(_arn: Arn, target: Target, payload: Payload, work: Work, caller: Caller) -> str:
    request = {"FunctionName": target.arn, "InvocationType": "Event", "Payload": payload.text.encode()}
    if payload.trace:
        caller = msgspec.structs.replace(caller, trace=payload.trace)
    return _made(work.call("lambda", "Invoke", request, caller=caller), "_RequestId")


def _topic(_arn: Arn, target: Target, payload: Payload, work: Work, caller: Caller) -> str:
    request = {"TopicArn": target.arn, "Message": payload.text}
    if target.message_group_id is not None:
        request["MessageGroupId"] = target.message_group_id
    return _made(work.call("sns", "Publish", request, caller=caller), "MessageId")


def _log_group(arn: Arn, _target: Target, payload: Payload, work: Work, caller: Caller) -> str:
    group = arn.resource.removeprefix("log-group:").removesuffix(":*")
    stream = f"{payload.event_id}_{work.entropy.hex(8)}"
    entry = {"timestamp": to_millis(work.now), "message": payload.text}
    given = _log_entry(payload.text)
    if given is not None:
        entry = given
    work.call("logs", "CreateLogStream", {"logGroupName": group, "logStreamName": stream}, caller=caller)
    request = {"logGroupName": group, "logStreamName": stream, "logEvents": [entry]}
    work.call("logs", "PutLogEvents", request, caller=caller)
    return stream


def _log_entry(text: str) -> JSONObject | None:
    """A transformed input may name its timestamp and message itself.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html (CloudWatch Logs).
    """
    try:
        value = loads(text)
    except BrokenJSON:
        return None
    if isinstance(value, dict) and value.keys() == {"timestamp", "message"}:
        return {"timestamp": int(value["timestamp"]), "message": str(value["message"])}
    return None


_Reach = Callable[[Arn, Target, Payload, Work, Caller], str]
_REACH: dict[str, _Reach] = {
    "sqs": _queue,
    "states": _state_machine,
    "lambda": _function,
    "sns": _topic,
    "logs": _log_group,
}
REACHED = frozenset({*_REACH, "events", "execute-api"})
"""Services whose ARNs can be targets. Buses and HTTP endpoints are reached by ``deliveries``, which knows how far an event has
come, and ``calling``."""


def reach(target: Target, payload: Payload, work: Work) -> str:
    """Deliver; tells what was made: a message's id, an execution's ARN, a request's id.

    Raises:
        ServiceError: the target's service refused.
    """
    arn = parse_arn(target.arn)
    assert arn is not None, target
    return _REACH[arn.service](arn, target, payload, work, _caller(target.arn, target.role_arn, payload.rule_arn))


@lru_cache(maxsize=4096)
def _caller(arn: str, role_arn: str | None, rule_arn: str) -> Caller:
    """Who delivers: the account of the target's role, or EventBridge itself for the rule, whom the target's policy must let.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    there = caller_of(arn)
    if role_arn is not None:
        return Caller(caller_of(role_arn).account, there.region)
    return there.on_behalf_of(PRINCIPAL, source_arn=rule_arn)


def takes_many(target: Target) -> bool:
    """Whether the target's service takes several messages at once."""
    return target.arn.startswith("arn:aws:sqs:")


def reach_with_many(
    target: Target, carried: Sequence[tuple[str, str | None]], rule_arn: str, work: Work
) -> list[str | None]:
    """Deliver texts (and their traces) to a queue at once; tells the id of each text's message, None where it was refused.

    Raises:
        ServiceError: the queue refused all of them.
    """
    messages = [_message(target, text, trace) for text, trace in carried]
    sent = deliver_all(target.arn, messages, work, _caller(target.arn, target.role_arn, rule_arn))
    return [one if isinstance(one, str) else None for one in sent]
