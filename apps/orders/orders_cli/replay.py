"""Place the invoices of a file as orders, and see each of them to its end.

Theory of operation
-------------------
A few threads place orders in the file's order, never more than a bounded number without an outcome; one thread asks the Orders
table for the outcomes of all that are open, a hundred at a time. An order's id follows from its invoice, so whatever is sent again
after a broken connection is the same order, and a replay that is started again goes on where it was. A cancellation waits until
the customer's earlier orders are placed. An invoice is done when it has an outcome or a refusal with its reason.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from orders_cli.endpoint import System, Unreachable
from orders_cli.invoices import EXPECTED, Class, Invoice, class_of, order_of
from orders_cli.tables import Ended, outcomes_of

PLACERS = 8
IN_FLIGHT = 64
POLL_S = 0.25
SLA_S = 30 * 60
# The longest wait of one order is for its payment, 900 s; when nothing has moved for longer, something hangs.
STALLED_S = 1200
CLASSES: tuple[Class, ...] = ("AVAILABLE", "PARTIAL", "SHORT", "REJECTED", "REFUSED", "CANCELLATION")


@dataclass(slots=True)
class Entry:
    """One invoice on its way."""

    invoice: Invoice
    kind: Class
    repeats: bool = False
    state: str = "WAITING"
    reason: str = ""
    placed_at: float = 0.0
    seconds: float = 0.0
    cancelled_by: str = ""
    settled: threading.Event = field(default_factory=threading.Event)

    @property
    def done(self) -> bool:
        return self.state not in {"WAITING", "PLACED"}

    def end(self, state: str, reason: str = "") -> None:
        self.state, self.reason = state, reason


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast: ``factor`` times the invoices' own pace; None for as fast as possible."""

    factor: float | None = None

    def due_s(self, invoice: Invoice, first: Invoice) -> float:
        if self.factor is None:
            return 0.0
        return (invoice.date - first.date).total_seconds() / self.factor


def entries_of(invoices: Iterable[Invoice]) -> list[Entry]:
    """The invoices with what is expected of them; a number that came before in the file is refused."""
    seen: set[str] = set()
    entries = []
    for invoice in invoices:
        repeats = not invoice.cancels and invoice.order_id in seen
        seen.add(invoice.order_id)
        entries.append(Entry(invoice, "REFUSED" if repeats else class_of(invoice), repeats))
    return entries


class Replay:
    def __init__(
        self, system: System, entries: Sequence[Entry], pace: Pace, *, method: str | None, in_flight: int
    ) -> None:
        self.system = system
        self.entries = entries
        self.pace = pace
        self.method = method
        self.room = threading.Semaphore(in_flight)
        self.by_customer: dict[str, list[Entry]] = {}
        self.by_order = {each.invoice.order_id: each for each in entries if not (each.repeats or each.invoice.cancels)}
        self.open: dict[str, Entry] = {}
        self.lock = threading.Lock()
        self.placed_all = threading.Event()
        self.fault: Exception | None = None
        self.started = 0.0
        self.accepted = 0
        self.moved = 0.0
        self.longest_still = 0.0

    def run(self, progress: Callable[[int], None]) -> None:
        """See every entry to its end; ``progress`` hears how many are done.

        Raises:
            Unreachable: the system was away for longer than the patience.
        """
        self.started = self.moved = time.monotonic()
        watcher = threading.Thread(target=self._watch, args=(progress,), daemon=True)
        watcher.start()
        with ThreadPoolExecutor(PLACERS) as pool:
            for entry in self.entries:
                self._wait_until_due(entry)
                earlier = self._enlist(entry)
                while not self.room.acquire(timeout=1):
                    if self.fault:
                        break
                if self.fault:
                    break
                pool.submit(self._guarded, entry, earlier)
        self.placed_all.set()
        watcher.join()
        if self.fault:
            raise self.fault

    def _wait_until_due(self, entry: Entry) -> None:
        due = self.started + self.pace.due_s(entry.invoice, self.entries[0].invoice)
        if (rest := due - time.monotonic()) > 0:
            time.sleep(rest)

    def _enlist(self, entry: Entry) -> list[Entry]:
        """The customer's earlier entries; the new one joins them unless it is a cancellation."""
        earlier = self.by_customer.setdefault(entry.invoice.customer, [])
        before = list(earlier)
        if entry.kind != "CANCELLATION":
            earlier.append(entry)
        return before

    def _guarded(self, entry: Entry, earlier: Sequence[Entry]) -> None:
        try:
            if entry.kind == "CANCELLATION":
                self._cancel(entry, earlier)
            else:
                self._place(entry)
        except Exception as fault:  # noqa: BLE001  # the thread's border: the caller raises it again
            self.fault = self.fault or fault
        finally:
            entry.settled.set()
            if entry.state != "PLACED":
                self.room.release()

    def _place(self, entry: Entry) -> None:
        if entry.repeats:
            entry.end("REFUSED", "repeats an invoice number of this file")
            return
        entry.placed_at = time.monotonic()
        response = self.system.api.place(order_of(entry.invoice, self.method))
        if response.status == 202:
            entry.state = "PLACED"
            with self.lock:
                self.accepted += 1
                self.open[entry.invoice.order_id] = entry
                self._goes_on()
        else:
            entry.end("REFUSED", reason_of(response.body))

    def _cancel(self, entry: Entry, earlier: Sequence[Entry]) -> None:
        """Cancel the customer's last open order: the newest of this replay, else whatever else the system has of the customer."""
        for other in earlier:
            other.settled.wait()
        if entry.invoice.customer_id is None:
            entry.end("REFUSED", "customerId is required")
            return
        mine = [each.invoice.order_id for each in reversed(earlier) if each.state == "PLACED" and not each.cancelled_by]
        theirs = [] if mine else self._open_orders(entry.invoice.customer_id)
        for order_id in mine or theirs:
            response = self.system.api.cancel(order_id)
            if response.status in {200, 202}:
                self._note_cancelled(order_id, entry)
                entry.end("CANCELS", order_id)
                return
        entry.end("REFUSED", "cancels nothing")

    def _open_orders(self, customer_id: str) -> list[str]:
        found = self.system.api.find(customerId=customer_id).body.get("orders", [])
        return [order["orderId"] for order in found if order["status"] not in ENDED]

    def _note_cancelled(self, order_id: str, entry: Entry) -> None:
        """Also of an order that has ended meanwhile: the answer may come later than the outcome."""
        if other := self.by_order.get(order_id):
            other.cancelled_by = entry.invoice.number

    def _watch(self, progress: Callable[[int], None]) -> None:
        """Ask for outcomes until everything has one; a server that is away is asked again."""
        db = self.system.client("dynamodb")
        table = self.system.outputs["OrdersTableName"]
        answered = moved = time.monotonic()
        while not self.fault:
            with self.lock:
                waiting = list(self.open)
            if not waiting and self.placed_all.is_set():
                break
            now = time.monotonic()
            try:
                found = outcomes_of(db, table, waiting)
            except (BotoCoreError, ClientError) as fault:
                if now - answered > self.system.patience_s:
                    self.fault = Unreachable(f"the outcomes of {len(waiting)} orders cannot be read: {fault}")
            else:
                answered = now
                moved = now if found or not waiting else moved
                self._note(found)
                progress(sum(entry.done for entry in self.entries))
                if now - moved > STALLED_S:
                    self.fault = Unreachable(f"{len(waiting)} orders have had no outcome for {STALLED_S} s")
            time.sleep(POLL_S)
        progress(sum(entry.done for entry in self.entries))

    def _note(self, found: Mapping[str, Ended]) -> None:
        for order_id, ended in found.items():
            with self.lock:
                entry = self.open.pop(order_id)
                self._goes_on()
            entry.seconds = ended.seconds
            entry.end(ended.outcome, ended.reason)
            self.room.release()

    def _goes_on(self) -> None:
        """An order was accepted or has ended; how long none was is kept. At a given pace pauses are wanted."""
        now = time.monotonic()
        if self.pace.factor is None:
            self.longest_still = max(self.longest_still, now - self.moved)
        self.moved = now


