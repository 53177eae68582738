"""Who else may put events on a bus: its resource policy.

Source: EventBridge API Reference, PutPermission and RemovePermission;
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
"""

from typing import Any

from interstate.base.json import JSONObject

_VERSION = "2012-10-17"


def statement(
    *, sid: str, principal: str, action: str, bus_arn: str, condition: tuple[str, str, str] | None
) -> JSONObject:
    """The statement that PutPermission's single members stand for; ``condition`` is (type, key, value)."""
    written: JSONObject = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": action,
        "Resource": bus_arn,
    }
    if condition is not None:
        kind, key, value = condition
        written["Condition"] = {kind: {key: value}}
    return written


def with_statement(policy: JSONObject | None, added: JSONObject) -> JSONObject:
    """The policy with the statement; one of the same Sid is replaced."""
    kept = [one for one in (policy or {}).get("Statement", []) if one.get("Sid") != added["Sid"]]
    return {"Version": _VERSION, "Statement": [*kept, added]}


def without_statement(policy: JSONObject | None, sid: str) -> JSONObject | None:
    """The policy without a statement; None when nothing is left.

    Raises:
        KeyError: there is no such statement.
    """
    statements = (policy or {}).get("Statement", [])
    kept = [one for one in statements if one.get("Sid") != sid]
    if len(kept) == len(statements):
        raise KeyError(sid)
    return {"Version": _VERSION, "Statement": kept} if kept else None


def lets_in(policy: JSONObject | None, account: str) -> bool:
    """Whether another account may put events.

    Conditions name organizations, sources and types, which are not known here: a statement with one does not let in.
    """
    return any(_allows(one, account) for one in (policy or {}).get("Statement", []))


def _allows(one: JSONObject, account: str) -> bool:
    if one.get("Effect") != "Allow" or one.get("Condition"):
        return False
    actions = _listed(one.get("Action"))
    if not any(action in ("events:PutEvents", "events:*", "*") for action in actions):
        return False
    principal = one.get("Principal")
    names = _listed(principal.get("AWS") if isinstance(principal, dict) else principal)
    return any(name in ("*", account) or f"::{account}:" in str(name) for name in names)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
