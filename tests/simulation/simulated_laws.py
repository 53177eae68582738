"""The laws: what must hold when a run has come to rest, and what must hold at any quiet point on the way."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from tests.simulation.simulated_application import GROUPS, QUEUES, machine_arn, queue_arn
from tests.simulation.simulation import Broken, Simulation

from interstate.base.json import loads
from interstate.core.asl.history import decode
from interstate.core.asl.vocabulary import HistoryEvent
from interstate.core.queues.message import Message
from interstate.services.sqs.fifo import DEDUPLICATION
from interstate.store.records.due import DUE, Due
from interstate.store.records.events import ATTEMPTS
from interstate.store.records.lambda_ import Invocation, Poll
from interstate.store.records.metrics import POINTS, SERIES
from interstate.store.records.sqs import DEPTHS, MESSAGES
from interstate.store.records.sqs import GROUPS as MESSAGE_GROUPS
from interstate.store.records.sqs import QUEUES as QUEUE_ROWS
from interstate.store.records.states import EXECUTIONS, FRAMES, HISTORY, Execution
from interstate.store.tables import Select

MANY = 100_000
ALL_MESSAGES = Select(MESSAGES, "id > 0", "id")
ALL_DEPTHS = Select(DEPTHS, "queue_id > 0", "queue_id, node")
ALL_GROUPS = Select(MESSAGE_GROUPS, "queue_id > 0", "queue_id, group_id")
ALL_QUEUES = Select(QUEUE_ROWS, "arn > ''", "arn")
ALL_EXECUTIONS = Select(EXECUTIONS, "id > 0", "id")
ALL_FRAMES = Select(FRAMES, "execution > 0", "execution, frame")
ALL_HISTORY = Select(HISTORY, "id > 0", "id")
ALL_DUE = Select(DUE, "id > 0", "id")
ALL_ATTEMPTS = Select(ATTEMPTS, "id > 0", "id")
ALL_POINTS = Select(POINTS, "series > 0", "series, minute, node")
ALL_SERIES = Select(SERIES, "id > 0", "id")
ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
Problems = Iterator[str]


class Found:
    """What the store holds at the end of a run."""

    def __init__(self, run: Simulation) -> None:
        self.run = run
        node = run.nodes[0]

        def rows(select: Select[Any]) -> list[Any]:
            found: list[Any] = node.run(lambda work: work.select(select, limit=MANY))
            return found

        self.queues = {row.arn.rpartition(":")[2]: row for row in rows(ALL_QUEUES)}
        names = {row.id: name for name, row in self.queues.items()}
        self.messages: dict[str, list[Message]] = defaultdict(list)
        for message in rows(ALL_MESSAGES):
            self.messages[names.get(message.queue_id, f"gone {message.queue_id}")].append(message)
        self.depths: Counter[str] = Counter()  # Each node has a part of a queue's depth.
        for row in rows(ALL_DEPTHS):
            self.depths[names.get(row.queue_id, "gone")] += row.messages
        self.groups = {(names.get(row.queue_id, "gone"), row.group_id): row for row in rows(ALL_GROUPS)}
        self.executions: list[Execution] = rows(ALL_EXECUTIONS)
        self.orders = [row for row in self.executions if row.machine == machine_arn()]
        self.frames = rows(ALL_FRAMES)
        self.history: dict[int, list[HistoryEvent]] = defaultdict(list)
        for chunk in rows(ALL_HISTORY):
            self.history[chunk.execution] += decode(chunk.body)
        self.due: list[Due] = rows(ALL_DUE)
        self.attempts = rows(ALL_ATTEMPTS)
        self.points, self.series = rows(ALL_POINTS), {row.id: row for row in rows(ALL_SERIES)}

    def item(self, table: str, name: str) -> dict[str, Any]:
        node = self.run.nodes[0]
        row = node.catalog.operation("dynamodb", "GetItem")
        request = node.catalog.request(
            "dynamodb", "GetItem", {"TableName": table, "Key": {"id": {"S": name}}}, checked=False
        )
        answer: dict[str, Any] = node.run(lambda work: row.handle(request, work))
        found: dict[str, Any] = answer.get("Item", {})
        return found

    def ids(self, queue: str) -> Counter[str]:
        return Counter(message.message_id for message in self.messages[queue])


# Messages ---------------------------------------------------------------------------------------------------------------


def messages_are_kept(found: Found) -> Problems:
    """Each acknowledged message was deleted by who received it, or is there, or is a dead letter; once."""
    ledger = found.run.ledger
    for queue, dead in (("work", "dead"), ("inbox", "inbox-dead")):
        there = found.ids(queue) + found.ids(dead)
        gone = ledger.deleted[queue] | ledger.deleting[queue]
        gone |= set(found.run.outside.handled) if queue == "inbox" else set()
        for message_id, count in there.items():
            if count > 1:
                yield f"message {message_id} is there {count} times"
            if message_id in ledger.deleted[queue]:
                yield f"message {message_id} was deleted and is there"
        for message_id in ledger.sent[queue] - set(there) - gone:
            yield f"message {message_id} of {queue} is lost"
        if found.messages[queue]:
            yield f"{len(found.messages[queue])} messages of {queue} wait for ever"
        unknown = len(set(there) | gone) - len(ledger.sent[queue])
        if unknown > ledger.unsure[queue]:
            yield f"{unknown} messages of {queue} were sent by nobody"


def order_is_kept(found: Found) -> Problems:
    """A group's messages were received in the order of sending, each of them, and each was made once."""
    ledger = found.run.ledger
    for group in GROUPS:
        if ledger.fifo_received[group] != ledger.fifo[group]:
            yield f"group {group} was sent as {ledger.fifo[group]} and received as {ledger.fifo_received[group]}"
    for name, ids in ledger.fifo_ids.items():
        if len(ids) > 1 and min(sorted(ids.values())[1:]) - ledger.fifo_asked[name] < DEDUPLICATION:
            yield f"{name} was sent as {ids}"
    if found.messages["steps.fifo"]:
        yield "messages in order wait for ever"


