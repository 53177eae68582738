"""Snapshots on connections of their own: a batch of looks is one round trip, and the loop goes on meanwhile."""

from collections.abc import Sequence
from typing import Any

from interstate.store.ports import Look
from interstate.store.postgres.line import Line
from interstate.store.postgres.rows import PostgresRows


class PostgresSnapshot:
    """``store.ports.Snapshot`` on a line that only reads; taken again and again."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.rows = PostgresRows(line, locks=False)
        self.taken = False
        self._looks: Sequence[Look] = ()

    def send(self, looks: Sequence[Look]) -> int:
        """Ask, and go on."""
        self._looks = looks
        return self.line.send([self.rows.question(look) for look in looks])

    def has_come(self) -> bool:
        """Whether the answer is there, or will never be."""
        return self.line.answer_has_come()

    def receive(self) -> list[Any]:
        """What each look has found."""
        answers = self.line.receive()
        return [self.rows.answer(look, rows) for look, rows in zip(self._looks, answers, strict=True)]

    def end(self) -> None:
        """Let go of it. The answer to that is read with the next one's."""
        self.line.let_go()
        self.taken = False

    def roll_back(self) -> None:
        """Whatever state it is in."""
        self.line.rollback()

    def drop(self) -> None:
        """Roll back, and let go."""
        self.line.rollback()
        self.taken = False
