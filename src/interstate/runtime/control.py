"""What ``/_interstate/...`` answers: health, clock, reset, mailbox. JSON in, JSON out; errors as ``{"error", "message"}``."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec

from interstate.base.arn import DEFAULT_ACCOUNT, DEFAULT_REGION, Caller
from interstate.base.errors import ServiceError, ValidationException
from interstate.base.json import BrokenJSON, dumps, loads
from interstate.base.numbers import whole_number
from interstate.base.time import to_iso
from interstate.runtime.clock_control import InvalidClock, parse_duration, parse_instant
from interstate.runtime.faults import InvalidFault
from interstate.runtime.instance import Instance
from interstate.runtime.looking import Looking
from interstate.runtime.snapshots import Snapshots
from interstate.store.ports import Work
from interstate.store.records.due import IN_FLIGHT, IN_LANE, NEXT, STEP, WAITING

Answer = tuple[int, list[tuple[str, str]], bytes]
RUN_UNTIL_DEFAULT = timedelta(days=400)


class Control:
    """Routes of the instance itself. ``deployed`` is None without a template, else whether it is there."""

    def __init__(self, instance: Instance, version: str) -> None:
        self._instance = instance
        self._version = version
        self._snapshots = Snapshots(instance)
        self.deployed: bool | None = None
        self.deploy_error: str | None = None
        self.after_reset: Callable[[], Awaitable[None]] | None = None
        self.after_deploy: Callable[[Path, Any], Awaitable[None]] | None = None
        self._routes: Mapping[tuple[str, str], Callable[[dict[str, Any]], Awaitable[Any]]] = {
            ("GET", "health"): self._health,
            ("GET", "clock"): self._show_clock,
            ("POST", "clock"): self._move_clock,
            ("POST", "reset"): self._reset,
            ("GET", "status"): self._status,
            ("GET", "nodes"): self._nodes,
            ("GET", "mailbox"): self._mailbox,
            ("POST", "deploy"): self._deploy,
            ("GET", "function-logs"): self._function_logs,
            ("GET", "messages"): self._messages,
            ("GET", "executions/show"): self._show_execution,
            ("POST", "executions/replay"): self._replay_execution,
            ("POST", "executions/restart"): self._restart_execution,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "snapshots"): self._list_snapshots,
            ("POST", "save"): self._save,
            ("POST", "load"): self._load,
            **Looking(instance).routes(),
        }

    async def handle(self, method: str, path: str, query: str, body: bytes) -> Answer:
        """One request whose path begins with ``/_interstate/``."""
        name = path.removeprefix("/_interstate").strip("/")
        route = self._routes.get((method, name))
        if route is None:
            known = sorted({f"{verb} /_interstate/{known}" for verb, known in self._routes})
            return _json(
                404,
                {
                    "error": "NotFound",
                    "message": f"There is no {method} /_interstate/{name}. There is: {', '.join(known)}.",
                },
            )
        try:
            arguments = {key: values[-1] for key, values in parse_qs(query).items()}
            if body:
                given = loads(body)
                if not isinstance(given, dict):
                    return _json(400, {"error": "ValidationException", "message": "The body must be a JSON object."})
                arguments.update(given)
            return _json(200, await route(arguments))
        except BrokenJSON as error:
            return _json(400, {"error": "SerializationException", "message": f"The body is not JSON: {error}"})
        except ServiceError as error:
            return _json(error.status, {"error": error.code, "message": error.message})

    async def _health(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"status": "ok", "serving": True, "deployed": self.deployed, "version": self._version}
        if self.deploy_error is not None:
            answer["deployError"] = self.deploy_error
        if self._instance.node is not None:
            answer["node"] = self._instance.node
        trouble = self._instance.store_trouble()
        if trouble is not None:
            answer |= {"status": "store unavailable", "store": trouble}
        return {**answer, "clock": self._instance.clock_control.show()}

    async def _status(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        base = self._instance.store.lane_base
        return {**await self._health({}), "work": await self._instance.run(lambda work: work_left(work, base))}

    async def _nodes(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        """Who shares the database; an embedded store has one process, which is no node."""
        return self._instance.node or {"number": 0, "role": "all", "clockSkewMs": 0.0, "nodes": []}

    async def _show_clock(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        return dict(self._instance.clock_control.show())

    async def _move_clock(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """``{"mode": "frozen"}``, ``{"set": "2026-...Z"}``, ``{"advance": "14d"}``, ``{"runUntil": "idle", "limit": "30d"}``.

        ``runUntil`` may also be an execution's ARN.
        """
        control = self._instance.clock_control
        match arguments:
            case {"mode": "real" | "frozen" | "skip" as mode, **rest}:
                at = rest.get("set")
                return dict(await control.set_mode(mode, None if at is None else parse_instant(str(at))))
            case {"set": at}:
                return dict(await control.advance_to(parse_instant(str(at))))
            case {"advance": by}:
                return dict(await control.advance(parse_duration(str(by))))
            case {"runUntil": goal, **rest}:
                limit = parse_duration(str(rest["limit"])) if "limit" in rest else RUN_UNTIL_DEFAULT
                reached, shown = await control.run_until(_condition(str(goal)), limit)
                return {**shown, "reached": reached or goal == "idle"}
            case _:
                raise InvalidClock('Give one of "mode" (real, frozen, skip), "set", "advance", "runUntil".')

    async def _reset(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        await self._instance.reset()
        if self.after_reset is not None:
            await self.after_reset()
        return {"reset": True}

    async def _deploy(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """``{"template": "/path/to/template.yaml", "stackName": "...", "parameters": {...}}``: what ``interstate deploy`` sends."""
        from interstate.runtime.deploy import DeployFailed, deploy  # noqa: PLC0415 the deploy's imports wait for a deploy

        progress: list[str] = []
        given, path, name = arguments.get("parameters") or {}, arguments.get("template"), arguments.get("stackName")
        if not path or not isinstance(path, str) or not isinstance(given, dict) or not isinstance(name, str | None):
            raise ValidationException(
                'Give "template", the path of a file, "parameters" as an object, and "stackName" as text.'
            )
        parameters = {str(name): str(value) for name, value in given.items()}
        template = Path(path)
        try:
            deployed = await deploy(self._instance, template, name, parameters, progress=progress.append)
        except DeployFailed as error:
            raise ValidationException(str(error)) from error
        if self.after_deploy is not None:
            await self.after_deploy(template, deployed)
        return {"progress": progress, "outputs": deployed.outputs}

    async def _function_logs(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """``?name=&since=`` (milliseconds), then ``?name=&after=&wait=`` (seconds): a log as it grows, by long polls."""
        request: dict[str, Any] = {"FunctionName": str(arguments.get("name", ""))}
        for member, argument in (("Since", "since"), ("After", "after"), ("WaitS", "wait")):
            if argument in arguments:
                if not str(arguments[argument]).isdigit():
                    raise ValidationException(f'"{argument}" must be a number.')
                request[member] = int(arguments[argument])
        caller = Caller(str(arguments.get("account", DEFAULT_ACCOUNT)), str(arguments.get("region", DEFAULT_REGION)))
        answer = await self._instance.execute("interstate.functions", "Follow", request, caller)
        assert answer is not None
        events = [{"timestamp": one["Timestamp"], "message": one["Message"]} for one in answer["Events"]]
        return {"events": events, "after": answer["After"]}

    async def _show_execution(self, arguments: dict[str, Any]) -> Any:
        """``?execution=ARN&at=12&full=1``: as it is, or was; ``&after=12&wait=45`` waits for an event beyond 12."""
        wanted: dict[str, Any] = {"execution": str(arguments.get("execution", "")), "full": "full" in arguments}
        for member, argument in (("at", "at"), ("after", "after"), ("waitS", "wait")):
            if argument in arguments:
                wanted[member] = whole_number(str(arguments[argument]))
                if wanted[member] is None:
                    raise ValidationException(f'"{argument}" must be a number.')
        return await self._instance.execute("interstate-states", "InspectExecution", wanted, Caller())

    async def _replay_execution(self, arguments: dict[str, Any]) -> Any:
        """``{"execution": ARN}`` or ``{"history": {"events": [...]}}``, and ``"definition"``, as text or as an object."""
        if isinstance(arguments.get("definition"), dict):
            arguments["definition"] = dumps(arguments["definition"])
        return await self._instance.execute("interstate-states", "ReplayExecution", arguments, Caller())

    async def _restart_execution(self, arguments: dict[str, Any]) -> Any:
        """``{"execution": ARN, "state": "Pay", "input": {...}}``; also name, event, definition ("current", "original")."""
        if "input" in arguments and not isinstance(arguments["input"], str):
            arguments["input"] = dumps(arguments["input"])
        answer = await self._instance.execute("interstate-states", "RestartExecution", arguments, Caller())
        assert answer is not None
        return {**answer, "startDate": to_iso(answer["startDate"])}

    async def _list_faults(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        return {"faults": self._instance.catalog.faults.show()}

    async def _add_fault(self, arguments: dict[str, Any]) -> Any:
        """``{"target": "lambda:ProcessPayment", "error": "Timeout", "rate": 0.2, "seed": 7}``; also latencyMs, lost, left."""
        return msgspec.to_builtins(await self._instance.change_faults(lambda rules: rules.add(arguments)))

    async def _clear_faults(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """All of them, or ``?number=3``."""
        given = arguments.get("number")
        number = None if given is None else whole_number(str(given))
        if given is not None and number is None:
            raise InvalidFault(f"{given!r} is no number of a fault.")
        return {"removed": await self._instance.change_faults(lambda rules: rules.remove(number))}

    async def _list_snapshots(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        return {"snapshots": self._snapshots.names()}

    async def _save(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """``{"name": "seeded"}``"""
        return await self._snapshots.save(str(arguments.get("name", "")))

    async def _load(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """``{"name": "seeded"}``"""
        return await self._snapshots.load(str(arguments.get("name", "")))

    async def _mailbox(self, arguments: dict[str, Any]) -> Any:
        caller = Caller(arguments.pop("account", DEFAULT_ACCOUNT), arguments.pop("region", DEFAULT_REGION))
        return await self._instance.execute("interstate", "ListMail", arguments, caller)

    async def _messages(self, arguments: dict[str, Any]) -> Any:
        """``?queue=orders&limit=10``: a look into a queue that changes nothing."""
        caller = Caller(arguments.pop("account", DEFAULT_ACCOUNT), arguments.pop("region", DEFAULT_REGION))
        wanted = {
            "queue": str(arguments.get("queue", "")),
            "limit": whole_number(str(arguments.get("limit", 10))) or 10,
        }
        return await self._instance.execute("interstate-queues", "PeekMessages", wanted, caller)


def work_left(work: Work, base: int) -> dict[str, Any]:
    """How much due work a node has, whose lanes begin at ``base``, and whether it keeps up with it.

    ``oldestDueSeconds``: for how long something has been due or in hand; 0: nothing is, all waits for its time. ``nextDueAt`` is when the
    first of it comes; null where something is due now, or nothing will be.
    """
    lanes = {"stepsDueOrWaiting": STEP, "effectsWaiting": WAITING, "effectsInFlight": IN_FLIGHT}
    counts = {name: work.scalar(IN_LANE, lane=base + lane) for name, lane in lanes.items()}
    rows = [row for lane in lanes.values() for row in work.select(NEXT, limit=1, lane=base + lane)]
    first = min((row.due_at for row in rows), default=None)
    late = timedelta() if first is None else max(timedelta(), work.now - first)
    comes = None if first is None or first <= work.now else to_iso(first)
    return {**counts, "oldestDueSeconds": round(late.total_seconds(), 3), "nextDueAt": comes}


def _condition(goal: str) -> Callable[[Work], bool]:
    """Whether a goal of ``runUntil`` is reached.

    Raises:
        InvalidClock: the goal is neither ``idle`` nor an execution's ARN.
    """
    if goal == "idle":
        return lambda _work: False
    if ":execution:" not in goal and ":express:" not in goal:
        raise InvalidClock(f"{goal!r} is no goal; give idle or an execution's ARN.")

    def ended(work: Work) -> bool:
        found = work.call("stepfunctions", "DescribeExecution", {"executionArn": goal})
        return bool(found["status"] not in ("RUNNING", "PENDING_REDRIVE"))

    return ended


def _json(status: int, value: Any) -> Answer:
    return status, [("content-type", "application/json")], msgspec.json.encode(value)
