"""Talking to a running server: ``/_interstate`` and the AWS APIs."""

import contextlib
import json
import urllib.error
import urllib.request
from typing import Any

import typer


def control(
    endpoint_url: str,
    method: str,
    name: str,
    body: dict[str, Any] | None = None,
    timeout_s: float = 600,
    about: str = "",
) -> Any:
    """One request to ``/_interstate/<name>``; ends the command with a reason when it fails.

    ``about`` says in a refusal what it is about (``queue jobs``).
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 the user names the server
        f"{endpoint_url.rstrip('/')}/_interstate/{name}",
        data=data,
        method=method,
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:  # noqa: S310 see above
            return json.load(response)
    except urllib.error.HTTPError as error:
        message = error.read().decode(errors="replace")
        with contextlib.suppress(ValueError, KeyError):
            message = json.loads(message)["message"]
        typer.echo(f"interstate: {about and about + ': '}{message}", err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(
            f"interstate: no server answers at {endpoint_url} ({error}). Start one with 'interstate up', "
            "or name it with --endpoint-url.",
            err=True,
        )
        raise typer.Exit(1) from error
