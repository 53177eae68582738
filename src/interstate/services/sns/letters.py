"""Letters: mails, short messages and pushes, which leave through a gateway or lie in the local mailbox.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html (customer managed endpoints)
"""

import msgspec

from interstate.core.topics.delivery_policy import DeliveryPolicy
from interstate.services.sns.access import measure, owner_of
from interstate.services.sns.happenings import push_failed
from interstate.services.sns.mailbox import Letter, put_mail
from interstate.services.sns.outcomes import failed, succeeded
from interstate.services.sns.signatures import gateways
from interstate.store.ports import Work
from interstate.store.records.sns import HttpResult, LetterDelivery

# Twice after 10 s, ten times with growing delays, then every 10 minutes: 50 attempts over about 6 hours.
RETRIES = DeliveryPolicy(
    min_delay_target=10,
    max_delay_target=600,
    num_retries=50,
    num_min_delay_retries=2,
    num_max_delay_retries=38,
    backoff_function="exponential",
)


def send_letter(letter: LetterDelivery, scope: str, work: Work) -> None:
    """Hand a letter to its gateway, or lay it into the mailbox of the account and region in ``scope`` (an ARN)."""
    ways = gateways(work)
    leaves = {"sms": ways.sms, "application": ways.push}.get(letter.protocol, ways.mail)
    if leaves:
        work.later("sns.letter", letter)
        return
    put_mail(
        Letter(letter.protocol, letter.recipient, letter.subject, letter.body, letter.message_id, letter.topic),
        owner_of(scope),
        work,
    )
    if letter.delivery is not None:
        succeeded(letter.delivery, work)


def finish_letter(body: LetterDelivery, result: HttpResult, work: Work) -> None:
    """Take a gateway's answer: done, again later, or a dead letter."""
    delivery = body.delivery
    if result.delivered:
        if delivery is not None:
            succeeded(delivery, work, status=result.status, attempts=body.attempt)
        return
    delay = None if result.permanent else RETRIES.delay(body.attempt)
    if delay is not None:
        work.later("sns.letter", msgspec.structs.replace(body, attempt=body.attempt + 1), at=work.now + delay)
        return
    if body.protocol == "application":
        push_failed(body, result, work)
    if delivery is not None:
        failed(delivery, body.body, work, status=result.status, reason=result.error, attempts=body.attempt)
    elif body.topic:
        measure(body.topic, "NumberOfNotificationsFailed", work)
