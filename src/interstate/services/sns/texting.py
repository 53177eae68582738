"""Short messages: sending, settings, numbers that opted out, and the sandbox.

An account is not in the sandbox here: every number may be sent to. The sandbox's numbers are kept all the same.

Source: SNS API Reference, SetSMSAttributes, OptInPhoneNumber, CreateSMSSandboxPhoneNumber and the operations beside them.
"""

from typing import Any

import msgspec

from interstate.core.topics.errors import OptedOutException, ResourceNotFoundException, VerificationException
from interstate.core.topics.sms import DEFAULTS, check_destination, check_number, check_settings
from interstate.services.sns.letters import send_letter
from interstate.services.sns.paging import place_after, token_after
from interstate.store.ports import Work
from interstate.store.records.sns import (
    OPT_OUTS,
    OPT_OUTS_OF_SCOPE,
    SANDBOX_NUMBERS,
    SANDBOX_OF_SCOPE,
    SMS_SETTINGS,
    LetterDelivery,
    OptOut,
    SandboxNumber,
    SmsSettings,
)

PAGE = 100
_DIGITS = "0123456789"


class SetAttributes(msgspec.Struct, frozen=True):
    attributes: dict[str, str]


class GetAttributes(msgspec.Struct, frozen=True):
    attributes: list[str] = []


class Number(msgspec.Struct, frozen=True, rename="camel"):
    phone_number: str


class OptedOutPage(msgspec.Struct, frozen=True, rename="camel"):
    next_token: str = ""


class SandboxRequest(msgspec.Struct, frozen=True, rename="pascal"):
    phone_number: str
    language_code: str = "en-US"
    one_time_password: str = ""


class Page(msgspec.Struct, frozen=True, rename="pascal"):
    next_token: str = ""
    max_results: int = PAGE


def _scope(work: Work) -> str:
    return f"{work.caller.account}/{work.caller.region}"


def short_message(
    number: str, text: str, subject: str | None, work: Work, *, settings: dict[str, str] | None = None
) -> str:
    """Send a text to a number; answers its id. ``settings`` say how (``AWS.SNS.SMS.SMSType``). A number that opted out gets nothing, and the call succeeds, as on AWS.

    Raises:
        InvalidParameterException: the number is none.
    """
    check_destination(number)
    message_id = work.entropy.uuid()
    if work.get(OPT_OUTS, _scope(work), number) is None:
        letter = LetterDelivery("sms", number, subject or "", text, message_id, attributes=settings or {})
        send_letter(letter, work.caller.arn("sns", "sms"), work)
    return message_id


# Settings ----------------------------------------------------------------------------------------------------------


def set_sms_attributes(request: SetAttributes, work: Work) -> dict[str, Any]:
    """Set some of the account's settings."""
    check_settings(request.attributes)
    before = work.get(SMS_SETTINGS, _scope(work))
    attributes = {**(before.attributes if before else {}), **request.attributes}
    work.put(SMS_SETTINGS, SmsSettings(_scope(work), attributes))
    return {}


def get_sms_attributes(request: GetAttributes, work: Work) -> dict[str, Any]:
    """The settings that are asked for, or all."""
    found = work.get(SMS_SETTINGS, _scope(work))
    attributes = {**DEFAULTS, **(found.attributes if found else {})}
    wanted = request.attributes or list(attributes)
    return {"attributes": {name: attributes[name] for name in wanted if name in attributes}}


# Opting out --------------------------------------------------------------------------------------------------------


def check_if_phone_number_is_opted_out(request: Number, work: Work) -> dict[str, Any]:
    """Whether a number opted out."""
    check_number(request.phone_number)
    return {"isOptedOut": work.get(OPT_OUTS, _scope(work), request.phone_number) is not None}


def list_phone_numbers_opted_out(request: OptedOutPage, work: Work) -> dict[str, Any]:
    """The numbers that opted out, a page at a time."""
    found = work.select(OPT_OUTS_OF_SCOPE, limit=PAGE + 1, scope=_scope(work), after=place_after(request.next_token))
    answer: dict[str, Any] = {"phoneNumbers": [entry.number for entry in found[:PAGE]]}
    if len(found) > PAGE:
        answer["nextToken"] = token_after(found[PAGE - 1].number)
    return answer


def opt_in_phone_number(request: Number, work: Work) -> dict[str, Any]:
    """Let a number get messages again; one that never opted out is no error."""
    check_number(request.phone_number)
    work.delete(OPT_OUTS, _scope(work), request.phone_number)
    return {}


def opt_out(request: Number, work: Work) -> dict[str, Any]:
    """What answering STOP does on AWS: our own operation, since a phone cannot answer here."""
    check_number(request.phone_number)
    work.put(OPT_OUTS, OptOut(_scope(work), request.phone_number))
    return {}


# The sandbox -------------------------------------------------------------------------------------------------------


def get_sms_sandbox_account_status(_request: msgspec.Struct, _work: Work) -> dict[str, Any]:
    """No account is in the sandbox."""
    return {"IsInSandbox": False}


def create_sms_sandbox_phone_number(request: SandboxRequest, work: Work) -> dict[str, Any]:
    """Add a number, and send it the password that verifies it."""
    check_number(request.phone_number)
    if work.get(OPT_OUTS, _scope(work), request.phone_number) is not None:
        raise OptedOutException(request.phone_number)
    password = work.entropy.text(6, _DIGITS)
    work.put(SANDBOX_NUMBERS, SandboxNumber(_scope(work), request.phone_number, password))
    text = f"Your verification code is {password}"
    letter = LetterDelivery("sms", request.phone_number, "", text, work.entropy.uuid())
    send_letter(letter, work.caller.arn("sns", "sms"), work)
    return {}


def _sandbox_number(number: str, work: Work) -> SandboxNumber:
    found = work.get(SANDBOX_NUMBERS, _scope(work), number)
    if found is None:
        raise ResourceNotFoundException("Phone number")
    return found


def verify_sms_sandbox_phone_number(request: SandboxRequest, work: Work) -> dict[str, Any]:
    """Verify a number by the password that was sent to it."""
    number = _sandbox_number(request.phone_number, work)
    if number.password != request.one_time_password:
        raise VerificationException
    work.put(SANDBOX_NUMBERS, msgspec.structs.replace(number, verified=True))
    return {}


def delete_sms_sandbox_phone_number(request: SandboxRequest, work: Work) -> dict[str, Any]:
    """Forget a number."""
    number = _sandbox_number(request.phone_number, work)
    work.delete(SANDBOX_NUMBERS, number.scope, number.number)
    return {}


def list_sms_sandbox_phone_numbers(request: Page, work: Work) -> dict[str, Any]:
    """The sandbox's numbers, a page at a time."""
    limit = request.max_results
    found = work.select(SANDBOX_OF_SCOPE, limit=limit + 1, scope=_scope(work), after=place_after(request.next_token))
    answer: dict[str, Any] = {
        "PhoneNumbers": [
            {"PhoneNumber": entry.number, "Status": "Verified" if entry.verified else "Pending"}
            for entry in found[:limit]
        ]
    }
    if len(found) > limit:
        answer["NextToken"] = token_after(found[limit - 1].number)
    return answer


def list_origination_numbers(request: Page, _work: Work) -> dict[str, Any]:
    """An account has none: numbers are leased from Amazon Pinpoint, which is not here."""
    place_after(request.next_token)
    return {"PhoneNumbers": []}
