"""Performs the effect "sns.letter": a mail, a short message or a push leaves through its gateway, the answer as a value.

Mail goes to an SMTP server. Short messages and pushes are posted as JSON to an HTTP gateway::

    POST <gateway>   x-interstate-key: <the same when it is repeated>
    {"protocol": "sms", "recipient": "+8210...", "subject": "", "body": "...", "messageId": "...", "topic": "arn...",
     "attributes": {}}

A status of 200 to 299 is delivered; 400 to 499, but 429, is final; everything else is tried again.
"""

import asyncio
import smtplib
from email.message import EmailMessage

import httpx
import msgspec

from interstate.store.records.sns import HttpResult, LetterDelivery

TIMEOUT_S = 15.0
SENDER = "no-reply@sns.amazonaws.com"
_MAIL = ("email", "email-json")


class GatewaySettings(msgspec.Struct, frozen=True):
    """Where letters leave: an SMTP server's ``host:port``, and the addresses of HTTP gateways. None: they do not."""

    smtp: str | None = None
    sms: str | None = None
    push: str | None = None


class LetterDeliveries:
    """Sends letters; connections are opened for each mail, and kept for HTTP gateways."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    async def perform(self, key: str, body: LetterDelivery) -> HttpResult:
        """Send once. A repetition after a crash carries the same message id and key."""
        if body.protocol in _MAIL:
            return await self._mail(body)
        gateway = self._settings.sms if body.protocol == "sms" else self._settings.push
        return await self._post(key, body, gateway)

    async def _mail(self, body: LetterDelivery) -> HttpResult:
        if self._settings.smtp is None:  # It was configured when the mail was written.
            return HttpResult(error="no mail server is configured")
        return await asyncio.to_thread(_send_mail, self._settings.smtp, message_of(body), body.recipient)

    async def _post(self, key: str, body: LetterDelivery, gateway: str | None) -> HttpResult:
        if gateway is None:
            return HttpResult(error=f"no gateway for {body.protocol} is configured")
        content = {
            "protocol": body.protocol,
            "recipient": body.recipient,
            "subject": body.subject,
            "body": body.body,
            "messageId": body.message_id,
            "topic": body.topic,
            "attributes": body.attributes,
        }
        headers = {"content-type": "application/json", "x-interstate-key": key}
        try:
            response = await self._client.post(gateway, content=msgspec.json.encode(content), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return HttpResult(error=f"{type(error).__name__}: {error}")
        return HttpResult(response.status_code)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def message_of(body: LetterDelivery) -> EmailMessage:
    """The mail, with the message id by which a repetition is recognized."""
    mail = EmailMessage()
    mail["From"] = f"AWS Notifications <{SENDER}>"
    mail["To"] = body.recipient
    mail["Subject"] = body.subject
    mail["Message-ID"] = f"<{body.message_id}@sns.amazonaws.com>"
    if body.topic:
        mail["X-Amz-Sns-Topic-Arn"] = body.topic
    mail.set_content(body.body)
    return mail


def _send_mail(server: str, mail: EmailMessage, recipient: str) -> HttpResult:
    """Hand a mail to a server. Its reply codes mean what HTTP's mean: 250 is taken, 5xx is final, 4xx comes again.

    Source: RFC 5321, 4.2.1
    """
    host, _, port = server.rpartition(":")
    try:
        with smtplib.SMTP(host.strip("[]"), int(port), timeout=TIMEOUT_S) as connection:
            connection.send_message(mail, SENDER, [recipient])
    except smtplib.SMTPRecipientsRefused as error:
        code, reply = next(iter(error.recipients.values()))
        return _refused(code, reply)
    except smtplib.SMTPResponseException as error:
        return _refused(error.smtp_code, error.smtp_error)
    except (OSError, smtplib.SMTPException) as error:
        return HttpResult(error=f"{type(error).__name__}: {error}")
    return HttpResult(200)


def _refused(code: int, reply: bytes | str) -> HttpResult:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return HttpResult(400 if code >= 500 else 503, f"{code} {text}")
