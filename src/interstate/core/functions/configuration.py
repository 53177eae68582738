"""What must be known to run one version of a function."""

import msgspec

from interstate.base.arn import Arn, parse_arn


class FunctionSpec(msgspec.Struct, frozen=True):
    """One version of a function, resolved: what a worker needs, and nothing that changes from call to call.

    ``code`` and ``layers`` are places: "sha256:<hex>" in the store, or "dir:<absolute path>".
    """

    function: str  # The ARN without qualifier.
    version: str
    revision: str  # Changes with code and configuration.
    handler: str
    runtime: str
    code: str
    timeout_s: int
    memory_mb: int
    ephemeral_mb: int = 512
    layers: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    log_group: str = ""
    log_format: str = "Text"
    tracing: str = "PassThrough"
    reserved_concurrency: int | None = None

    @property
    def arn(self) -> Arn:
        """The function's ARN in its parts."""
        parsed = parse_arn(self.function)
        assert parsed is not None, self.function
        return parsed

    @property
    def name(self) -> str:
        """The function's name."""
        return self.arn.resource.removeprefix("function:")