def depths_are_true(found: Found) -> Problems:
    """A queue's depth is how many messages it has; each group with messages has a row that finds them."""
    for name in QUEUES:
        count = len(found.messages[name])
        if found.depths[name] != count:
            yield f"{name} has {count} messages and a depth of {found.depths[name]}"
        heads = {message.group_id: message for message in reversed(found.messages[name]) if message.group_id}
        for message in heads.values() if name.endswith(".fifo") else ():
            group = found.groups.get((name, message.group_id))
            if group is None or group.head > message.id or group.ready_at > message.visible_at:
                yield f"message {message.id} of {message.group_id} is not found by {group}"
    for name in found.messages:
        if name.startswith("gone"):
            yield f"messages of a queue that is {name}"


def news_arrive(found: Found) -> Problems:
    """What was published is in each queue once; what may have been, at most once."""
    ledger = found.run.ledger
    for queue in ("news-a", "news-b"):
        bodies = Counter(message.body for message in found.messages[queue] if message.body.startswith("news"))
        for body in ledger.published:
            if bodies[body] != 1:
                yield f"{body!r} is {bodies[body]} times in {queue}"
        for body, count in bodies.items():
            if count > 1 or body not in {*ledger.published, *ledger.unsure_published}:
                yield f"{body!r} is {count} times in {queue}"


# Events -----------------------------------------------------------------------------------------------------------------


