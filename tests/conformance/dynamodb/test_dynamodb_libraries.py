"""PynamoDB and the idempotency and parameters layers of aws-lambda-powertools, unchanged; and what only the wire shows.

Source: PynamoDB, tutorial; Powertools for AWS Lambda (Python), idempotency and parameters.
"""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import boto3
import pytest
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import ClientError
from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute, VersionAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DeleteError, PutError, TransactWriteError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_REGION", "us-east-1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)


def resource(server: ServerProcess) -> Any:
    return boto3.resource("dynamodb", endpoint_url=server.url, region_name="us-east-1")


def made(server: ServerProcess, name: str, *keys: str) -> Any:
    table = resource(server).create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    return table


# PynamoDB ----------------------------------------------------------------------------------------------------------


class ByForum(GlobalSecondaryIndex["Thread"]):  # type: ignore[no-untyped-call]  # PynamoDB's own base
    class Meta:
        index_name = "byViews"
        projection = AllProjection()
        read_capacity_units = 1
        write_capacity_units = 1

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class Thread(Model):
    class Meta:
        table_name = "Thread"
        region = "us-east-1"
        host: ClassVar[str] = ""
        read_capacity_units = 1
        write_capacity_units = 1

    forum = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)
    views = NumberAttribute(default=0)
    tags = ListAttribute[str](default=list)
    posted = UTCDateTimeAttribute(null=True)
    version = VersionAttribute()
    by_views = ByForum()


@pytest.fixture
def threads(server: ServerProcess, credentials: None) -> Iterator[type[Thread]]:
    Thread.Meta.host = server.url
    Thread._connection = None
    Thread.create_table(wait=True)
    yield Thread
    Thread._connection = None


def test_pynamodb_models(threads: type[Thread]) -> None:
    assert threads.exists()
    with threads.batch_write() as batch:
        for number in range(30):
            batch.save(threads("python", f"s{number:02d}", views=number))
    assert threads.count("python") == 30
    first = threads.get("python", "s00")
    first.update(actions=[Thread.views.add(1), Thread.tags.set(["new"])], condition=Thread.views == 0)
    first.refresh()
    assert (first.views, first.tags, first.version) == (1, ["new"], 1)
    with pytest.raises(UpdateError) as refused:
        first.update(actions=[Thread.views.set(5)], condition=Thread.views > 100)
    assert refused.value.cause_response_code == "ConditionalCheckFailedException"
    stale = Thread("python", "s00", views=1)
    stale.version = 7
    with pytest.raises(PutError):
        stale.save()
    most = [thread.views for thread in threads.by_views.query("python", Thread.views >= 27, scan_index_forward=False)]
    assert most == [29, 28, 27]
    found = [thread.subject for thread in threads.query("python", Thread.subject.startswith("s1"), limit=4)]
    assert found == ["s10", "s11", "s12", "s13"]
    assert len(list(threads.scan(Thread.tags.contains("new"), page_size=7))) == 1
    assert len(list(threads.batch_get([("python", f"s{number:02d}") for number in range(30)]))) == 30
    with pytest.raises(DeleteError):
        first.delete(condition=Thread.views == 100)
    first.delete()
    with pytest.raises(Thread.DoesNotExist):
        threads.get("python", "s00")


def test_pynamodb_transactions(threads: type[Thread], server: ServerProcess) -> None:
    threads("a", "1").save()
    connection = Connection(host=server.url, region="us-east-1")
    with TransactWrite(connection=connection, client_request_token="t") as transaction:
        transaction.save(threads("a", "2"))
        transaction.condition_check(Thread, "a", "1", condition=Thread.subject.exists())
    refused_write = TransactWrite(connection=connection)
    refused_write.save(threads("a", "3"))
    refused_write.update(threads("a", "absent"), actions=[Thread.views.set(1)], condition=Thread.forum.exists())
    with pytest.raises(TransactWriteError) as refused:
        refused_write._commit()
    reasons = refused.value.cancellation_reasons
    assert [reason.code if reason else None for reason in reasons] == [None, "ConditionalCheckFailed"]
    with TransactGet(connection=connection) as reading:
        one, two = reading.get(Thread, "a", "1"), reading.get(Thread, "a", "2")
    assert (one.get().subject, two.get().subject) == ("1", "2")


# Powertools --------------------------------------------------------------------------------------------------------


