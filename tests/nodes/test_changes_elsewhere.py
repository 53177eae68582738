"""What one node changes is right on another at its next call, though that one has used what was there before.

The nodes are processes of their own, so that nothing that one keeps in memory is seen by the other.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.postgres_server import fresh_database
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
Nodes = tuple[ServerProcess, ServerProcess]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    folder, database = tmp_path_factory.mktemp("nodes"), fresh_database()
    pair = (_node(folder / "here", database), _node(folder / "there", database))
    try:
        for node in pair:
            node.start()
        yield pair
    finally:
        for node in pair:
            node.kill()


def _node(folder: Path, database: str) -> ServerProcess:
    folder.mkdir()
    return ServerProcess(folder / "data", "--database", database)


def both(nodes: Nodes, service: str) -> tuple[Any, Any]:
    """A client of each node."""
    here, there = nodes
    return here.client(service), there.client(service)


def refused(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The code of a refusal."""
    code: str = error.value.response["Error"]["Code"]
    return code


# Functions --------------------------------------------------------------------------------------------------------------


def zipped(answer: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        text = f"import os\ndef handler(event, context): return [{answer!r}, os.environ.get('WORD', '')]\n"
        archive.writestr("app.py", text)
    return content.getvalue()


def answer(client: Any, **wanted: str) -> Any:
    """What the function answers."""
    called = client.invoke(FunctionName="f", **wanted)
    payload = called["Payload"].read()
    assert "FunctionError" not in called, payload
    return json.loads(payload)


def test_code_and_settings_of_a_function(nodes: Nodes) -> None:
    """The other node has a process of the function at work, with the old code and the old environment."""
    here, there = both(nodes, "lambda")
    here.create_function(
        FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="app.handler", Code={"ZipFile": zipped("one")}
    )
    here.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    first = here.publish_version(FunctionName="f")["Version"]
    here.create_alias(FunctionName="f", Name="live", FunctionVersion=first)
    assert answer(there) == ["one", ""]
    assert answer(there, Qualifier="live") == ["one", ""]
    here.update_function_code(FunctionName="f", ZipFile=zipped("two"))
    here.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    assert answer(there) == ["two", ""]
    here.update_function_configuration(FunctionName="f", Environment={"Variables": {"WORD": "new"}})
    here.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    assert answer(there) == ["two", "new"]
    assert answer(there, Qualifier="live") == ["one", ""]
    second = here.publish_version(FunctionName="f")["Version"]
    here.update_alias(FunctionName="f", Name="live", FunctionVersion=second)
    assert answer(there, Qualifier="live") == ["two", "new"]
    here.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as error:
        answer(there)
    assert refused(error) == "TooManyRequestsException"
    here.delete_function(FunctionName="f")
    with pytest.raises(ClientError) as error:
        answer(there)
    assert refused(error) == "ResourceNotFoundException"


# Queues and topics ------------------------------------------------------------------------------------------------------


def test_attributes_and_the_policy_of_a_queue(nodes: Nodes) -> None:
    here, there = both(nodes, "sqs")
    url = here.create_queue(QueueName="q")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
    there.send_message(QueueUrl=url, MessageBody="a")
    (message,) = there.receive_message(QueueUrl=url)["Messages"]
    there.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    here.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0", "MaximumMessageSize": "1024"})
    with pytest.raises(ClientError) as error:
        there.send_message(QueueUrl=url, MessageBody="b" * 2000)
    assert refused(error) == "InvalidParameterValue"
    there.send_message(QueueUrl=url, MessageBody="c")
    for _ in range(2):  # Nobody hides it any more.
        assert there.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "c"
    here.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "900"})
    there.send_message(QueueUrl=url, MessageBody="d")
    shown = there.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (shown["ApproximateNumberOfMessagesDelayed"], shown["DelaySeconds"]) == ("1", "900")
    denied = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    here.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy, "DelaySeconds": "0"})
    with pytest.raises(ClientError) as error:
        there.send_message(QueueUrl=url, MessageBody="e")
    assert refused(error) == "AccessDenied"
    here.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    there.send_message(QueueUrl=url, MessageBody="f")
    here.delete_queue(QueueUrl=url)
    with pytest.raises(ClientError) as error:
        there.send_message(QueueUrl=url, MessageBody="g")
    assert refused(error) == "AWS.SimpleQueueService.NonExistentQueue"


def drained(client: Any, url: str) -> list[str]:
    """The bodies of all that is there, which is deleted."""
    found = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
        for message in messages:
            found.append(message["Body"])
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def open_queue(client: Any, name: str) -> tuple[str, str]:
    """The URL and the ARN of a queue to which every service may send."""
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    return client.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn


def test_subscriptions_of_a_topic(nodes: Nodes) -> None:
    here, there = both(nodes, "sns")
    queues_here, queues_there = both(nodes, "sqs")
    topic = here.create_topic(Name="t")["TopicArn"]
    url, queue = open_queue(queues_here, "told")
    there.publish(TopicArn=topic, Message="nobody hears it")
    subscribed = here.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue,
        Attributes={"RawMessageDelivery": "true"},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    there.publish(TopicArn=topic, Message="a")
    assert drained(queues_there, url) == ["a"]
    here.set_subscription_attributes(
        SubscriptionArn=subscribed, AttributeName="FilterPolicy", AttributeValue='{"kind": ["b"]}'
    )
    for kind in "ab":
        wanted = {"kind": {"DataType": "String", "StringValue": kind}}
        there.publish(TopicArn=topic, Message=kind, MessageAttributes=wanted)
    assert drained(queues_there, url) == ["b"]
    here.unsubscribe(SubscriptionArn=subscribed)
    there.publish(TopicArn=topic, Message="c", MessageAttributes=wanted)
    assert drained(queues_there, url) == []
    here.delete_topic(TopicArn=topic)
    with pytest.raises(ClientError) as error:
        there.publish(TopicArn=topic, Message="d")
    assert refused(error) == "NotFound"


