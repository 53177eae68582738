"""What becomes of broken constraints: each service's own error and words.

Source: the answers of the services; SQS names the first missing member only, the others list all faults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interstate.base.errors import ServiceError
from interstate.wire import sqs_query
from interstate.wire.errors import ConstraintsFailed, MissingParameter
from interstate.wire.model import Metadata
from interstate.wire.reading import Problem


@dataclass(frozen=True)
class Style:
    """How a service refuses what its model forbids."""

    code: str
    enums: bool = True  # Whether the front door checks enumerations; if not, the service itself words the refusal.
    names_first_missing: bool = False
    own_enums: frozenset[str] = frozenset()  # Single values of these shapes are checked by the service, after all else.


_BY_SERVICE: Mapping[str, Style] = {
    "sqs": Style("InvalidParameterValue", enums=False, names_first_missing=True),
    "apigateway": Style("BadRequestException"),
    "apigatewayv2": Style("BadRequestException"),
    "cloudwatch": Style("ValidationError", names_first_missing=True),
    # Source: https://github.com/aws/aws-cli/issues/3789, https://github.com/awslabs/amazon-redshift-monitoring/pull/25
    "lambda": Style("ValidationException", own_enums=frozenset({"Runtime"})),
    "s3": Style("InvalidArgument", enums=False),
}


def style_of(metadata: Metadata) -> Style:
    """The style of a service: its own, or that of its protocol."""
    default = "ValidationError" if metadata.protocol == "query" else "ValidationException"
    return _BY_SERVICE.get(metadata.name) or Style(default)


def refusal(style: Style, problems: Sequence[Problem], operation: str = "") -> ServiceError:
    """The error for broken constraints of a call, of which there is at least one."""
    if style.names_first_missing:
        for problem in problems:
            if problem.missing:
                return sqs_query.missing(operation, problem.steps) or MissingParameter(problem.name)
    return ConstraintsFailed([str(problem) for problem in problems], style.code)
