"""What the server calls: the dispatcher, seen as an application."""

from interstate.http.connection import Application
from interstate.http.dispatch import Dispatcher


def application(dispatcher: Dispatcher) -> Application:
    """The dispatcher as the server needs it."""
    return dispatcher
