"""Why a text is not JSON, in the words of the parser that Step Functions uses (Jackson).

Clients see these words in InvalidExecutionInput and in the diagnostics of ValidateStateMachineDefinition.
Source: answers recorded from the service.
"""

import json
import re

import msgspec

_TOKEN = re.compile(r"[A-Za-z_$][\w$]*")
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

SOURCE_SHOWN_MAX = 500
TOKEN_SHOWN_MAX = 256
"""How much Jackson shows of a text, and of a token. Source: its JsonLocation and ParserBase."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, and at which character (0 is the first)."""

    reason: str
    position: int

    def place(self, text: str) -> str:
        """The place as Jackson writes it; its columns count from 1."""
        before = text[: self.position]
        column = self.position - (before.rfind("\n") + 1) + 1
        more = len(text) - SOURCE_SHOWN_MAX
        cut = f"[truncated {more} chars]" if more > 0 else ""
        return (
            f'[Source: (String)"{text[:SOURCE_SHOWN_MAX]}"{cut}; line: {before.count(chr(10)) + 1}, column: {column}]'
        )


def fault_of(text: str) -> Fault:
    """The first fault of a text that is not JSON."""
    try:
        json.loads(text, parse_int=str)  # Python refuses to read numbers of more than 4,300 digits.
    except json.JSONDecodeError as error:
        return _worded(text, error)
    except RecursionError:
        return Fault("Document nesting depth exceeds the maximum allowed", 0)
    return Fault(
        "Invalid value", 0
    )  # What the standard library takes and JSON does not have: NaN, half a surrogate pair.


def _worded(text: str, error: json.JSONDecodeError) -> Fault:
    at = error.pos
    if at >= len(text):
        return Fault("Unexpected end-of-input", at)
    found = f"Unexpected character ('{text[at]}' (code {ord(text[at])}))"
    match error.msg:
        case "Expecting value" if token := _TOKEN.match(text, at):
            shown = token[0] if len(token[0]) < TOKEN_SHOWN_MAX else f"{token[0][:TOKEN_SHOWN_MAX]}..."
            return Fault(f"Unrecognized token '{shown}': was expecting {_VALUES}", token.end())
        case "Expecting value":
            return Fault(f"{found}: expected a valid value {_VALUES}", at + 1)
        case "Expecting property name enclosed in double quotes":
            return Fault(f"{found}: was expecting double-quote to start field name", at + 1)
        case "Expecting ':' delimiter":
            return Fault(f"{found}: was expecting a colon to separate field name and value", at + 1)
        case "Expecting ',' delimiter":
            return Fault(f"{found}: was expecting comma to separate Object or Array entries", at + 1)
        case _:
            return Fault(error.msg, at + 1)
