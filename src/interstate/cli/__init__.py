"""The command ``interstate``: one module per command. Libraries for terminals are imported when a command runs."""


def main() -> None:
    """Entry point."""
    from interstate.cli.app import app  # noqa: PLC0415 the import is the cost of a command, not of the package

    app()
