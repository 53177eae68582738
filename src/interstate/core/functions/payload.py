"""Why a payload is no JSON, in the words that callers of Lambda see.

Sources: https://github.com/awsdocs/aws-lambda-developer-guide/issues/271, /issues/351, /issues/382 and
https://github.com/penkow/llama-lambda/issues/2: the service's answers, with the place that its parser was at.
"""

from interstate.core.asl.broken_json import fault_of

_SHOWN_MAX = 500
"""Source: https://github.com/szymonmaszke/torchlambda/issues/13 ("[truncated 991 bytes]" after the first 500)."""


def words_of_broken(payload: bytes) -> str:
    """The message for a payload that is no JSON."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        reason, column = f"Invalid UTF-8 start byte 0x{payload[error.start]:x}", error.start + 2
        lines = payload[: error.start].count(b"\n") + 1
    else:
        fault = fault_of(text)
        reason, position = fault.reason, fault.position
        begin = text.rfind("\n", 0, position) + 1
        # A token's end is seen at the byte behind it.
        column = len(text[begin:position].encode()) + (2 if reason.startswith("Unrecognized token") else 1)
        lines = text.count("\n", 0, position) + 1
    shown = payload[:_SHOWN_MAX].decode(errors="replace")
    left = f"[truncated {len(payload) - _SHOWN_MAX} bytes]" if len(payload) > _SHOWN_MAX else ""
    return (
        "Could not parse request body into json: Could not parse payload into json: "
        f'{reason}\n at [Source: (byte[])"{shown}"{left}; line: {lines}, column: {column}]'
    )