ENDED = ("SHIPPED", "PARTIALLY_SHIPPED", "REJECTED", "OUT_OF_STOCK", "PAYMENT_FAILED", "CANCELLED")


def reason_of(body: Any) -> str:
    if not isinstance(body, dict):
        return str(body)
    return "; ".join(body.get("faults") or [body.get("message", "no reason given")])


def report_of(replay: Replay) -> dict[str, Any]:
    """What became of the file: by class, by outcome, by reason, with times; ``unexpected`` lists what its class does not explain."""
    entries = replay.entries
    seconds = time.monotonic() - replay.started
    expected = Counter(entry.kind for entry in entries)
    matrix = Counter((entry.kind, entry.state) for entry in entries)
    times = sorted(entry.seconds for entry in entries if entry.state in ENDED)
    return {
        "invoices": len(entries),
        "accepted": replay.accepted,
        "seconds": round(seconds, 3),
        "longestStill": round(replay.longest_still, 2),
        "ordersPerSecond": round(replay.accepted / seconds, 2) if seconds else None,
        "expected": {kind: expected[kind] for kind in CLASSES},
        "became": {
            kind: {state: n for (k, state), n in sorted(matrix.items()) if k == kind}
            for kind in CLASSES
            if expected[kind]
        },
        "outcomes": dict(sorted(Counter(entry.state for entry in entries if entry.state in ENDED).items())),
        "refused": dict(Counter(entry.reason for entry in entries if entry.state == "REFUSED").most_common()),
        "rejected": dict(Counter(entry.reason for entry in entries if entry.state == "REJECTED").most_common()),
        "cancellations": sum(entry.state == "CANCELS" for entry in entries),
        "open": [entry.invoice.order_id for entry in entries if not entry.done],
        "unexpected": [surprise(entry) for entry in entries if entry.done and not explained(entry)],
        "untilOutcome": {
            "p50": rank(times, 0.5),
            "p99": rank(times, 0.99),
            "max": rank(times, 1.0),
            "breaches": sum(each > SLA_S for each in times),
        },
        "calls": {
            "made": replay.system.api.calls,
            "repeated": replay.system.api.repeats,
            "answered5xx": replay.system.api.failures,
        },
    }


def explained(entry: Entry) -> bool:
    """Whether the class explains the end: as expected, or turned down by the payment provider, or cancelled by a later invoice."""
    if entry.kind in {"REFUSED", "CANCELLATION"}:
        return entry.state == "REFUSED" or (entry.kind == "CANCELLATION" and entry.state == "CANCELS")
    paid_for = entry.kind in {"AVAILABLE", "PARTIAL"}
    return (
        entry.state == EXPECTED[entry.kind]
        or (entry.state == "PAYMENT_FAILED" and paid_for)
        or (entry.state == "CANCELLED" and bool(entry.cancelled_by))
    )


def surprise(entry: Entry) -> str:
    return f"{entry.invoice.number}: {entry.kind} became {entry.state} ({entry.reason})"


def rank(times: Sequence[float], share: float) -> float | None:
    """The value below which ``share`` of the sorted times lie."""
    return round(times[min(len(times) - 1, int(share * len(times)))], 3) if times else None
