"""Connections that are made beside the loop: who dials may wait for seconds, and nobody with him."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import TypeVar

_Made = TypeVar("_Made")


def dialled(make: Callable[[], _Made]) -> Future[_Made]:
    """What ``make`` makes, in a thread of its own; its failure is the future's."""
    coming: Future[_Made] = Future()

    def run() -> None:
        try:
            made = make()
        except BaseException as error:  # noqa: BLE001 the border: whatever it is belongs to who looks
            coming.set_exception(error)
        else:
            coming.set_result(made)

    Thread(target=run, name="dial", daemon=True).start()
    return coming


def has_ended(coming: Future[_Made], patience_s: float | None) -> bool:
    """Whether it is made, or has failed; after so long a wait (None: for as long as it takes)."""
    with suppress(Exception):  # Who takes the result meets it.
        coming.result(patience_s)
    return coming.done()