def events_reach_their_targets(found: Found) -> Problems:
    """Each accepted event reached each target once; what may have been accepted, all of them or none."""
    ledger = found.run.ledger
    queued = Counter(_event_of(message.body) for message in found.messages["placed"])
    began = Counter(_event_of(row.input) for row in found.orders if not row.name.startswith("own-"))
    for event in ledger.events:
        if queued[event] != 1 or began[event] != 1:
            yield f"event {event} is {queued[event]} times in the queue and began {began[event]} executions"
    if queued != began:
        yield f"targets of one rule saw different events: {queued} and {began}"
    if len(queued) - len(ledger.events) > ledger.unsure_events or max(queued.values(), default=1) > 1:
        yield f"there are more events than were put: {queued}"
    hooked, dead = found.run.outside.hooked, Counter(_event_of(m.body) for m in found.messages["hook-dead"])
    for event in ledger.told:
        if not hooked[event] and dead[event] != 1:
            yield f"event {event} reached neither its destination nor the dead letters"
    for event, count in dead.items():
        if count > 1 or (hooked[event] and not _repeated(found)):
            yield f"event {event} is {count} times a dead letter"
    done = Counter(
        row.log for row in found.attempts if row.target == "hook" and row.outcome == "DELIVERED" for _ in row.places
    )
    if sum(done.values()) > len(hooked):
        yield f"{sum(done.values())} deliveries to the destination, which saw {len(hooked)} events"


def _repeated(found: Found) -> bool:
    return bool(found.run.forgiven)


def _event_of(text: str) -> str:
    document = loads(text)
    assert isinstance(document, dict)
    return str(document["id"])


# Executions -------------------------------------------------------------------------------------------------------------


def histories_are_well_formed(found: Found) -> Problems:
    """Every execution ended as its history says, the children of Map Runs, too."""
    for row in found.executions:
        if row.status not in ENDED:
            yield f"execution {row.name} is {row.status}"
        yield from _well_formed(row, found.history[row.id])


def executions_end_well(found: Found) -> Problems:
    """What the history of an order's execution says it did was done once."""
    for arn, name in found.run.ledger.executions.items():
        if [row.name for row in found.orders if row.arn == arn] != [name]:
            yield f"execution {arn} is lost"
    names = Counter(row.name for row in found.orders)
    told = Counter(message.body for message in found.messages["told"])
    counted = 0
    for row in found.orders:
        if names[row.name] > 1:
            yield f"execution {row.name} is there {names[row.name]} times"
        done = sum(
            event.type == "TaskSucceeded" and _resource(event) == "updateItem" for event in found.history[row.id]
        )
        counted += done
        order = _event_of(row.input)
        lines = sum(bool(found.item("lines", f"{order}/{line}")) for line in (1, 2, 3))
        if row.status == "SUCCEEDED" and (lines != 3 or told[f"{order}/line"] != 3 or done != 1):
            yield f"order {order} has {lines} lines, told {told[f'{order}/line']} times, counted {done} times"
        if told[f"{order}/line"] > 3 and not row.redrive_count:
            yield f"order {order} was told {told[f'{order}/line']} times"
    if found.frames:
        yield f"frames of executions that have ended: {found.frames}"
    number = int(found.item("counters", "done").get("n", {"N": "0"})["N"])
    if number != counted:
        yield f"executions counted {counted}, the item says {number}"


def _resource(event: HistoryEvent) -> Any:
    return (event.more or {}).get("resource")


_ENDS = {
    "TaskScheduled": ("TaskSucceeded", "TaskFailed", "TaskTimedOut", "TaskStateAborted"),
    "LambdaFunctionScheduled": ("LambdaFunctionSucceeded", "LambdaFunctionFailed", "LambdaFunctionTimedOut"),
}


def _well_formed(row: Execution, history: list[HistoryEvent]) -> Problems:
    ids = [event.id for event in history]
    if ids != list(range(1, len(ids) + 1)):
        yield f"the history of {row.name} has the ids {ids}"
        return
    for event in history:
        if event.previous >= event.id or event.previous < 0:
            yield f"event {event.id} of {row.name} follows {event.previous}"
    ends = [
        event.type
        for event in history
        if event.type.removeprefix("Execution").upper() in {"SUCCEEDED", "FAILED", "ABORTED"}
    ]
    if len([one for one in ends if one.startswith("Execution")]) != 1 + row.redrive_count:
        yield f"the history of {row.name} ends as {ends} with {row.redrive_count} redrives"
    if row.status == "SUCCEEDED":
        types = Counter(event.type for event in history)
        for begun, ended in _ENDS.items():
            if types[begun] > sum(types[one] for one in ended) + row.redrive_count:
                yield f"the history of {row.name} has {types[begun]} {begun} and not as many ends: {types}"
        entered = sum(count for kind, count in types.items() if kind.endswith("StateEntered"))
        left = sum(count for kind, count in types.items() if kind.endswith("StateExited"))
        if not row.redrive_count and entered != left:
            yield f"the history of {row.name} enters {entered} states and leaves {left}"


