"""Mobile push: applications, their endpoints, and messages to them.

Source: SNS API Reference, CreatePlatformApplication, CreatePlatformEndpoint and the operations beside them.
"""

from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.core.topics.errors import (
    EndpointDisabledException,
    InvalidParameterException,
    NotFoundException,
    PlatformApplicationDisabledException,
)
from interstate.core.topics.push import (
    check_application,
    check_application_attributes,
    check_endpoint_attributes,
    shown_application,
)
from interstate.services.sns.access import check_arn
from interstate.services.sns.happenings import CREATED, DELETED, UPDATED, tell
from interstate.services.sns.letters import send_letter
from interstate.services.sns.paging import place_after, token_after
from interstate.store.ports import Work
from interstate.store.records.sns import (
    APPLICATIONS,
    APPLICATIONS_OF_SCOPE,
    ENDPOINTS,
    ENDPOINTS_OF_APPLICATION,
    ENDPOINTS_OF_TOKEN,
    LetterDelivery,
    PlatformApplication,
    PlatformEndpoint,
)

PAGE = 100  # Source: ListPlatformApplications, "at most 100".


class CreatePlatformApplication(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    platform: str
    attributes: dict[str, str]


class ApplicationRequest(msgspec.Struct, frozen=True, rename="pascal"):
    platform_application_arn: str
    next_token: str = ""


class SetApplicationAttributes(msgspec.Struct, frozen=True, rename="pascal"):
    platform_application_arn: str
    attributes: dict[str, str]


class ListApplications(msgspec.Struct, frozen=True, rename="pascal"):
    next_token: str = ""


class CreatePlatformEndpoint(msgspec.Struct, frozen=True, rename="pascal"):
    platform_application_arn: str
    token: str
    custom_user_data: str | None = None
    attributes: dict[str, str] = {}


class EndpointRequest(msgspec.Struct, frozen=True, rename="pascal"):
    endpoint_arn: str


class SetEndpointAttributes(msgspec.Struct, frozen=True, rename="pascal"):
    endpoint_arn: str
    attributes: dict[str, str]


# Applications ------------------------------------------------------------------------------------------------------


def create_platform_application(request: CreatePlatformApplication, work: Work) -> dict[str, Any]:
    """Create an application, or set the attributes of the one that has this name."""
    check_application(request.name, request.platform, request.attributes)
    arn = work.caller.arn("sns", f"app/{request.platform}/{request.name}")
    scope = f"{work.caller.account}/{work.caller.region}"
    work.put(APPLICATIONS, PlatformApplication(arn, scope, request.attributes))
    return {"PlatformApplicationArn": arn}


def _application_at(arn: str, work: Work) -> PlatformApplication:
    check_arn("PlatformApplicationArn", arn)
    parsed = parse_arn(arn)
    assert parsed is not None
    if parsed.resource.count("/") != 2 or not parsed.resource.startswith("app/"):
        raise InvalidParameterException(
            "PlatformApplicationArn Reason: Wrong number of slashes in relative portion of the ARN."
        )
    application = work.get(APPLICATIONS, arn)
    if application is None:
        raise NotFoundException("PlatformApplication")
    return application


def list_platform_applications(request: ListApplications, work: Work) -> dict[str, Any]:
    """The caller's applications, a page at a time."""
    scope = f"{work.caller.account}/{work.caller.region}"
    found = work.select(APPLICATIONS_OF_SCOPE, limit=PAGE + 1, scope=scope, after=place_after(request.next_token))
    answer: dict[str, Any] = {
        "PlatformApplications": [
            {"PlatformApplicationArn": application.arn, "Attributes": shown_application(application.attributes)}
            for application in found[:PAGE]
        ]
    }
    if len(found) > PAGE:
        answer["NextToken"] = token_after(found[PAGE - 1].arn)
    return answer


def get_platform_application_attributes(request: ApplicationRequest, work: Work) -> dict[str, Any]:
    """What was set, but no secrets."""
    return {"Attributes": shown_application(_application_at(request.platform_application_arn, work).attributes)}


def set_platform_application_attributes(request: SetApplicationAttributes, work: Work) -> None:
    """Set some attributes."""
    application = _application_at(request.platform_application_arn, work)
    check_application_attributes(request.attributes)
    attributes = {**application.attributes, **request.attributes}
    work.put(APPLICATIONS, msgspec.structs.replace(application, attributes=attributes))


def delete_platform_application(request: ApplicationRequest, work: Work) -> None:
    """Forget an application; its endpoints stay, as on AWS. One that is not there is no error."""
    check_arn("PlatformApplicationArn", request.platform_application_arn)
    work.delete(APPLICATIONS, request.platform_application_arn)


# Endpoints ---------------------------------------------------------------------------------------------------------


def create_platform_endpoint(request: CreatePlatformEndpoint, work: Work) -> dict[str, Any]:
    """Register a device; the same token again answers the same.

    Raises:
        NotFoundException: there is no such application.
        InvalidParameterException: the token is registered with other attributes.
    """
    application = _application_at(request.platform_application_arn, work)
    attributes = dict(request.attributes)
    if request.custom_user_data is not None:
        attributes.setdefault("CustomUserData", request.custom_user_data)
    check_endpoint_attributes(attributes)
    if not request.token:
        raise InvalidParameterException("Token Reason: cannot be empty")
    attributes = {**attributes, "Enabled": attributes.get("Enabled", "true").lower(), "Token": request.token}
    found = work.select(ENDPOINTS_OF_TOKEN, limit=1, application=application.arn, token=request.token)
    if found:
        if found[0].attributes != attributes:
            raise InvalidParameterException(
                f"Token Reason: Endpoint {found[0].arn} already exists with the same Token, but different attributes."
            )
        return {"EndpointArn": found[0].arn}
    arn = f"{application.arn.replace(':app/', ':endpoint/', 1)}/{work.entropy.uuid()}"
    work.put(ENDPOINTS, PlatformEndpoint(arn, application.arn, request.token, attributes))
    tell(CREATED, arn, application.arn, work)
    return {"EndpointArn": arn}


def _endpoint_at(arn: str, work: Work) -> PlatformEndpoint:
    check_arn("EndpointArn", arn)
    endpoint = work.get(ENDPOINTS, arn)
    if endpoint is None:
        raise NotFoundException("Endpoint")
    return endpoint


def get_endpoint_attributes(request: EndpointRequest, work: Work) -> dict[str, Any]:
    """What was set."""
    return {"Attributes": _endpoint_at(request.endpoint_arn, work).attributes}


def set_endpoint_attributes(request: SetEndpointAttributes, work: Work) -> None:
    """Set some attributes; a new token moves the endpoint to another device."""
    endpoint = _endpoint_at(request.endpoint_arn, work)
    check_endpoint_attributes(request.attributes)
    given = {name: value.lower() if name == "Enabled" else value for name, value in request.attributes.items()}
    attributes = {**endpoint.attributes, **given}
    if attributes == endpoint.attributes:
        return
    work.put(ENDPOINTS, msgspec.structs.replace(endpoint, token=attributes["Token"], attributes=attributes))
    tell(UPDATED, endpoint.arn, endpoint.application, work)


def delete_endpoint(request: EndpointRequest, work: Work) -> None:
    """Forget a device; its subscriptions stay, as on AWS. One that is not there is no error."""
    check_arn("EndpointArn", request.endpoint_arn)
    endpoint = work.get(ENDPOINTS, request.endpoint_arn)
    if endpoint is None:
        return
    work.delete(ENDPOINTS, endpoint.arn)
    tell(DELETED, endpoint.arn, endpoint.application, work)


def list_endpoints_by_platform_application(request: ApplicationRequest, work: Work) -> dict[str, Any]:
    """An application's endpoints, a page at a time."""
    application = _application_at(request.platform_application_arn, work)
    found = work.select(
        ENDPOINTS_OF_APPLICATION, limit=PAGE + 1, application=application.arn, after=place_after(request.next_token)
    )
    answer: dict[str, Any] = {
        "Endpoints": [{"EndpointArn": endpoint.arn, "Attributes": endpoint.attributes} for endpoint in found[:PAGE]]
    }
    if len(found) > PAGE:
        answer["NextToken"] = token_after(found[PAGE - 1].arn)
    return answer


# Publishing --------------------------------------------------------------------------------------------------------


def is_endpoint(arn: str) -> bool:
    """Whether an ARN means a push endpoint."""
    return ":endpoint/" in arn


def platform_of(endpoint: str) -> str:
    """The platform of a push endpoint's ARN."""
    return endpoint.partition(":endpoint/")[2].partition("/")[0]


def push(arn: str, default: str, texts: dict[str, str], settings: dict[str, str], work: Work) -> str:
    """Send a message to one device; answers its id. ``settings`` say how (``AWS.SNS.MOBILE.APNS.TTL``).

    Raises:
        InvalidParameterException: there is no such endpoint.
        EndpointDisabledException: it is disabled.
        PlatformApplicationDisabledException: its application is.
    """
    endpoint = work.get(ENDPOINTS, arn)
    if endpoint is None:
        raise InvalidParameterException("TargetArn Reason: No endpoint found for the target arn specified")
    if not endpoint.enabled:
        raise EndpointDisabledException
    application = work.get(APPLICATIONS, endpoint.application)
    if application is not None and application.attributes.get("Enabled", "true").lower() == "false":
        raise PlatformApplicationDisabledException
    message_id = work.entropy.uuid()
    text = platform_text(endpoint, default, texts)
    attributes = {**settings, **device_of(endpoint)}
    letter = LetterDelivery("application", arn, "", text, message_id, attributes=attributes)
    send_letter(letter, arn, work)
    return message_id


def device_of(endpoint: PlatformEndpoint) -> dict[str, str]:
    """Which device it is, for the gateway."""
    return {"Token": endpoint.token, "PlatformApplicationArn": endpoint.application}


def platform_text(endpoint: PlatformEndpoint, default: str, texts: dict[str, str]) -> str:
    """What the endpoint's platform is told: the member of its name in a JSON message structure, else the default."""
    platform = endpoint.application.split(":app/", 1)[-1].partition("/")[0]
    return texts.get(platform) or texts.get({"FCM": "GCM"}.get(platform, "")) or default
