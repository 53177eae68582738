"""``/_interstate/why`` and ``/_interstate/events``: what became of an event, an execution, a message or an order.

A search reads many small pages; between them, everybody else has a turn.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from interstate.base.arn import DEFAULT_ACCOUNT, DEFAULT_REGION, Caller
from interstate.base.errors import ServiceError, ValidationException
from interstate.base.numbers import whole_number
from interstate.runtime.clock_control import parse_instant
from interstate.runtime.instance import Instance

PAGES_MAX = 400
"""Pages that one request reads; a page looks at 100 rows."""
LIMIT_DEFAULT, LIMIT_MAX = 20, 1_000
_TOLD_IN_FULL = 5
"""Events found by a text whose whole answer is told."""
_SERVICE = "interstate.why"
_WANTED = {"bus": "bus", "source": "source", "detail-type": "detailType", "text": "text", "pattern": "pattern"}

Route = Callable[[dict[str, Any]], Awaitable[Any]]


class Looking:
    """The routes."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """By method and name."""
        return {
            ("GET", "why"): self._why,
            ("GET", "events"): self._events,
            ("GET", "events/tail"): self._tail,
            ("GET", "events/show"): self._show,
            ("GET", "events/quotas"): self._quotas,
            ("POST", "events/quotas"): self._set_quota,
        }

    async def _ask(self, operation: str, request: dict[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        account, region = arguments.get("account", DEFAULT_ACCOUNT), arguments.get("region", DEFAULT_REGION)
        answer = await self._instance.execute(_SERVICE, operation, request, Caller(str(account), str(region)))
        return dict(answer or {})

    async def _show(self, arguments: dict[str, Any]) -> Any:
        """``?id=``: one event in full."""
        return await self._ask("GetEvent", {"id": str(arguments.get("id", ""))}, arguments)

    async def _quotas(self, arguments: dict[str, Any]) -> Any:
        """EventBridge's quotas of this instance."""
        return await self._ask("ListQuotas", {}, arguments)

    async def _set_quota(self, arguments: dict[str, Any]) -> Any:
        """``{"name": ..., "value": ...}``; without a value AWS's default counts again."""
        request: dict[str, Any] = {"name": str(arguments.get("name", ""))}
        if arguments.get("value") is not None:
            value = arguments["value"]
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValidationException('"value" must be a whole number.')
            request["value"] = value
        return await self._ask("SetQuota", request, arguments)

    async def _why(self, arguments: dict[str, Any]) -> Any:
        """``?id=``: the id of an event or a message, an execution's ARN, or a text that stands in events or executions.

        A search for a text that did not look at everything and found nothing tells ``next``, to go on with ``&after=``.
        """
        asked = str(arguments.get("id", ""))
        if not asked:
            raise ValidationException(
                "Give \"id\": an event's or message's id, an execution's ARN, or an order's number."
            )
        if "after" in arguments:
            unknown = ServiceError(f"Nothing that is kept has {asked!r} in it.", code="NotFound", status=404)
            return await self._why_text(asked, unknown, arguments)
        try:
            return {"asked": asked, "answers": [await self._ask("Why", {"id": asked}, arguments)]}
        except ServiceError as error:
            if error.code != "NotFound" or asked.startswith("arn:"):
                raise
            return await self._why_text(asked, error, arguments)

    async def _why_text(self, text: str, unknown: ServiceError, arguments: dict[str, Any]) -> dict[str, Any]:
        """Everything in which a text stands: events and executions, the newest first."""
        limit = _number(arguments, "limit", LIMIT_DEFAULT, LIMIT_MAX)
        wanted: dict[str, Any] = {"text": text, "limit": limit}
        place = {"below": _number(arguments, "after", 0, 2**62)} if "after" in arguments else {}
        events, more_events = await self._pages("SearchEvents", wanted | place, arguments)
        executions: list[dict[str, Any]] = []
        more_executions: int | None = None
        if not place:
            executions, more_executions = await self._pages("SearchExecutions", wanted, arguments)
        if not events and not executions:
            if more_events is None and more_executions is None:
                raise unknown
            reached = "Nothing was found among the newest events and executions; older ones were not looked at."
            following = {} if more_events is None else {"next": more_events}
            return {"asked": text, "answers": [], "notes": [reached], **following}
        # What goes from bus to bus keeps its id: it is found on each, and told once, with all of them.
        events = list({found["event"]["id"]: found for found in reversed(events)}.values())[::-1]
        full = [found["event"]["id"] for found in events[:_TOLD_IN_FULL]]
        answers = [await self._ask("Why", {"id": event_id}, arguments) for event_id in full]
        told = {started for answer in answers for started in _executions_in(answer)}
        answers += [
            await self._ask("Why", {"id": execution["executionArn"]}, arguments)
            for execution in executions[:_TOLD_IN_FULL]
            if execution["executionArn"] not in told
        ]
        notes = []
        if len(events) > _TOLD_IN_FULL or more_events is not None:
            notes.append("There are more events with this text: interstate events search.")
        if more_executions is not None:
            notes.append("Older executions were not looked at.")
        further = [_short(found) for found in events[_TOLD_IN_FULL:]]
        return {"asked": text, "answers": answers, "furtherEvents": further, "notes": notes}

    async def _events(self, arguments: dict[str, Any]) -> Any:
        """``?bus=&source=&detail-type=&text=&pattern=&from=&to=&after=&limit=``: a search, the newest first.

        ``next`` leads on, as ``after``; ``reached`` tells how far back it has looked.
        """
        request = _wanted(arguments)
        for name, member in (("from", "since"), ("to", "until")):
            if name in arguments:
                request[member] = _instant(name, str(arguments[name]))
        if "after" in arguments:
            request["below"] = _number(arguments, "after", 0, 2**62)
        request["limit"] = _number(arguments, "limit", LIMIT_DEFAULT, LIMIT_MAX)
        events: list[dict[str, Any]] = []
        answer: dict[str, Any] = {}
        for _ in range(PAGES_MAX):
            answer = await self._ask("SearchEvents", request, arguments)
            events += answer["events"]
            if "next" not in answer or len(events) >= request["limit"]:
                break
            request |= {"below": answer["next"]}
            await asyncio.sleep(0)
        return {**answer, "events": events}

    async def _tail(self, arguments: dict[str, Any]) -> Any:
        """``?bus=``, then ``?bus=&after=&wait=`` (seconds): a bus as it goes, by long polls."""
        request = _wanted(arguments)
        if "after" in arguments:
            request["after"] = _number(arguments, "after", 0, 2**62)
            request["waitS"] = float(_number(arguments, "wait", 0, 50))
        return await self._ask("TailEvents", request, arguments)

    async def _pages(
        self, operation: str, request: dict[str, Any], arguments: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Pages until enough is found; with the place of the next one, when there is one."""
        found: list[dict[str, Any]] = []
        following: int | None = None
        for _ in range(PAGES_MAX):
            answer = await self._ask(operation, request, arguments)
            found += answer.get("events") or answer.get("executions") or []
            following = answer.get("next")
            if following is None or len(found) >= request["limit"]:
                break
            request = {**request, "below": following}
            await asyncio.sleep(0)
        return found, following


def _wanted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {member: str(arguments[name]) for name, member in _WANTED.items() if arguments.get(name)}


def _number(arguments: Mapping[str, Any], name: str, default: int, highest: int) -> int:
    if name not in arguments:
        return default
    number = whole_number(str(arguments[name]))
    if number is None or number > highest:
        raise ValidationException(f'"{name}" must be a number of at most {highest}.')
    return number


def _instant(name: str, text: str) -> datetime:
    try:
        return parse_instant(text)
    except ServiceError as error:
        raise ValidationException(f'"{name}": {error.message}') from error


def _executions_in(answer: Mapping[str, Any]) -> list[str]:
    """The executions that an event's answer tells of."""
    return [
        delivery["started"]["executionArn"]
        for bus in answer.get("buses", ())
        for rule in bus["rules"]
        for target in rule.get("targets", ())
        for delivery in target["deliveries"]
        if delivery.get("started", {}).get("kind") == "execution"
    ]


def _short(found: Mapping[str, Any]) -> dict[str, Any]:
    event = found["event"]
    told = {name: event.get(name) for name in ("id", "source", "detail-type")}
    return {"bus": found["bus"], "receivedAt": found["receivedAt"], **told}
