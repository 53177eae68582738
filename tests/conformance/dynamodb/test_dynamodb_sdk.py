"""DynamoDB through the real SDK and a real server, killed without warning on the way.

Source: DynamoDB API Reference; boto3 guide, DynamoDB (resources, conditions, batch writers).
"""

from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

ORDERS: dict[str, Any] = {
    "TableName": "Orders",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "customer", "AttributeType": "S"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "byCustomer",
            "KeySchema": [
                {"AttributeName": "customer", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def resource(server: ServerProcess) -> Any:
    return boto3.resource(
        "dynamodb",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def orders(server: ServerProcess) -> Any:
    table = resource(server).create_table(**ORDERS)
    table.wait_until_exists()
    return table


def refused(function: Any, **arguments: Any) -> Any:
    with pytest.raises(ClientError) as refusal:
        function(**arguments)
    return refusal.value


def test_values_of_all_types_come_back_as_they_were(orders: Any) -> None:
    item = {
        "pk": "a", "sk": 1, "text": "한글", "number": Decimal("-1.5"), "tiny": Decimal("1e-38"), "bytes": b"\x00\xff",
        "yes": True, "none": None, "texts": {"x", "y"}, "numbers": {1, 2}, "many bytes": {b"a", b"b"},
        "list": [1, {"deep": b"\x01"}, []], "map": {"B": "not bytes", "x.y": {}},
    }  # fmt: skip
    orders.put_item(Item=item)
    assert orders.get_item(Key={"pk": "a", "sk": 1})["Item"] == item


def test_pages_filters_and_indexes(orders: Any) -> None:
    with orders.batch_writer() as batch:
        for sk in range(60):
            batch.put_item(Item={"pk": f"p{sk % 2}", "sk": sk, "customer": "c", "odd": sk % 2})
    answer = orders.query(
        KeyConditionExpression=Key("pk").eq("p1") & Key("sk").between(10, 20), FilterExpression=Attr("odd").eq(1)
    )
    assert [int(item["sk"]) for item in answer["Items"]] == [11, 13, 15, 17, 19]
    pages = orders.meta.client.get_paginator("query").paginate(
        TableName="Orders",
        IndexName="byCustomer",
        KeyConditionExpression=Key("customer").eq("c"),
        ScanIndexForward=False,
        PaginationConfig={"PageSize": 7},
    )
    assert [int(item["sk"]) for page in pages for item in page["Items"]] == list(range(59, -1, -1))
    scanned = orders.meta.client.get_paginator("scan").paginate(TableName="Orders", PaginationConfig={"PageSize": 9})
    assert sum(page["Count"] for page in scanned) == 60


def test_refusals_are_modelled_errors(orders: Any) -> None:
    orders.put_item(Item={"pk": "a", "sk": 1})
    error = refused(
        orders.put_item,
        Item={"pk": "a", "sk": 1},
        ConditionExpression=Attr("pk").not_exists(),
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    exceptions = orders.meta.client.exceptions
    assert isinstance(error, exceptions.ConditionalCheckFailedException)
    assert error.response["Item"] == {"pk": {"S": "a"}, "sk": {"N": "1"}}
    put = {"TableName": "Orders", "Item": {"pk": "a", "sk": 1}, "ConditionExpression": "attribute_not_exists(pk)"}
    error = refused(orders.meta.client.transact_write_items, TransactItems=[{"Put": put}])
    assert isinstance(error, exceptions.TransactionCanceledException)
    assert error.response["CancellationReasons"] == [
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    ]
    assert error.response["Error"]["Message"].endswith("for specific reasons [ConditionalCheckFailed]")
    for function, arguments, code, words in (
        (orders.put_item, {"Item": {"pk": "a"}}, "ValidationException", "Missing the key sk in the item"),
        (orders.get_item, {"Key": {"pk": "a"}}, "ValidationException", "does not match the schema"),
        (orders.scan, {"FilterExpression": "status = a"}, "ValidationException", "reserved keyword: status"),
        (orders.meta.client.create_table, ORDERS, "ResourceInUseException", "Table already exists: Orders"),
        (
            orders.meta.client.describe_kinesis_streaming_destination,
            {"TableName": "Orders"},
            "NotImplemented",
            "DescribeKinesisStreamingDestination",
        ),
    ):
        error = refused(function, **arguments)
        assert error.response["Error"]["Code"] == code
        assert words in error.response["Error"]["Message"]


def test_what_was_answered_survives_the_end_of_the_process(server: ServerProcess, orders: Any) -> None:
    client = orders.meta.client
    client.update_table(
        TableName="Orders", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    add = {
        "TableName": "Orders",
        "Key": {"pk": "a", "sk": 1},
        "UpdateExpression": "ADD n :one SET customer = :c",
        "ExpressionAttributeValues": {":one": 1, ":c": "c"},
    }
    for round_ in range(3):
        for number in range(5):
            token = f"t{round_}-{number}"
            client.transact_write_items(TransactItems=[{"Update": add}], ClientRequestToken=token)
        server.kill()
        server.start()
        again = client.transact_write_items(TransactItems=[{"Update": add}], ClientRequestToken=f"t{round_}-4")
        assert again["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert orders.get_item(Key={"pk": "a", "sk": 1})["Item"]["n"] == 15
    found = orders.query(IndexName="byCustomer", KeyConditionExpression=Key("customer").eq("c"))["Items"]
    assert [item["n"] for item in found] == [15]
    streams = server.client("dynamodbstreams")
    arn = client.describe_table(TableName="Orders")["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    place = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=place["ShardIterator"])["Records"]
    assert [record["dynamodb"]["NewImage"]["n"]["N"] for record in records] == [str(n) for n in range(1, 16)]
