"""The rule that an archive shows on its bus: listed, described, and changed by nobody but the archive.

Theory of operation
-------------------
An archive is routed to by itself (see ``routing``); its rule has no row. What lists and describes rules makes it from the
archive, what changes rules refuses its name.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html (the managed rule of an archive);
github.com/rebuy-de/aws-nuke, issue 448, and github.com/cloud-custodian/cloud-custodian, issue 10308 (AWS's words).
"""

from collections.abc import Sequence
from typing import Any

from interstate.base.errors import ServiceError
from interstate.base.json import JSONObject, dumps, loads
from interstate.core.events.limits import ARCHIVES_PER_BUS_MAX
from interstate.services.events.locate import rule_arn
from interstate.store.ports import Work
from interstate.store.records.events import ARCHIVES_OF_BUS, DISABLED, ENABLED, Archive, Rule

PREFIX = "Events-Archive-"
_MANAGER = "prod.vhs.events.aws.internal"
_NO_REPLAYS: JSONObject = {"replay-name": [{"exists": False}]}


class ManagedRuleException(ServiceError):
    """The rule belongs to a service of AWS."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a managed rule. Set 'force' parameter to true to override.")


def refuse_managed(name: str, bus_arn: str, work: Work) -> None:
    """Let nobody change the rule of an archive. ``Force`` does not help: without its rule an archive would be none.

    Raises:
        ManagedRuleException: it is one.
    """
    if _find(name, bus_arn, work) is not None:
        raise ManagedRuleException(name)


def managed_rule(name: str, bus_arn: str, work: Work) -> Rule | None:
    """The rule of the archive that this name means; None when it means none."""
    archive = _find(name, bus_arn, work)
    return None if archive is None else _rule_of(archive)


def managed_rules(bus_arn: str, work: Work) -> Sequence[Rule]:
    """The rules of a bus's archives."""
    return [_rule_of(archive) for archive in work.select(ARCHIVES_OF_BUS, limit=ARCHIVES_PER_BUS_MAX, bus=bus_arn)]


def managed_targets(name: str, bus_arn: str, work: Work) -> list[dict[str, Any]]:
    """The target of an archive's rule, as ListTargetsByRule shows it."""
    archive = _find(name, bus_arn, work)
    if archive is None:
        return []
    template = (
        f'{{"archive-arn": "{archive.arn}:{archive.id}", "event": <aws.events.event.json>, '
        '"ingestion-time": <aws.events.event.ingestion-time>}'
    )
    region = archive.arn.split(":")[3]
    transformer = {"InputPathsMap": {}, "InputTemplate": template}
    return [{"Id": name, "Arn": f"arn:aws:events:{region}:::", "InputTransformer": transformer}]


def _find(name: str, bus_arn: str, work: Work) -> Archive | None:
    if not name.startswith(PREFIX):
        return None
    archives = work.select(ARCHIVES_OF_BUS, limit=ARCHIVES_PER_BUS_MAX, bus=bus_arn)
    return next((archive for archive in archives if PREFIX + archive.name == name), None)


def _rule_of(archive: Archive) -> Rule:
    given = {} if archive.pattern is None else loads(archive.pattern)
    assert isinstance(given, dict)
    name = PREFIX + archive.name
    return Rule(
        arn=rule_arn(archive.bus, name),
        bus=archive.bus,
        name=name,
        state=DISABLED if archive.state == DISABLED else ENABLED,
        created_by=archive.scope.partition("/")[0],
        pattern=dumps({**given, **_NO_REPLAYS}),
        managed_by=_MANAGER,
    )
