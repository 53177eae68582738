"""Addresses in messages (``?Action=ConfirmSubscription&...``): they come unsigned, through a door of their own.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import msgspec

from interstate.base.errors import ServiceError
from interstate.core.topics.errors import AuthorizationErrorException
from interstate.services.doors import Response
from interstate.services.sns.access import check_arn
from interstate.services.sns.confirming import AUTHENTICATE, confirm
from interstate.services.sns.subscriptions import end
from interstate.store.ports import Work
from interstate.store.records.sns import SUBSCRIPTIONS

_PATH = "http://sns.amazonaws.com/doc/2010-03-31/"


class Link(msgspec.Struct, frozen=True, rename="pascal"):
    """An address out of a message that was opened."""

    raw_query: str = ""


def open_link(request: Link, work: Work) -> dict[str, Any]:
    """Carry out what an address in a message says: confirm, or end a subscription that anybody may end."""
    fields = dict(parse_qsl(request.raw_query))
    action = fields.get("Action", "")
    try:
        if action == "ConfirmSubscription":
            found = confirm(fields.get("TopicArn", ""), fields.get("Token", ""), work, authenticate=False, signed=False)
            return _xml(200, _answer(action, found))
        _unsubscribe(fields.get("SubscriptionArn", ""), work)
        return _xml(200, _answer(action, {}))
    except ServiceError as error:
        code = error.code.removesuffix("Exception")
        fault = f"<Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(error.message)}</Message>"
        return _xml(error.status, f'<ErrorResponse xmlns="{_PATH}"><Error>{fault}</Error></ErrorResponse>')


def _unsubscribe(arn: str, work: Work) -> None:
    check_arn("SubscriptionArn", arn)
    subscription = work.get(SUBSCRIPTIONS, arn)
    if subscription is None:
        return
    if AUTHENTICATE in subscription.attributes:
        raise AuthorizationErrorException("anonymous", "SNS:Unsubscribe", subscription.topic)
    end(subscription, work)


def _answer(action: str, members: Mapping[str, str]) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members.items())
    result = f"<{action}Result>{inner}</{action}Result>" if members else ""
    return f'<{action}Response xmlns="{_PATH}">{result}</{action}Response>'


def _xml(status: int, text: str) -> dict[str, Any]:
    return Response(status, [("content-type", "text/xml")], text.encode()).answer()
