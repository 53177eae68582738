"""In whose account a Task acts: the machine's own, or that of the role in its ``Credentials``.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
"""

from interstate.base.arn import Caller, caller_of, parse_arn
from interstate.core.asl.errors import PERMISSIONS
from interstate.core.asl.vocabulary import Execution, StartTask
from interstate.services.states.integrations.outcome import Failed
from interstate.store.ports import Work
from interstate.store.records.iam import ROLES


def caller_for(command: StartTask, execution: Execution) -> Caller:
    """Whose account and region the Task's calls see. A role that could not be assumed was refused before."""
    own = caller_of(execution.arn)
    role = None if command.role_arn is None else parse_arn(command.role_arn)
    return own if role is None else Caller(role.account or own.account, own.region)


def unassumable(command: StartTask, work: Work) -> Failed | None:
    """The failure of a Task whose role is not there. Who may assume it is not enforced, as nowhere here."""
    if command.role_arn is None:
        return None
    role = parse_arn(command.role_arn)
    if role is not None and role.service == "iam" and role.resource.startswith("role/"):
        found = work.get(ROLES, role.account, role.resource.rpartition("/")[2])
        if found is not None and found.arn == command.role_arn:
            return None
    return Failed(
        PERMISSIONS, f"The role {command.role_arn} does not exist, or cannot be assumed by the state machine."
    )
