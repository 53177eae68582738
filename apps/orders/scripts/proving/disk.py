"""A small disk that can be filled and emptied: a tmpfs of its own. Mounting needs root."""

import subprocess
from pathlib import Path


class CannotMount(Exception):
    """This user may not mount a file system here."""


class SmallDisk:
    """``size_mib`` at ``folder``."""

    def __init__(self, folder: Path, size_mib: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0755", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own folder
        if done.returncode:
            raise CannotMount(f"a small disk cannot be mounted ({done.stderr.strip()}); run this as root")
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave not a byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while file.write(b"\0" * size):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Give it all back."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it, whoever still looks at it."""
        command = ["umount", "-l", str(self.folder)]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603  # our own folder
        self.folder.rmdir()
