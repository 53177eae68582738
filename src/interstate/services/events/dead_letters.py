"""Dead letters: what goes to a target's dead-letter queue, and what follows when that refuses, too.

Theory of operation
-------------------
A letter goes in the step in which its delivery ends. A queue that cannot take it now (throttled, a fault of the service) is
tried again with the back-off of deliveries, for a day; the letter waits as a row of its own, which needs neither rule nor
target any more. A queue that will not take it (gone, its policy does not let EventBridge in, the letter is too large) ends
it at once, as on AWS: the event is then only in the event log, its attempt says what the queue answered, and
``InvocationsFailedToBeSentToDlq`` counts it.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html; .../eb-monitoring.html
(InvocationsFailedToBeSentToDlq: "permissions errors, unavailable resources, or size limits").
"""

from enum import Enum

import msgspec

from interstate.base.arn import caller_of, parse_arn
from interstate.base.errors import ServiceError, ValidationException
from interstate.core.events.delivery import Failure, dead_letter_attributes
from interstate.core.events.delivery import failure_of as failure_of_call
from interstate.core.events.limits import EVENT_AGE_MAX
from interstate.store.ports import Work
from interstate.store.records.events import DeadLetter

PRINCIPAL = "events.amazonaws.com"


class Sent(Enum):
    """What became of a letter."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"


class Answer(msgspec.Struct, frozen=True):
    """What the queue did, and its refusal."""

    sent: Sent
    refusal: Failure | None = None


def check_dead_letter_arn(arn: str, region: str) -> None:
    """A dead-letter queue is a standard queue of the same region.

    Raises:
        ValidationException: it is none.
    """
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sqs":
        raise ValidationException(f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
    if parsed.resource.endswith(".fifo"):
        raise ValidationException(f"Parameter {arn} is not valid. Reason: FIFO queues cannot be dead-letter queues.")
    if parsed.region != region:
        raise ValidationException(
            f"Parameter {arn} is not valid. Reason: Dead-letter queues must be in the same Region."
        )


def send_letter(letter: DeadLetter, work: Work) -> Answer:
    """Send a dead letter to its queue."""
    arn = parse_arn(letter.queue)
    if arn is None:
        return Answer(Sent.REFUSED, Failure("NO_RESOURCE", f"{letter.queue} is not an ARN.", permanent=True))
    request = {
        "QueueUrl": f"http://localhost/{arn.account}/{arn.resource}",
        "MessageBody": bytes(letter.delivery.events[0].text).decode(),
        "MessageAttributes": dead_letter_attributes(
            rule_arn=letter.delivery.rule,
            target_arn=letter.target_arn,
            failure=Failure(letter.code, letter.message, permanent=True),
            retries=letter.delivery.retries,
            exhausted=letter.exhausted,
        ),
    }
    caller = caller_of(letter.queue).on_behalf_of(PRINCIPAL, source_arn=letter.delivery.rule)
    try:
        work.call("sqs", "SendMessage", request, caller=caller)
    except ServiceError as error:
        refusal = failure_of_call(error)
        if refusal.permanent or work.now - letter.since >= EVENT_AGE_MAX:
            return Answer(Sent.REFUSED, refusal)
        return Answer(Sent.LATER, refusal)
    return Answer(Sent.TAKEN)
