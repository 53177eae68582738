"""The error documents with which Lambda answers when a call ends otherwise than by the handler's return.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html,
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

import contextlib

import msgspec

from interstate.base.json import BrokenJSON, dumps, loads

# As Lambda's supervisor, which is written in Go, names them on Linux. Source: https://go.dev/src/syscall/zerrors_linux_amd64.go
_SIGNALS = {
    1: "hangup",
    2: "interrupt",
    3: "quit",
    4: "illegal instruction",
    5: "trace/breakpoint trap",
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    14: "alarm clock",
    15: "terminated",
    24: "CPU time limit exceeded",
    25: "file size limit exceeded",
}
PAYLOAD_BYTES_MAX = 6_291_556  # Source: the message that Lambda answers with; 6 MB and 100 bytes.


class Fault(msgspec.Struct, frozen=True):
    """An error document's facts."""

    error_type: str
    message: str

    @property
    def payload(self) -> str:
        """The document as the caller gets it."""
        return dumps({"errorType": self.error_type, "errorMessage": self.message})


def timed_out(request_id: str, timeout_s: int) -> Fault:
    """The handler did not answer in time."""
    return Fault("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds")


def out_of_memory(request_id: str) -> Fault:
    """The handler took more memory than it is configured for, and was killed."""
    return Fault("Runtime.OutOfMemory", f"RequestId: {request_id} Error: Runtime exited with error: signal: killed")


def exited(request_id: str, code: int) -> Fault:
    """The process ended in the middle of a call; ``code`` is its exit code, negative for a signal."""
    return Fault("Runtime.ExitError", f"RequestId: {request_id} Error: {exit_reason(code)}")


def exit_reason(code: int) -> str:
    """An exit code in the words of Lambda's supervisor.

    >>> exit_reason(-11)
    'Runtime exited with error: signal: segmentation fault'
    """
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    return f"Runtime exited with error: signal: {_SIGNALS.get(-code, f'signal {-code}')}"


def response_too_large() -> Fault:
    """The handler's answer is larger than an answer may be."""
    return Fault(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_BYTES_MAX} bytes).",
    )


def not_installed(message: str) -> Fault:
    """The packages that the function asks for could not be installed."""
    return Fault("Runtime.RequirementsNotInstalled", message)


def no_code(message: str) -> Fault:
    """The function's code is not where its configuration says."""
    return Fault("Runtime.InvalidCode", message)


def too_many_processes(request_id: str) -> Fault:
    """The handler started processes without end, and was killed with all of them."""
    return Fault(
        "Runtime.ExitError",
        f"RequestId: {request_id} Error: Runtime exited with error: signal: killed (more than 1024 processes)",
    )


def document_of(body: bytes, request_id: str = "") -> str:
    """What a runtime client posted as an error, as the caller gets it; what is no JSON becomes the message."""
    with contextlib.suppress(BrokenJSON):
        document = loads(body)
        if isinstance(document, dict) and request_id and not document.get("requestId"):
            return dumps({**document, "requestId": request_id})
        return body.decode()
    return Fault("Runtime.Unknown", body.decode("utf-8", "replace")).payload


def error_type_of(body: bytes) -> str:
    """The ``errorType`` of an error document; "" when there is none."""
    with contextlib.suppress(BrokenJSON):
        document = loads(body)
        if isinstance(document, dict) and isinstance(document.get("errorType"), str):
            return str(document["errorType"])
    return ""