# Effects ----------------------------------------------------------------------------------------------------------------


def effects_have_one_key(found: Found) -> Problems:
    """One call has one key however often it is repeated; it is repeated only when its answer was lost, and answered once."""
    outside, run = found.run.outside, found.run
    for (request, attempt), keys in outside.keys_of_request.items():
        refusals = sum(
            body.request_id == request and result.refused is not None for _, body, result in _calls(outside.answered)
        )
        if len(keys) > 1 + refusals:
            yield f"the call {request} was made under the keys {keys} for attempt {attempt}"
    for key, count in outside.performed.items():
        if count > 1 + run.forgiven[key]:
            yield f"effect {key} was performed {count} times, and its answer lost {run.forgiven[key]} times"
    scheduled = 0
    for history in found.history.values():
        scheduled += sum(event.type == "TaskScheduled" and _resource(event) == "invoke" for event in history)
    keys = {
        key for key, body in outside.bodies.items() if isinstance(body, Invocation) and body.origin == "states.task"
    }
    if len(keys) > scheduled:
        yield f"{scheduled} Tasks were scheduled, and called under {len(keys)} keys"


def _calls(answered: list[Any]) -> list[Any]:
    return [one for one in answered if isinstance(one[1], Invocation)]


def nothing_waits(found: Found) -> Problems:
    """At rest there is no effect in flight and nothing that pulls the clock; what is left belongs to something that is there."""
    for row in found.due:
        if row.lane % 4 == 2:
            yield f"effect {row.id} {row.kind} is in flight for ever"
        if row.pulls:
            yield f"{row.kind} {row.body!r} waits for {row.due_at}"
        if row.kind == "lambda.poll" and msgspec.json.decode(row.body, type=Poll).mapping == "":
            yield "a poll of nothing"
    for row, at in ((row, row.due_at) for row in found.due if row.kind == "sqs.sweep"):
        body: dict[str, Any] = msgspec.json.decode(row.body)
        if body["arn"] not in {queue_arn(name) for name in QUEUES}:
            yield f"a sweep of {body['arn']}, which is gone, at {at}"


# Tables and functions ---------------------------------------------------------------------------------------------------


def counters_are_true(found: Found) -> Problems:
    """Each acknowledged increment is there once; a transfer was made whole; the stream told each change once, in order."""
    ledger = found.run.ledger
    for name in ("c0", "c1"):
        number, sure = int(found.item("counters", name)["n"]["N"]), ledger.counted[name]
        if not sure <= number <= sure + ledger.unsure_counted[name]:
            yield f"{name} is {number} after {sure} increments, {ledger.unsure_counted[name]} of them uncertain"
    moved = ledger.counted["left>"] - ledger.counted["right>"]
    left, right = (int(found.item("counters", name)["n"]["N"]) for name in ("left", "right"))
    unsure = ledger.unsure_counted["left>"] + ledger.unsure_counted["right>"]
    if left + right != 40 or (not unsure and left != 20 - moved):
        yield f"left and right are {left} and {right} after {moved} moves"
    told: dict[str, Any] = {}
    changes: Counter[str] = Counter()
    for record in found.run.outside.followed.values():
        change = record["dynamodb"]
        name = change["Keys"]["id"]["S"]
        told[name] = change["NewImage"]["n"]["N"]
        changes[name] += 1
    for name in ("c0", "c1", "left", "right", "done"):
        is_now = found.item("counters", name).get("n", {}).get("N")
        if told.get(name) != is_now:
            yield f"the stream told {name} = {told.get(name)}, and it is {is_now}"
    for name in ("c0", "c1"):
        if changes[name] != 1 + int(told.get(name, 0)):
            yield f"the stream told {changes[name]} changes of {name}, which is {told.get(name)}"


