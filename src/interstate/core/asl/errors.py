"""What a state fails with: the error names that the language and Step Functions reserve, and the exception that carries one.

Source: https://states-language.net/#appendix-a (predefined error codes) and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from typing import Literal

Code = Literal[
    "INVALID_JSON_DESCRIPTION",
    "SCHEMA_VALIDATION_FAILED",
    "INVALID_JSONATA_EXPRESSION",
    "UNSUPPORTED_JSONATA_EXPRESSION",
    "MISSING_TRANSITION_TARGET",
    "MISSING_END_STATE",
    "DUPLICATE_STATE_NAME",
    "INVALID_STATE_NAME",
    "INVALID_LABEL_NAME",
    "DUPLICATE_LABEL_NAME",
    "TOO_DEEPLY_NESTED",
    "NO_DOLLAR",
    "NO_PATH",
    "PASS_RESULT_IS_STATIC",
]
"""What a diagnostic of a definition can be.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html; the two of
JSONata as answered by the service.
"""

ALL = "States.ALL"
BRANCH_FAILED = "States.BranchFailed"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
EXCEED_TOLERATED_FAILURE_THRESHOLD = "States.ExceedToleratedFailureThreshold"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
INTRINSIC_FAILURE = "States.IntrinsicFailure"
ITEM_READER_FAILED = "States.ItemReaderFailed"
NO_CHOICE_MATCHED = "States.NoChoiceMatched"
PARAMETER_PATH_FAILURE = "States.ParameterPathFailure"
PERMISSIONS = "States.Permissions"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
RESULT_PATH_MATCH_FAILURE = "States.ResultPathMatchFailure"
RESULT_WRITER_FAILED = "States.ResultWriterFailed"
RUNTIME = "States.Runtime"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"


class StateFailed(Exception):
    """A state cannot go on; Retry and Catch may see ``error``.

    ``error`` and ``cause`` are what the history shows. ``cause`` is the inner cause: the machine adds the words with which
    Step Functions opens a cause ("An error occurred while executing the state ...").
    """

    def __init__(self, error: str, cause: str | None = None) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause


class InvalidField(ValueError):
    """A field of a definition says something that the language does not know.

    ``message`` is worded as Step Functions words it; ``place`` is where, as in ``/States/Choose/Choices[0]/Variable``; ``code`` is
    the diagnostic's.
    """

    def __init__(self, message: str, place: str, code: Code = "SCHEMA_VALIDATION_FAILED") -> None:
        super().__init__(f"{message} at {place}")
        self.message = message
        self.place = place
        self.code: Code = code
