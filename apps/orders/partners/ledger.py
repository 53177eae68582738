"""What a partner did, one JSON line each, on disk before anybody hears of it. Read again at the next start."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Ledger:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._mend()
        self._file = path.open("a", encoding="utf-8")

    def _mend(self) -> None:
        """Cut off a line that a crash left unfinished: nobody heard of it."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            os.truncate(self.path, whole)

    def lines(self) -> Iterator[dict[str, Any]]:
        with self.path.open(encoding="utf-8") as file:
            yield from (json.loads(line) for line in file)

    def append(self, **line: Any) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
