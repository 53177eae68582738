"""NotificationSender, consumer of email-queue, sms-queue and push-queue: hand messages to the message gateway.

A customer is told once of an (order, event, channel): that triple is the key under which the gateway takes a message, so a
message that comes twice, by two topics or after a crash, is taken once.
"""

import json
import os
from typing import Any

from ordering import partner
from ordering.journal import log

MESSAGE_URL = os.environ.get("MESSAGE_URL", "http://127.0.0.1:4603")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A batch is one call. If that is not answered, all of it comes again; if it is refused, each message is tried alone."""
    messages: dict[str, dict[str, Any]] = {}
    failed: list[str] = []
    for record in event["Records"]:
        channel = record["eventSourceARN"].rsplit(":", 1)[-1].removesuffix("-queue")
        try:
            messages[record["messageId"]] = message(json.loads(record["body"]), channel)
        except (ValueError, KeyError, TypeError) as fault:
            log("message unreadable", messageId=record["messageId"], fault=repr(fault))
            failed.append(record["messageId"])
    failed += send(messages)
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def send(messages: dict[str, dict[str, Any]]) -> list[str]:
    """Those that the gateway did not take."""
    if not messages:
        return []
    try:
        partner.call("POST", f"{MESSAGE_URL}/messages", {"messages": list(messages.values())})
    except partner.PartnerUnavailable as fault:
        log("gateway away", messages=len(messages), fault=str(fault))
        return list(messages)
    except partner.PartnerRefused as refusal:
        if len(messages) == 1:
            log("message refused", messageId=next(iter(messages)), reason=str(refusal))
            return list(messages)
        return [failed for key, each in messages.items() for failed in send({key: each})]
    return []


def message(body: dict[str, Any], channel: str) -> dict[str, Any]:
    """Two forms come: a notification (customer-notifications), and an event as it is (OrderConfirmationTopic)."""
    if "detail-type" in body:
        data = body["detail"]["data"]
        kind, text = body["detail-type"], f"We have received your payment of {data['amount']} {data['currency']}."
    else:
        data, kind, text = body, body["event"], body["message"]
    key = f"{data['orderId']}/{kind.replace(' ', '')}/{channel}"
    return {"key": key, "channel": channel, "customerId": data["customerId"], "orderId": data["orderId"], "text": text}
