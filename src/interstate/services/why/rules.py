"""What a rule made of an event: whether it matched, and why not."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interstate.core.patterns.explain import Explanation, explain
from interstate.core.patterns.parse import parse_pattern
from interstate.services.events.routing import archive_pattern
from interstate.store.records.events import DISABLED, Archive, Rule

MATCHED, NOT_MATCHED, NO_PATTERN = "matched", "not matched", "no pattern"


def verdict(rule: Rule, event: Mapping[str, Any], came: datetime) -> dict[str, Any]:
    """The rule as it is now against the event, with what may have been otherwise when the event came."""
    told: dict[str, Any] = {"rule": rule.name, "ruleArn": rule.arn, "state": rule.state}
    if rule.pattern is None:
        told |= {"verdict": NO_PATTERN, "reasons": [["the rule has a schedule and no pattern"]]}
    else:
        told |= explained(explain(parse_pattern(rule.pattern), event))
    notes = []
    if rule.state == DISABLED:
        notes.append("the rule is disabled")
    if rule.changed is not None and rule.changed > came:
        notes.append(f"the rule was made or changed at {rule.changed:%Y-%m-%d %H:%M:%S}Z, after the event came")
    return {**told, "notes": notes} if notes else told


def explained(explanation: Explanation) -> dict[str, Any]:
    """The verdict; where it is no, the reasons of each alternative."""
    if explanation.matches:
        return {"verdict": MATCHED}
    failed = [
        {
            "path": field.path,
            "wanted": field.wanted,
            "found": field.found,
            **({"hint": field.hint} if field.hint else {}),
        }
        for alternative in explanation.alternatives
        for field in alternative.fields
        if not field.passes
    ]
    return {
        "verdict": NOT_MATCHED,
        "reasons": [alternative.reasons for alternative in explanation.alternatives],
        "failedFields": failed,
    }


def kept(archive: Archive, event: Mapping[str, Any]) -> dict[str, Any]:
    """Whether an archive wants the event."""
    if "replay-name" in event:
        return {"archive": archive.name, "kept": False, "note": "replayed events are not archived again"}
    explanation = explain(archive_pattern(archive), event)
    return {"archive": archive.name, "kept": explanation.matches}
