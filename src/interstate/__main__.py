"""``python -m interstate`` is the command."""

from interstate.cli import main

main()
