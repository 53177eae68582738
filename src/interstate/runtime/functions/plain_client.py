"""A runtime client in plain Python, for systems for which awslambdaric has no wheels; runs in workers only.

Its answers and error documents are those of AWS's client, whose error types and messages it keeps.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import decimal
import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

_PATH = "/2018-06-01/runtime"
Handler = Callable[[Any, Any], Any]


class Fault(Exception):
    """The handler cannot be loaded, or its answer cannot be written."""

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.trace = trace or []


class Context:
    """What a handler gets as its second argument.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = _client_context(headers.get("Lambda-Runtime-Client-Context"))
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """How long the handler may still run."""
        return max(self._deadline_ms - time.time_ns() // 1_000_000, 0)


def _client_context(header: str | None) -> SimpleNamespace | None:
    if not header:
        return None
    given = json.loads(header)
    client = given.get("client")
    return SimpleNamespace(
        custom=given.get("custom"), env=given.get("env"), client=None if client is None else SimpleNamespace(**client)
    )


def load(name: str) -> Handler:
    """Import the handler's module and get the function.

    Raises:
        Fault: in the words of AWS's client.
    """
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        message = f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise Fault("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from error
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError as error:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message) from error
    return handler


def _document(error: BaseException, request_id: str) -> dict[str, Any]:
    if isinstance(error, Fault):
        error_type, trace = error.error_type, error.trace
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        error_type, trace = type(error).__name__, traceback.format_list(frames)
    return {"errorMessage": str(error), "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def _log(document: Mapping[str, Any]) -> None:
    lines = [f"[ERROR] {document['errorType']}: {document['errorMessage']}"]
    if document["stackTrace"]:
        lines += ["Traceback (most recent call last):", *"".join(document["stackTrace"]).splitlines()]
    _write_frame("\n".join(lines))


def _write_frame(message: str) -> None:
    """One log event, however many lines it has; see ``output`` for the form."""
    sys.stdout.flush()
    encoded = message.encode("utf-8", "replace")
    header = b"\xa5\x5a\x00\x03" + len(encoded).to_bytes(4, "big") + (time.time_ns() // 1000).to_bytes(8, "big")
    os.write(3, header + encoded)


class _Frames(logging.Handler):
    request_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = self.request_id
        _write_frame(self.format(record))


def _set_up_logging() -> _Frames:
    frames = _Frames()
    formatter = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    frames.setFormatter(formatter)
    logging.getLogger().addHandler(frames)
    return frames


def _plain(value: object) -> object:
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    msg = f"Object of type {type(value).__name__} is not JSON serializable"
    raise TypeError(msg)


def _answer(handler: Handler, event: bytes, context: Context) -> str:
    value = handler(json.loads(event), context)
    try:
        return json.dumps(value, default=_plain, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def run(name: str) -> None:
    """Serve calls for ever; a handler that cannot be loaded ends the process."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(line_buffering=True, write_through=True)
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def post(path: str, body: str, error_type: str = "") -> None:
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": error_type}
        connection.request("POST", _PATH + path, body.encode("utf-8", "replace"), headers)
        connection.getresponse().read()

    frames = _set_up_logging()
    try:
        handler = load(name)
    except Exception as error:  # noqa: BLE001 - whatever a module raises while it is imported.
        document = _document(error, "")
        _log(document)
        post("/init/error", json.dumps(document), document["errorType"])
        sys.exit(1)
    while True:
        connection.request("GET", f"{_PATH}/invocation/next")
        response = connection.getresponse()
        event = response.read()
        context = Context(response.headers)  # type: ignore[arg-type]  # its keys ignore case, as headers do
        frames.request_id = context.aws_request_id
        os.environ["_X_AMZN_TRACE_ID"] = response.headers.get("Lambda-Runtime-Trace-Id", "")
        try:
            answer = _answer(handler, event, context)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises.
            document = _document(error, context.aws_request_id)
            _log(document)
            post(f"/invocation/{context.aws_request_id}/error", json.dumps(document), document["errorType"])
        else:
            sys.stdout.flush()
            post(f"/invocation/{context.aws_request_id}/response", answer)
