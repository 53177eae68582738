"""The environment that a handler finds, as on AWS.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from interstate.base.addresses import at_host
from interstate.base.json import dumps
from interstate.core.functions.configuration import FunctionSpec

# Names that a function's configuration may not set. Source: the same page, "Reserved environment variables".
RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)
SIZE_BYTES_MAX = 4 * 1024  # Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

# Where the X-Ray SDKs send segments, by UDP: nobody need listen. An X-Ray daemon or an OpenTelemetry collector may.
XRAY_DAEMON = "127.0.0.1:2000"


SESSION_TOKEN = "of-the-functions-role"  # noqa: S105 - not secret: nobody asks for it.
"""Credentials of a role come with a token; code that signs requests itself reads it."""


class Surroundings(msgspec.Struct, frozen=True):
    """What a worker's environment takes from the place where it runs."""

    endpoint_url: str
    secret_access_key: str
    runtime_api: str
    task_root: str
    runtime_directory: str
    temporary_directory: str
    log_stream: str


def environment_of(spec: FunctionSpec, around: Surroundings) -> dict[str, str]:
    """All variables of a worker's process.

    ``AWS_ENDPOINT_URL`` leads the SDKs back to this server, and the access key names the function's account; both the
    configuration may set otherwise where AWS would let it. Addresses of queues, APIs and function URLs lead to this server, too, at
    whatever port it listens now.
    """
    arn = spec.arn
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": around.temporary_directory,
        "TMPDIR": around.temporary_directory,
        "AWS_ENDPOINT_URL": around.endpoint_url,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": XRAY_DAEMON,
        **{
            name: at_host(value, urlsplit(around.endpoint_url).netloc) for name, value in dict(spec.environment).items()
        },
        "LAMBDA_TASK_ROOT": around.task_root,
        "LAMBDA_RUNTIME_DIR": around.runtime_directory,
        "_HANDLER": spec.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{spec.runtime}",
        "AWS_REGION": arn.region,
        "AWS_DEFAULT_REGION": arn.region,
        "AWS_ACCESS_KEY_ID": arn.account,
        "AWS_SECRET_ACCESS_KEY": around.secret_access_key,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": around.log_stream,
        "AWS_LAMBDA_RUNTIME_API": around.runtime_api,
        **({"AWS_LAMBDA_LOG_FORMAT": "JSON"} if spec.log_format == "JSON" else {}),
    }


def reserved_names(environment: Mapping[str, str]) -> list[str]:
    """The names that a configuration sets although they are Lambda's."""
    return sorted(RESERVED.intersection(environment))


def size_bytes(environment: Mapping[str, str]) -> int:
    """The size of a configuration's variables as the limit counts it: that of their JSON text."""
    return len(dumps(dict(environment)).encode())
