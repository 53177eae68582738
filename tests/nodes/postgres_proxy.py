"""A proxy in front of PostgreSQL: it cuts a connection after a COMMIT, refuses everybody, falls silent, or speaks TLS for the server.

Source: PostgreSQL, "Message Flow", "SSL Session Encryption".
"""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_COMMITTED = b"COMMIT\x00"


class Proxy:
    """Listens on loopback for the database of ``url`` (which is reached by its socket file)."""

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._upstream = str(Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432")
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}{parts.path}"
        self.cut_next_commit = False
        self.refuses = False
        self.cuts = 0
        self._flows = threading.Event()
        self._flows.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()
        self.speak()

    def fall_silent(self) -> None:
        """Take connections and what is sent, and pass nothing on: a database that stands still."""
        self._flows.clear()

    def speak(self) -> None:
        """Pass on what was sent meanwhile, and everything from now on."""
        self._flows.set()

    def cut(self) -> None:
        """End every connection that goes through here."""
        while self._pairs:
            _end(*self._pairs.pop())

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                client.close()
            else:
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        try:
            self._flows.wait()
            if self._context is not None:
                assert client.recv(8, socket.MSG_WAITALL) == _SSL_REQUEST
                client.sendall(b"S")
                client = self._context.wrap_socket(client, server_side=True)
            server.connect(self._upstream)
        except OSError:
            return _end(client, server)
        self._pairs.append((client, server))
        threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
        return self._copy(server, client, answers=True)

    def _copy(self, source: socket.socket, target: socket.socket, *, answers: bool = False) -> None:
        with suppress(OSError, ValueError):
            while data := source.recv(65536):
                if answers and self.cut_next_commit and _COMMITTED in data:  # It is made, and nobody will know.
                    self.cut_next_commit = False
                    self.cuts += 1
                    break
                self._flows.wait()
                target.sendall(data)
        _end(source, target)


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