def test_rules_of_a_bus(nodes: Nodes) -> None:
    here, there = both(nodes, "events")
    queues_here, queues_there = both(nodes, "sqs")
    url, queue = open_queue(queues_here, "events")

    def put(word: str) -> None:
        there.put_events(Entries=[{"Source": "shop", "DetailType": word, "Detail": "{}"}])

    put("before")
    here.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    here.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": queue, "InputPath": "$.detail-type"}])
    put("a")
    assert drained(queues_there, url) == ['"a"']
    here.put_rule(Name="r", EventPattern='{"detail-type": ["c"]}')
    put("b")
    put("c")
    assert drained(queues_there, url) == ['"c"']
    here.disable_rule(Name="r")
    put("c")
    here.enable_rule(Name="r")
    here.remove_targets(Rule="r", Ids=["t"])
    put("c")
    assert drained(queues_there, url) == []


# Tables -----------------------------------------------------------------------------------------------------------------


def test_the_description_of_a_table(nodes: Nodes) -> None:
    here, there = both(nodes, "dynamodb")
    attributes = [{"AttributeName": "id", "AttributeType": "S"}]
    here.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=attributes,
        BillingMode="PAY_PER_REQUEST",
    )
    there.put_item(TableName="things", Item={"id": {"S": "1"}, "place": {"S": "Dover"}})
    index = {
        "IndexName": "by-place",
        "KeySchema": [{"AttributeName": "place", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    asked: dict[str, Any] = {
        "TableName": "things",
        "IndexName": "by-place",
        "KeyConditionExpression": "place = :p",
        "ExpressionAttributeValues": {":p": {"S": "Dover"}},
    }
    with pytest.raises(ClientError):
        there.query(**asked)
    here.update_table(
        TableName="things",
        AttributeDefinitions=[*attributes, {"AttributeName": "place", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    here.get_waiter("table_exists").wait(TableName="things", WaiterConfig={"Delay": 1})
    with pytest.raises(ClientError) as error:  # The key of an index has its type.
        there.put_item(TableName="things", Item={"id": {"S": "2"}, "place": {"N": "2"}})
    assert refused(error) == "ValidationException"
    there.put_item(TableName="things", Item={"id": {"S": "2"}, "place": {"S": "Dover"}})
    assert there.query(**asked)["Count"] == 2
    described = there.describe_table(TableName="things")["Table"]
    assert [one["IndexName"] for one in described["GlobalSecondaryIndexes"]] == ["by-place"]
    streams = nodes[1].client("dynamodbstreams")
    stream = described["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    begin = streams.get_shard_iterator(StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    (record,) = streams.get_records(ShardIterator=begin["ShardIterator"])["Records"]
    assert record["dynamodb"]["Keys"] == {"id": {"S": "2"}}
    here.delete_table(TableName="things")
    here.get_waiter("table_not_exists").wait(TableName="things", WaiterConfig={"Delay": 1})
    with pytest.raises(ClientError) as error:
        there.put_item(TableName="things", Item={"id": {"S": "3"}})
    assert refused(error) == "ResourceNotFoundException"


# State machines ---------------------------------------------------------------------------------------------------------


def definition(result: str) -> str:
    return json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": result, "End": True}}})


def test_the_definition_and_the_aliases_of_a_state_machine(nodes: Nodes) -> None:
    here, there = both(nodes, "stepfunctions")
    created = here.create_state_machine(
        name="m", definition=definition("one"), roleArn=ROLE, type="STANDARD", publish=True
    )
    machine, first = created["stateMachineArn"], created["stateMachineVersionArn"]

    def result(arn: str) -> Any:
        started = there.start_execution(stateMachineArn=arn)["executionArn"]
        while (found := there.describe_execution(executionArn=started))["status"] == "RUNNING":
            pass
        assert found["status"] == "SUCCEEDED", found
        return json.loads(found["output"])

    def routes(version: str) -> list[dict[str, Any]]:
        return [{"stateMachineVersionArn": version, "weight": 100}]

    alias = here.create_state_machine_alias(name="live", routingConfiguration=routes(first))["stateMachineAliasArn"]
    assert (result(machine), result(alias)) == ("one", "one")
    second = here.update_state_machine(stateMachineArn=machine, definition=definition("two"), publish=True)[
        "stateMachineVersionArn"
    ]
    assert (result(machine), result(alias), result(second)) == ("two", "one", "two")
    here.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=routes(second))
    assert result(alias) == "two"
    here.delete_state_machine_alias(stateMachineAliasArn=alias)
    with pytest.raises(ClientError) as error:
        there.start_execution(stateMachineArn=alias)
    assert refused(error) == "StateMachineDoesNotExist"
