"""What can be wrong with a definition, worded as Step Functions words it.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html; the
wording as recorded from Step Functions.
"""

from typing import Literal

import msgspec

from interstate.core.asl.errors import Code


class Fault(msgspec.Struct, frozen=True):
    """One diagnostic; ``place`` is where, as ``/States/X/Next``, or None for the definition as a whole."""

    code: Code
    message: str
    place: str | None
    severity: Literal["ERROR", "WARNING"] = "ERROR"

    def __str__(self) -> str:
        where = "null" if self.place is None else self.place
        return f"{self.code}: {self.message} at {where}"


class InvalidDefinition(Exception):
    """A definition that Step Functions would refuse, with all that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"Invalid State Machine Definition: '{', '.join(str(fault) for fault in faults)}'")
        self.faults = faults
