"""DlqProcessor, consumer of every dead-letter queue and of order-retries: classify, count, try again later, or park.

What may work later (RETRYABLE) waits in order-retries, longer each time, and goes back to where it came from. The rest is parked
in parked-letters, where ``orders letters`` shows it and sends it on its way again. How often a letter came back is counted by what
it is, not by its message, because a message does not survive the way back.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ordering import aws, keep, letters
from ordering.announce import BUS, PAYMENTS_BUS, SHIPPING_BUS, NotPublished
from ordering.journal import count, log
from ordering.letters import Letter
from ordering.records import each_record, moment_of
from ordering.values import from_item, to_item, to_value

db = aws.client("dynamodb")
events = aws.client("events")
functions = aws.client("lambda")
sns = aws.client("sns")
sqs = aws.client("sqs")
IDEMPOTENCY = os.environ.get("IDEMPOTENCY_TABLE", "Idempotency")
RETRIES_URL = os.environ.get("RETRIES_QUEUE_URL", "")
PARKED_URL = os.environ.get("PARKED_LETTERS_QUEUE_URL", "")
ALERTS = os.environ.get("ALERTS_TOPIC_ARN", "")
RETRIES_QUEUE = "order-retries"
# Seconds before each try; SQS delays for 900 at most.
DELAYS_S = (30, 120, 480)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return each_record(event, consume)


def consume(record: dict[str, Any]) -> None:
    if record["eventSourceARN"].rsplit(":", 1)[-1] == RETRIES_QUEUE:
        put_back(letters.from_text(record["body"]))
    else:
        judge(letters.letter_of(record), record["messageId"], moment_of(record))


def judge(letter: Letter, message_id: str, now: str) -> None:
    """Count the letter, and put it where it belongs. A repeated call may park or delay a letter twice, never lose it."""
    name, kind = letters.class_of(letter)
    returns = letter.form in PUT_BACK and bool(letter.origin)
    retries = retries_of(letter, message_id, now) if kind == "RETRYABLE" and returns else None
    count("DeadLetters", 1, errorClass=name, kind=kind, form=letter.form)
    facts = {"errorClass": name, "kind": kind, "form": letter.form, "origin": letter.origin, "code": letter.code}
    facts["orderId"] = letters.order_id_of(letter) or ""
    if retries is not None and retries < len(DELAYS_S):
        body, delay = letters.to_text(letter, retries=retries), DELAYS_S[retries]
        sqs.send_message(QueueUrl=RETRIES_URL, MessageBody=body, DelaySeconds=delay)
        log("dead letter waits", delaySeconds=delay, retries=retries, **facts)
        return
    critical = reason_of_alert(kind, facts["orderId"], used_up=retries is not None)
    sqs.send_message(QueueUrl=PARKED_URL, MessageBody=letters.to_text(letter, parkedAt=now, **facts))
    log("dead letter parked", message=letter.message, critical=critical, **facts)
    if critical:
        count("CriticalDeadLetters", 1, errorClass=name)
        told = {**facts, "message": letter.message, "critical": critical, "now": now}
        sns.publish(TopicArn=ALERTS, Subject=f"Dead letter: {name}", Message=json.dumps(told, ensure_ascii=False))


def reason_of_alert(kind: str, order_id: str, *, used_up: bool) -> str:
    """Why a person must look now; empty when it can wait."""
    if used_up:
        return "its retries are used up"
    if kind == "UNKNOWN":
        return "nobody knows what broke"
    if kind == "PERMANENT" and order_id and is_paid(keep.load(db, order_id)):
        return "the order is paid"
    return "" if kind == "PERMANENT" else "it has no way back"


def is_paid(order: Mapping[str, Any]) -> bool:
    return bool(order.get("capturedAt")) and not order.get("refundedAt")


def retries_of(letter: Letter, message_id: str, now: str) -> int:
    """How often this letter came before, counted once a message."""
    request = {
        "TableName": IDEMPOTENCY,
        "Key": to_item({"id": f"letter#{letters.fingerprint(letter)}"}),
        "UpdateExpression": "SET lastMessage = :message, lastAt = :now ADD deaths :one",
        "ConditionExpression": "attribute_not_exists(lastMessage) OR lastMessage <> :message",
        "ExpressionAttributeValues": {
            ":message": to_value(message_id),
            ":now": to_value(now),
            ":one": to_value(1),
        },
    }
    try:
        answer = db.update_item(**request, ReturnValues="ALL_NEW", ReturnValuesOnConditionCheckFailure="ALL_OLD")
        item = answer["Attributes"]
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        refusal: Any = fault.response
        item = refusal["Item"]
    return int(from_item(item)["deaths"]) - 1


def put_back(letter: Letter) -> None:
    """Send the letter where it came from; every consumer can take what it had before."""
    PUT_BACK[letter.form](letter)
    log("dead letter sent again", form=letter.form, origin=letter.origin)


BUSES = {"payment.service": PAYMENTS_BUS, "shipping.service": SHIPPING_BUS}


def to_bus(letter: Letter) -> None:
    """On the bus of its own context: what died behind the gatekeeper crosses again."""
    event = json.loads(letter.content)
    entry = {
        "EventBusName": BUSES.get(event["source"], BUS),
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"], ensure_ascii=False),
    }
    answer = events.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise NotPublished(str(answer["Entries"]))


def to_function(letter: Letter) -> None:
    functions.invoke(FunctionName=letter.origin, InvocationType="Event", Payload=letter.content.encode())


def to_topic(letter: Letter) -> None:
    envelope = json.loads(letter.content)
    attributes = {
        name: {"DataType": each["Type"], "StringValue": each["Value"]}
        for name, each in envelope.get("MessageAttributes", {}).items()
    }
    subject = {"Subject": envelope["Subject"]} if envelope.get("Subject") else {}
    sns.publish(TopicArn=letter.origin, Message=envelope["Message"], MessageAttributes=attributes, **subject)


def to_queue(letter: Letter) -> None:
    url = sqs.get_queue_url(QueueName=letter.origin.rsplit(":", 1)[-1])["QueueUrl"]
    attributes = {
        name: {"DataType": "String", "StringValue": value} for name, value in letter.attributes.items() if value
    }
    sqs.send_message(QueueUrl=url, MessageBody=letter.content, MessageAttributes=attributes)


PUT_BACK: dict[str, Callable[[Letter], None]] = {
    "rule": to_bus,
    "function": to_function,
    "topic": to_topic,
    "queue": to_queue,
}
