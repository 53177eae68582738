"""aws-lambda-powertools in handlers, unchanged: batch, idempotency, tracer, event parser, logger, metrics.

Source: https://docs.aws.amazon.com/powertools/python/latest/
"""

import importlib.metadata
import json
import re
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

ROLE = "arn:aws:iam::000000000000:role/r"
HANDLER = """
    from aws_lambda_powertools import Logger, Metrics, Tracer
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
    from aws_lambda_powertools.utilities.parser import BaseModel, event_parser

    logger, tracer, metrics = Logger(service="orders"), Tracer(service="orders"), Metrics(namespace="shop", service="orders")
    processor = BatchProcessor(event_type=EventType.SQS)
    charged = []

    @idempotent_function(
        data_keyword_argument="order",
        persistence_store=DynamoDBPersistenceLayer(table_name="idempotency"),
        config=IdempotencyConfig(event_key_jmespath="id"),
    )
    def charge(order):
        charged.append(order["id"])
        return {"charged": order["id"]}

    def one(record):
        order = record.json_body
        if order["id"] == "bad":
            raise ValueError(order["id"])
        return charge(order=order)

    class Order(BaseModel):
        id: str
        quantity: int = 1

    @tracer.capture_lambda_handler
    @metrics.log_metrics
    @logger.inject_lambda_context
    def batch(event, context):
        logger.info("batch", extra={"size": len(event["Records"])})
        metrics.add_metric(name="Batches", unit="Count", value=1)
        return process_partial_response(event=event, record_handler=one, processor=processor, context=context)

    @event_parser(model=Order)
    def parsed(event, context):
        return {"id": event.id, "twice": 2 * event.quantity}

    def direct(event, context):
        charge(order=event)
        charge(order=event)
        return charged
"""


def packages_of(*names: str) -> list[Path]:
    """The folders and modules of installed distributions and of all that they need."""
    wanted, found, seen = list(names), [], set()
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in {"..", "__pycache__"}}
        found += [Path(str(distribution.locate_file(top))) for top in tops]
        wanted += [
            match.group() for text in distribution.requires or () if "extra ==" not in text
            if (match := re.match(r"[A-Za-z0-9._-]+", text))
        ]  # fmt: skip
    return found


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "app.py").write_text(textwrap.dedent(HANDLER))
    for path in packages_of("aws-lambda-powertools", "aws-xray-sdk", "pydantic", "jmespath"):
        if not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)
    return folder


def eventually(look: Callable[[], Any], wanted: Any) -> None:
    deadline = time.monotonic() + 90
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)


def test_powertools_work_unchanged(server: ServerProcess, code: Path) -> None:
    functions, queues, tables = server.client("lambda"), server.client("sqs"), server.client("dynamodb")
    tables.create_table(
        TableName="idempotency",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for name in ("batch", "parsed", "direct"):
        functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=ROLE,
            Handler=f"app.{name}",
            Timeout=60,
            MemorySize=512,
            Code={"S3Bucket": "__local__", "S3Key": str(code)},
        )

    def call(name: str, event: Any) -> Any:
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
        document = json.load(answer["Payload"])
        assert "FunctionError" not in answer, document
        return document

    assert call("parsed", {"id": "o-1", "quantity": 2}) == {"id": "o-1", "twice": 4}
    assert call("direct", {"id": "o-2"}) == ["o-2"]

    queue = queues.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bodies = [json.dumps({"id": one}) for one in ("a", "bad", "a", "b")]
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    queues.send_message_batch(QueueUrl=queue, Entries=entries)
    functions.create_event_source_mapping(
        EventSourceArn=arn, FunctionName="batch", FunctionResponseTypes=["ReportBatchItemFailures"]
    )

    def depths() -> tuple[str, str]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return found[names[0]], found[names[1]]

    eventually(depths, ("0", "1"))  # The bad one stays in flight, and comes back.
    items = tables.scan(TableName="idempotency")["Items"]
    assert {item["status"]["S"] for item in items} == {"COMPLETED"}
    assert len(items) == 3
