"""Where the events of a bus go: rules compiled once, kept until the bus changes.

Theory of operation
-------------------
Every change of a rule, target or archive gives its bus a new revision: the hash of the last revision and the change. Two
buses with one ARN and one revision therefore route alike, in whatever store they live, and compiled routes can be kept by
(ARN, revision) without asking anybody. What was compiled for a call that is refused later lies unused until it is dropped.
"""

from datetime import timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from interstate.core.events.delivery import RetryPolicy
from interstate.core.events.limits import EVENT_AGE_MAX, RETRY_ATTEMPTS_MAX
from interstate.core.events.transform import Transformer
from interstate.core.patterns import Pattern, PatternIndex, parse_pattern
from interstate.store.ports import Work
from interstate.store.records.events import (
    ARCHIVES_OF_BUS,
    BUSES,
    DISABLED,
    RULES_OF_BUS,
    TARGETS_OF_BUS,
    Archive,
    Bus,
    TargetRow,
)

_LOADED_MAX = 20_000
"""Rules and targets of one bus that are ever loaded; far above the quotas."""
_KEPT_MAX = 256
"""Compiled buses kept in memory."""


class HttpParameters(msgspec.Struct, frozen=True):
    """What a target adds to a request."""

    path: list[str] = []
    headers: dict[str, str] = {}
    query: dict[str, str] = {}


class Target(msgspec.Struct, frozen=True):
    """A target, ready to be delivered to."""

    id: str
    arn: str
    retry: RetryPolicy
    constant: str | None = None
    path: str | None = None
    transformer: Transformer | None = None
    message_group_id: str | None = None
    dead_letter_arn: str | None = None
    role_arn: str | None = None
    http: HttpParameters = HttpParameters()

    @property
    def plain(self) -> bool:
        """Whether the target gets the event as it is."""
        return self.constant is None and self.path is None and self.transformer is None


class Route(msgspec.Struct, frozen=True):
    """An enabled rule and its targets."""

    arn: str
    name: str
    targets: tuple[Target, ...]


class Routes:
    """A bus, compiled."""

    __slots__ = ("archives", "index", "rules")

    def __init__(
        self, rules: dict[str, Route], archives: dict[str, Archive], patterns: list[tuple[str, Pattern]]
    ) -> None:
        self.rules = rules
        self.archives = archives
        self.index: PatternIndex[str] = PatternIndex(patterns)


NOWHERE = Routes({}, {}, [])


class RoutesCache:
    """Compiled routes by bus and revision; pure memory, so losing an entry costs a compilation and nothing else."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Routes] = {}

    def of(self, bus: Bus, work: Work) -> Routes:
        """The routes of a bus as this work sees it."""
        if not bus.revision:
            return NOWHERE
        key = (bus.arn, bus.revision)
        routes = self._kept.get(key)
        if routes is None:
            routes = _compile(bus, work)
            while len(self._kept) >= _KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = routes
        return routes


def changed(bus: Bus, change: Any, work: Work) -> None:
    """Keep the bus under the revision that follows from a change of what is routed."""
    digest = blake2b(bus.revision.encode() + msgspec.json.encode(change, order="sorted"), digest_size=16)
    created = bus.created or work.now
    work.put(BUSES, msgspec.structs.replace(bus, revision=digest.hexdigest(), created=created))


def _compile(bus: Bus, work: Work) -> Routes:
    targets: dict[str, list[Target]] = {}
    for row in work.select(TARGETS_OF_BUS, limit=_LOADED_MAX, bus=bus.arn):
        targets.setdefault(row.rule, []).append(target_of(row))
    rules: dict[str, Route] = {}
    patterns: list[tuple[str, Pattern]] = []
    for rule in work.select(RULES_OF_BUS, limit=_LOADED_MAX, bus=bus.arn, after="", prefix=""):
        if rule.state == DISABLED:
            continue
        rules[rule.arn] = Route(rule.arn, rule.name, tuple(targets.get(rule.arn, ())))
        if rule.pattern is not None:
            patterns.append((rule.arn, parse_pattern(rule.pattern)))
    archives = {archive.arn: archive for archive in work.select(ARCHIVES_OF_BUS, limit=_LOADED_MAX, bus=bus.arn)}
    patterns.extend((archive.arn, archive_pattern(archive)) for archive in archives.values())
    return Routes(rules, archives, patterns)


def archive_pattern(archive: Archive) -> Pattern:
    """What an archive keeps: what its pattern says, never replayed events."""
    if archive.pattern is None:
        return parse_pattern({"replay-name": [{"exists": False}]})
    return parse_pattern(archive.pattern)


def target_of(row: TargetRow) -> Target:
    """A target as it was given, read."""
    members = row.members
    transformer = members.get("InputTransformer")
    retry = members.get("RetryPolicy", {})
    age_s = retry.get("MaximumEventAgeInSeconds")
    return Target(
        id=row.id,
        arn=row.arn,
        retry=RetryPolicy(
            retry.get("MaximumRetryAttempts", RETRY_ATTEMPTS_MAX),
            EVENT_AGE_MAX if age_s is None else timedelta(seconds=age_s),
        ),
        constant=members.get("Input"),
        path=members.get("InputPath"),
        transformer=(
            Transformer(transformer["InputTemplate"], transformer.get("InputPathsMap", {})) if transformer else None
        ),
        message_group_id=members.get("SqsParameters", {}).get("MessageGroupId"),
        dead_letter_arn=members.get("DeadLetterConfig", {}).get("Arn"),
        role_arn=members.get("RoleArn"),
        http=_http(members.get("HttpParameters") or {}),
    )


def _http(given: dict[str, Any]) -> HttpParameters:
    return HttpParameters(
        given.get("PathParameterValues", []), given.get("HeaderParameters", {}), given.get("QueryStringParameters", {})
    )
