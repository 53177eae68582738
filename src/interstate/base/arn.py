"""Amazon Resource Names, and who calls.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from functools import lru_cache

import msgspec

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"


class Arn(msgspec.Struct, frozen=True):
    """``arn:partition:service:region:account:resource``; the resource may hold colons and slashes."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


@lru_cache(maxsize=16384)
def parse_arn(text: str) -> Arn | None:
    """Read an ARN; None when the text is none."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[2] or not parts[5]:
        return None
    return Arn(*parts[1:])


class Caller(msgspec.Struct, frozen=True):
    """The account and region whose state a call sees, and who calls.

    ``service`` is set when a service of AWS calls for a resource (``events.amazonaws.com`` for the rule ``source_arn``):
    resource policies are asked for that principal then, not for the account. ``host`` is the address by which a request
    came, for answers that show addresses; calls inside have none.
    """

    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION
    access_key: str = "test"
    service: str = ""
    source_arn: str = ""
    host: str = ""
    trace: str = ""

    def on_behalf_of(self, service: str, source_arn: str) -> "Caller":
        """The service principal that acts for the resource ``source_arn`` (which may live in another account)."""
        return Caller(self.account, self.region, self.access_key, service, source_arn, trace=self.trace)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@lru_cache(maxsize=4096)
def caller_of(arn: str) -> Caller:
    """The account and region in which a resource lives, as a caller.

    An ARN without region or account (S3, IAM) takes the default.
    """
    parsed = parse_arn(arn)
    assert parsed is not None, arn
    return Caller(parsed.account or DEFAULT_ACCOUNT, parsed.region or DEFAULT_REGION)
