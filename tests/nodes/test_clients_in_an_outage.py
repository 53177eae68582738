"""The database goes away under real clients: each protocol's client is told to try again, does so, and nothing acknowledged is lost.

Source: botocore, ``retries/standard.py`` (TransientRetryableChecker: 500, 502, 503 and 504 are tried again).
"""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.nodes.postgres_proxy import Proxy
from tests.postgres_server import fresh_database
from tests.server_process import ServerProcess

from interstate.runtime.clock import wall_now

pytestmark = pytest.mark.server

ATTEMPTS = 20
CBOR = "smithy-rpc-v2-cbor"
SERVICES = {
    "dynamodb": "json",
    "sns": "query",
    "lambda": "rest-json",
    "s3": "rest-xml",
    "cloudwatch": CBOR,
}


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with Proxy(fresh_database()) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def node(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("node")
    process = ServerProcess(folder / "data", "--database", f"{proxy.url}?sslmode=disable")
    process.start()
    yield process
    process.kill()


def client(node: ServerProcess, service: str, attempts: int) -> Any:
    """A client that tries so often."""
    make: Any = boto3.client  # The service is named by a parameter here.
    return make(
        service,
        endpoint_url=node.url,
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, s3={"addressing_style": "path"}),
    )


# What each service is asked: to keep something under a name, and for the names that it keeps. ----------------------------

TABLE, LAYER, BUCKET, METRIC = "kept", "layer", "bucket", "kept"


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("word.py", "WORD = 1")
    return content.getvalue()


ZIP = zipped()


def prepare(service: str, one: Any) -> None:
    if service == "dynamodb":
        one.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        one.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    if service == "s3":
        one.create_bucket(Bucket=BUCKET)


def metric(name: str) -> dict[str, Any]:
    data = {"MetricName": METRIC, "Dimensions": [{"Name": "Name", "Value": name}], "Value": 1.0}
    return {"Namespace": "Outage", "MetricData": [data]}


KEEP: dict[str, Callable[[Any, str], Any]] = {
    "dynamodb": lambda one, name: one.put_item(TableName=TABLE, Item={"id": {"S": name}}),
    "sns": lambda one, name: one.create_topic(Name=name),
    "lambda": lambda one, name: one.publish_layer_version(LayerName=LAYER, Description=name, Content={"ZipFile": ZIP}),
    "s3": lambda one, name: one.put_object(Bucket=BUCKET, Key=name, Body=name.encode()),
    "cloudwatch": lambda one, name: one.put_metric_data(**metric(name)),
}


def _measured(one: Any) -> list[str]:
    now = wall_now()
    found = []
    for shown in one.list_metrics(Namespace="Outage")["Metrics"]:
        points = one.get_metric_statistics(
            Namespace="Outage",
            MetricName=METRIC,
            Dimensions=shown["Dimensions"],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        found += [shown["Dimensions"][0]["Value"]] * int(sum(point["Sum"] for point in points))
    return found


KEPT: dict[str, Callable[[Any], list[str]]] = {
    "dynamodb": lambda one: [item["id"]["S"] for item in one.scan(TableName=TABLE)["Items"]],
    "sns": lambda one: [topic["TopicArn"].rpartition(":")[2] for topic in one.list_topics()["Topics"]],
    "lambda": lambda one: [layer["Description"] for layer in one.list_layer_versions(LayerName=LAYER)["LayerVersions"]],
    "s3": lambda one: [found["Key"] for found in one.list_objects_v2(Bucket=BUCKET)["Contents"]],
    "cloudwatch": _measured,
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_is_told_to_try_again_and_does(
    service: str, node: ServerProcess, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    if SERVICES[service] == CBOR:  # This botocore speaks it where a service has nothing else.
        monkeypatch.setattr("botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", (CBOR,))
    once, often = client(node, service, 1), client(node, service, ATTEMPTS)
    assert once.meta.service_model.resolved_protocol == SERVICES[service]
    prepare(service, often)
    KEEP[service](often, "before")
    proxy.refuses = True
    proxy.cut()
    with pytest.raises(ClientError) as error:
        KEEP[service](once, "during")
    told = error.value.response
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 503, told
    assert told["Error"]["Code"].startswith("ServiceUnavailable"), told
    assert "cannot use its database now" in told["Error"]["Message"], told
    with pytest.raises(ClientError) as error:  # Who reads is told the same.
        KEPT[service](once)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    refused = threading.Event()

    def heal(response: Any, **_: Any) -> None:
        """The database is back once this client was refused."""
        if response is not None and response[0].status_code == 503:
            refused.set()
            proxy.refuses = False

    often.meta.events.register("needs-retry", heal)
    KEEP[service](often, "through")
    assert refused.is_set()
    kept = KEPT[service](often)
    assert {"before", "through"} <= set(kept)
    assert kept.count("before") == 1
    assert "during" not in kept  # It never reached the database.


def test_each_protocol_of_the_services_is_here() -> None:
    """A protocol that is added later needs its client here, too."""
    from interstate.services.tables import SERVICES as ALL  # noqa: PLC0415 all services, for this test alone

    session = boto3.session.Session()
    models = {one.name for one in ALL} & set(session.get_available_services())
    loader = session._session.get_service_model
    assert {loader(name).resolved_protocol for name in models} <= set(SERVICES.values())


def test_a_message_that_was_acknowledged_is_there_after_the_outage(
    node: ServerProcess, proxy: Proxy, tmp_path: Path
) -> None:
    """Sent while connections are cut all the time: what was acknowledged is there, as what was not may be."""
    sqs, once = client(node, "sqs", ATTEMPTS), client(node, "sqs", 1)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    answers: dict[str, int] = {}
    for number in range(60):
        if number % 4 == 3:
            proxy.cut()
        try:
            told = once.send_message(QueueUrl=url, MessageBody=str(number))
        except ClientError as error:
            told = error.response
        answers[str(number)] = told["ResponseMetadata"]["HTTPStatusCode"]
    assert set(answers.values()) == {200, 503}
    acknowledged = {body for body, status in answers.items() if status == 200}
    found: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert acknowledged <= set(found)
    assert len(found) == len(set(found))
