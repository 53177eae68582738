"""EventBridge's quotas of an instance: AWS's defaults, and what stands in for raised or lowered ones.

Quotas belong to the whole instance; a default is that of the caller's region.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from interstate.base.errors import ServiceError, ValidationException
from interstate.core.events.limits import (
    BUSES_MAX,
    PATTERN_CHARS_MAX,
    TARGETS_PER_RULE_MAX,
    WILDCARD_RULES_PER_BUS_MAX,
    invocations_per_s,
    put_events_per_s,
    rules_per_bus_max,
)
from interstate.services.events.buses import BUSES_QUOTA
from interstate.services.events.log_upkeep import LOG_DAYS, LOG_DAYS_DEFAULT
from interstate.services.events.rates import INVOCATIONS_QUOTA, PUT_EVENTS_QUOTA
from interstate.services.events.rules import PATTERN_QUOTA, RULES_QUOTA, WILDCARD_RULES_QUOTA
from interstate.services.events.targets import TARGETS_QUOTA
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS, Setting

_PREFIX = "quota.events."
_API_PATTERN_CHARS_MAX = 4_096
_MANY = 1_000_000_000


class Quota(msgspec.Struct, frozen=True):
    """A quota: the setting that stands in for it, AWS's default by region, and the most that it may be."""

    setting: str
    default: Callable[[str], int]
    most: int = _MANY


QUOTAS = {
    quota.setting.removeprefix(_PREFIX): quota
    for quota in (
        Quota(BUSES_QUOTA, lambda _region: BUSES_MAX),
        Quota(RULES_QUOTA, rules_per_bus_max),
        Quota(WILDCARD_RULES_QUOTA, lambda _region: WILDCARD_RULES_PER_BUS_MAX),
        Quota(TARGETS_QUOTA, lambda _region: TARGETS_PER_RULE_MAX),
        Quota(PATTERN_QUOTA, lambda _region: PATTERN_CHARS_MAX, _API_PATTERN_CHARS_MAX),
        Quota(PUT_EVENTS_QUOTA, put_events_per_s),
        Quota(INVOCATIONS_QUOTA, invocations_per_s),
        Quota(LOG_DAYS, lambda _region: LOG_DAYS_DEFAULT, 3_650),
    )
}


class NoSuchQuota(ServiceError):
    """There is no quota of this name."""

    code = "NotFound"
    status = 404


class ListQuotas(msgspec.Struct, frozen=True, rename="camel"):
    """Nothing to say."""


class SetQuota(msgspec.Struct, frozen=True, rename="camel"):
    """``value`` None takes the setting away: AWS's default counts again."""

    name: str
    value: int | None = None


def list_quotas(_request: ListQuotas, work: Work) -> dict[str, Any]:
    """All quotas, as they are here."""
    return {"quotas": [_shown(name, quota, work) for name, quota in QUOTAS.items()]}


def _shown(name: str, quota: Quota, work: Work) -> dict[str, Any]:
    default = quota.default(work.caller.region)
    setting = work.get(SETTINGS, quota.setting)
    return {"name": name, "value": default if setting is None else int(setting.value), "default": default}


def set_quota(request: SetQuota, work: Work) -> dict[str, Any]:
    """Raise or lower a quota of this instance.

    Raises:
        NoSuchQuota: there is none of this name.
        ValidationException: the value is out of its range.
    """
    quota = QUOTAS.get(request.name)
    if quota is None:
        raise NoSuchQuota(f"There is no quota {request.name!r}; there are {', '.join(QUOTAS)}.")
    if request.value is None:
        work.delete(SETTINGS, quota.setting)
    else:
        if not 1 <= request.value <= quota.most:
            raise ValidationException(f"The quota {request.name} must lie between 1 and {quota.most:,}.")
        work.put(SETTINGS, Setting(quota.setting, str(request.value)))
    return _shown(request.name, quota, work)
