"""What a command says when the server refuses, or is not there."""

from typing import Any


def told(error: Any, endpoint_url: str) -> str:
    """A client's exception in plain words: the service's own message, or that nobody answers."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return str(response["Error"].get("Message") or response["Error"].get("Code"))
    if type(error).__name__ == "EndpointConnectionError":
        return (
            f"nobody answers at {endpoint_url}. Start a server with 'interstate up', or name one with --endpoint-url."
        )
    return str(error)
