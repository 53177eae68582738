"""A table whose stream a function follows, and what the function was told; for tests with several nodes."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

from interstate.base.json import loads
from interstate.runtime.testing import World
from interstate.store.records.lambda_ import Invocation, InvocationResult

Pair = tuple[World, World]
TABLE = {
    "TableName": "orders",
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}
_ROLE = "arn:aws:iam::000000000000:role/r"


def put(key: str) -> dict[str, Any]:
    """The request that puts an item into the table."""
    return {"TableName": "orders", "Item": {"k": {"S": key}}}


def make_function(node: World) -> None:
    """The function f."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as file:
        file.writestr("app.py", "def handler(event, context): return {}\n")
    code = {"Code": {"ZipFile": buffer.getvalue()}, "Runtime": "python3.11", "Handler": "app.handler", "Role": _ROLE}
    node.call("lambda", "CreateFunction", {"FunctionName": "f", **code})


def map_stream(node: World) -> None:
    """The table, whose stream the function f follows from its begin."""
    node.call("dynamodb", "CreateTable", TABLE)
    stream = node.call("dynamodb", "DescribeTable", {"TableName": "orders"})["Table"]["LatestStreamArn"]
    wanted = {"EventSourceArn": stream, "FunctionName": "f", "StartingPosition": "TRIM_HORIZON"}
    node.call("lambda", "CreateEventSourceMapping", wanted)


def hear(pair: Pair) -> list[str]:
    """The keys that the function is told from now on, on either node, in order."""
    had: list[str] = []

    def invoke(_key: str, call: Invocation) -> InvocationResult:
        had.extend(record["dynamodb"]["Keys"]["k"]["S"] for record in loads(call.payload)["Records"])  # type: ignore[index,call-overload]  # our document
        return InvocationResult("{}")

    for node in pair:
        node.performers["lambda.invoke"] = invoke
    return had
