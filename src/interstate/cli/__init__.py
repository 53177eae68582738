"""The command ``interstate``: one module per command. Libraries for terminals are imported when a command runs."""

import sys


def main() -> None:
    """Entry point."""
    if sys.argv[1:2] == ["serve"]:
        from interstate.cli import plain, starting  # noqa: PLC0415 as below

        options = plain.options_of(sys.argv[2:])
        if options is not None:
            starting.serve(options)
            return
    from interstate.cli.app import app  # noqa: PLC0415 the import is the cost of a command, not of the package

    app()
