"""AWS's own client, towards a running server: what commands call services with."""

import os
from typing import Any

import typer

from interstate.cli.refusals import told

READ_TIMEOUT_S = 920
"""Longer than a function may run."""


class Aws:
    """One service of a server; a refusal ends the command with its message."""

    def __init__(self, service: str, endpoint_url: str, region: str, account: str) -> None:
        from botocore.config import Config  # noqa: PLC0415 a quarter of a second that other commands do not need
        from botocore.session import Session  # noqa: PLC0415 the same

        self._endpoint_url = endpoint_url
        self._client = Session().create_client(
            service,
            endpoint_url=endpoint_url,
            region_name=region,
            aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID") or account,
            aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY") or "interstate",
            config=Config(read_timeout=READ_TIMEOUT_S, retries={"total_max_attempts": 1}),
        )

    def call(self, operation: str, about: str = "", /, **request: Any) -> Any:
        """Call an operation by its name in Python; ``about`` says in a refusal what it is about (``queue jobs``)."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 see above

        try:
            return getattr(self._client, operation)(**request)
        except (BotoCoreError, ClientError) as error:
            typer.echo(f"interstate: {about and about + ': '}{told(error, self._endpoint_url)}", err=True)
            raise typer.Exit(1) from error