def what_was_told_stays(found: Found) -> Problems:
    """What an answer told is there: whatever it read was committed, or was on its way and did not fail."""
    ledger = found.run.ledger
    number = int(found.item("lines", "met").get("n", {"N": "0"})["N"])
    sure = ledger.counted["met"]
    if not sure <= number <= sure + ledger.unsure_counted["met"]:
        yield f"the item is {number} after {sure} increments, {ledger.unsure_counted['met']} of them uncertain"
    if number < ledger.highest:
        yield f"the item is {number}, and somebody was told that it is {ledger.highest}"


def functions_are_called(found: Found) -> Problems:
    """What was accepted was called until it went well or was told as a failure; answers were counted once."""
    outside = found.run.outside
    dead = Counter(str(loads(m.body)["requestPayload"]["id"]) for m in found.messages["later-dead"])  # type: ignore[index,call-overload]  # our record
    done = Counter(str(loads(m.body)["requestPayload"]["id"]) for m in found.messages["later-done"])  # type: ignore[index,call-overload]  # our record
    for name in found.run.ledger.invoked:
        if dead[name] + done[name] < 1 or (done[name] and not outside.later[name]):
            yield f"the invocation {name} ended {dead[name]} times badly and {done[name]} times well"
    for name, count in (dead + done).items():
        if name in found.run.ledger.invoked and count > 1:
            yield f"the invocation {name} ended {count} times"


def metrics_are_sane(found: Found) -> Problems:
    """No count is negative; each answer that was taken was counted once."""
    invocations = 0.0
    for point in found.points:
        series = found.series.get(point.series)
        if series is None:
            yield f"a point of series {point.series}, which is gone"
        elif series.name != "ClockSkew" and (point.samples <= 0 or point.low < 0 or point.total < 0):
            yield f"{series.namespace} {series.name} counts {point}"
        elif (series.namespace, series.name) == ("AWS/Lambda", "Invocations") and len(series.dimensions) == 1:
            invocations += point.total
    answers = len({key for key, _, result in _calls(found.run.outside.answered) if result.refused is None})
    if invocations > answers:
        yield f"{invocations} calls were counted, and {answers} answered"


def metrics_are_counted_once(found: Found) -> Problems:
    """What a commit did is counted in the same commit: each message that a client or a service sent."""
    totals: Counter[tuple[str, str]] = Counter()
    for point in found.points:
        series = found.series[point.series]
        if len(series.dimensions) == 1:
            totals[series.name, series.dimensions[0][1]] += int(point.total)
    ledger = found.run.ledger
    for queue in ("work", "inbox"):
        sure, counted = len(ledger.sent[queue]), totals["NumberOfMessagesSent", queue]
        if not sure <= counted <= sure + ledger.unsure[queue]:
            yield f"{sure} messages were sent to {queue}, {ledger.unsure[queue]} perhaps, and {counted} counted"
    for queue in ("placed", "told", "news-a", "news-b"):  # Nobody takes anything from them.
        counted, there = totals["NumberOfMessagesSent", queue], len(found.messages[queue])
        if counted != there:
            yield f"{queue} has {there} messages, and {counted} were counted"


AT_REST: tuple[Callable[[Found], Problems], ...] = (
    messages_are_kept,
    order_is_kept,
    depths_are_true,
    news_arrive,
    events_reach_their_targets,
    histories_are_well_formed,
    executions_end_well,
    effects_have_one_key,
    nothing_waits,
    counters_are_true,
    what_was_told_stays,
    functions_are_called,
    metrics_are_sane,
    metrics_are_counted_once,
)


def check(run: Simulation, laws: Iterable[Callable[[Found], Problems]] = AT_REST) -> None:
    """The laws, after a run has come to rest.

    Raises:
        Broken: one does not hold.
    """
    problems = [*run.ledger.problems, *run.outside.problems, *run.bugs]
    found = Found(run)
    for law in laws:
        problems += [f"{law.__name__}: {problem}" for problem in law(found)]
    if problems:
        raise Broken("\n".join(problems[:20]))
