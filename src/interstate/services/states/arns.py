"""ARNs and names of Step Functions.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html (ARN formats) and
CreateStateMachine in the API Reference (which characters a name must not have).
"""

import re

import msgspec

from interstate.base.arn import parse_arn
from interstate.services.states.errors import InvalidArn, InvalidName

MACHINE, EXECUTION, EXPRESS_EXECUTION, ACTIVITY = "stateMachine", "execution", "express", "activity"

_FORBIDDEN = re.compile(r"""[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]""")


class MachineArn(msgspec.Struct, frozen=True):
    """``base`` is the state machine's own ARN; ``qualifier`` a version's number or an alias's name."""

    base: str
    name: str
    qualifier: str | None = None


def check_name(name: str) -> None:
    """Look whether a name has only characters that names may have.

    Raises:
        InvalidName: it has others.
    """
    if _FORBIDDEN.search(name):
        raise InvalidName(name)


def machine_arn(text: str) -> MachineArn:
    """Read the ARN of a state machine, of one of its versions or of an alias.

    Raises:
        InvalidArn: it is none.
    """
    parts = _resource(text, MACHINE)
    if len(parts) > 3:
        raise InvalidArn(f"ARN does not match required pattern: {text}")
    if len(parts) == 2:
        return MachineArn(text, parts[1])
    return MachineArn(text.rpartition(":")[0], parts[1], parts[2])


def check_execution_arn(text: str) -> None:
    """Look whether the text is the ARN of a Standard execution.

    Raises:
        InvalidArn: it is none; those of Express executions are none either.
    """
    _resource(text, EXECUTION)


def check_activity_arn(text: str) -> None:
    """Look whether the text is an activity's ARN.

    Raises:
        InvalidArn: it is none.
    """
    _resource(text, ACTIVITY)


def _resource(text: str, kind: str) -> list[str]:
    if not text.startswith("arn:"):
        raise InvalidArn.prefix(text)
    arn = parse_arn(text)
    if arn is None or arn.service != "states":
        raise InvalidArn(f"ARN does not match required pattern: {text}")
    parts = arn.resource.split(":")
    if parts[0] != kind or len(parts) < 2:
        raise InvalidArn.kind(parts[0])
    return parts


def execution_arn(base: str, name: str, *, express_id: str | None = None) -> str:
    """The ARN of an execution of the state machine ``base``; Express executions carry an id of their own too."""
    if express_id is None:
        return f"{base.replace(':stateMachine:', ':execution:', 1)}:{name}"
    return f"{base.replace(':stateMachine:', ':express:', 1)}:{name}:{express_id}"