class Context(LambdaContext):
    """A call with a minute left."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


def test_powertools_idempotency(server: ServerProcess, credentials: None) -> None:
    made(server, "idempotency", "id")
    session = boto3.Session(region_name="us-east-1")
    layer = DynamoDBPersistenceLayer("idempotency", boto3_client=session.client("dynamodb", endpoint_url=server.url))
    charges = []
    config = IdempotencyConfig()
    config.register_lambda_context(Context())

    @idempotent_function(data_keyword_argument="order", persistence_store=layer, config=config)  # type: ignore[untyped-decorator]  # Powertools' own
    def charge(order: dict[str, Any]) -> Any:
        charges.append(order["id"])
        if order.get("again"):
            return charge(order=order)
        return {"charged": order["id"]}

    for _ in range(3):
        assert charge(order={"id": "o-1"}) == {"charged": "o-1"}
    assert charges == ["o-1"]
    with pytest.raises(IdempotencyAlreadyInProgressError):  # A call inside its own is the same, and not yet done.
        charge(order={"id": "o-2", "again": True})


def test_powertools_parameters(server: ServerProcess, credentials: None) -> None:
    table = made(server, "parameters", "id", "sk")
    for name, value in (("a", "1"), ("b", {"x": 2})):
        table.put_item(Item={"id": "config", "sk": name, "value": value})
    simple = made(server, "simple", "id")
    simple.put_item(Item={"id": "flag", "value": "on"})
    assert parameters.DynamoDBProvider("simple", endpoint_url=server.url).get("flag") == "on"
    many = parameters.DynamoDBProvider("parameters", endpoint_url=server.url).get_multiple("config")
    assert many == {"a": "1", "b": {"x": 2}}


# The wire ----------------------------------------------------------------------------------------------------------


def message(function: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refusal:
        function(**arguments)
    text: str = refusal.value.response["Error"]["Message"]
    return text


def test_legacy_parameters_and_statements_on_the_wire(server: ServerProcess, credentials: None) -> None:
    made(server, "things", "pk", "sk")
    client = boto3.client("dynamodb", endpoint_url=server.url, region_name="us-east-1")
    a = {"pk": {"S": "a"}, "sk": {"S": "1"}}
    client.put_item(TableName="things", Item={**a, "b": {"B": b"\x00\xff"}}, Expected={"pk": {"Exists": False}})
    client.update_item(TableName="things", Key=a, AttributeUpdates={"n": {"Action": "ADD", "Value": {"N": "1"}}})
    answer = client.query(
        TableName="things",
        KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}},
        AttributesToGet=["n", "b"],
    )
    assert answer["Items"] == [{"n": {"N": "1"}, "b": {"B": b"\x00\xff"}}]
    statement = "SELECT b FROM things WHERE pk = ? AND b = ?"
    found = client.execute_statement(Statement=statement, Parameters=[{"S": "a"}, {"B": b"\x00\xff"}])
    assert found["Items"] == [{"b": {"B": b"\x00\xff"}}]
    client.execute_transaction(TransactStatements=[{"Statement": "DELETE FROM things WHERE pk='a' AND sk='1'"}])
    assert client.scan(TableName="things")["Count"] == 0
    bare = boto3.client("dynamodb", endpoint_url=server.url, config=Config(parameter_validation=False))
    text = message(bare.execute_statement, Statement="SELECT * FROM things", Parameters=[])
    assert text == (
        "1 validation error detected: Value '[]' at 'parameters' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )


def test_copies_and_settings_on_the_wire(server: ServerProcess, credentials: None) -> None:
    table = made(server, "things", "pk")
    table.put_item(Item={"pk": "a"})
    client = boto3.client("dynamodb", endpoint_url=server.url, region_name="us-east-1")
    spec = {"PointInTimeRecoveryEnabled": True}
    told = client.update_continuous_backups(TableName="things", PointInTimeRecoverySpecification=spec)
    recovery = told["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["EarliestRestorableDateTime"] <= recovery["LatestRestorableDateTime"]
    arn = client.create_backup(TableName="things", BackupName="nightly")["BackupDetails"]["BackupArn"]
    client.restore_table_from_backup(TargetTableName="copy", BackupArn=arn)
    client.restore_table_to_point_in_time(
        SourceTableName="things", TargetTableName="then", UseLatestRestorableTime=True
    )
    for name in ("copy", "then"):
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        assert resource(server).Table(name).scan()["Count"] == 1
    table_arn = client.describe_table(TableName="things")["Table"]["TableArn"]
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:Scan", "Resource": table_arn}]}  # fmt: skip
    client.put_resource_policy(ResourceArn=table_arn, Policy=json.dumps(policy))
    assert "not authorized to perform: dynamodb:Scan" in message(client.scan, TableName="things")
    client.delete_resource_policy(ResourceArn=table_arn)
    client.update_table(TableName="things", ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])
    other = boto3.client("dynamodb", endpoint_url=server.url, region_name="eu-west-1")
    other.get_waiter("table_exists").wait(TableName="things", WaiterConfig={"Delay": 1})
    other.put_item(TableName="things", Item={"pk": {"S": "b"}})
    assert client.get_item(TableName="things", Key={"pk": {"S": "b"}})["Item"] == {"pk": {"S": "b"}}


def test_an_export_comes_back_on_the_wire(server: ServerProcess, credentials: None) -> None:
    table = made(server, "things", "pk")
    for number in range(20):
        table.put_item(Item={"pk": f"p{number}", "n": number})
    client = boto3.client("dynamodb", endpoint_url=server.url, region_name="us-east-1")
    s3 = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1")
    s3.create_bucket(Bucket="lake")
    spec = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName="things", PointInTimeRecoverySpecification=spec)
    arn = client.describe_table(TableName="things")["Table"]["TableArn"]
    export = client.export_table_to_point_in_time(TableArn=arn, S3Bucket="lake")["ExportDescription"]["ExportArn"]
    client.get_waiter("export_completed").wait(ExportArn=export, WaiterConfig={"Delay": 1})
    manifest = client.describe_export(ExportArn=export)["ExportDescription"]["ExportManifest"]
    data = manifest.rpartition("/")[0] + "/data/"
    imported = client.import_table(
        S3BucketSource={"S3Bucket": "lake", "S3KeyPrefix": data},
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
        TableCreationParameters={
            "TableName": "copy", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        },
    )["ImportTableDescription"]["ImportArn"]  # fmt: skip
    client.get_waiter("import_completed").wait(ImportArn=imported, WaiterConfig={"Delay": 1})
    assert resource(server).Table("copy").scan()["Count"] == 20
