"""STS: the caller's account, and credentials for roles. Nothing is enforced.

Source: botocore's model sts/2011-06-15; STS API Reference.
"""

from interstate.services.operation import Operation, Service
from interstate.services.sts import identity

SERVICE = Service(
    "sts",
    operations=(
        Operation("AssumeRole", identity.AssumeRole, identity.assume_role, reads=True),
        Operation("GetCallerIdentity", identity.GetCallerIdentity, identity.get_caller_identity, reads=True),
        Operation("GetSessionToken", identity.GetSessionToken, identity.get_session_token, reads=True),
    ),
    notes={
        "AssumeRole": "The role must exist; its trust policy is not enforced. The credentials tell the role's account only, "
        "and are unknown to a server started with `--credentials`.",
        "GetCallerIdentity": "Every caller is its account's root.",
        "GetSessionToken": "Credentials of the same account; unknown to a server started with `--credentials`.",
    },
)
