"""Source: SNS API Reference, CreatePlatformApplication, CreatePlatformEndpoint, SetSMSAttributes and the operations beside them"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.services import sns, sqs
from interstate.store.records.sns import HttpResult, LetterDelivery

NUMBER = "+821012345678"
CREDENTIAL = {"PlatformCredential": "secret"}


class Site:
    def __init__(self) -> None:
        self.letters: list[LetterDelivery] = []
        self.statuses: list[int] = []
        self.world = World((sns.SERVICE, sns.INTERSTATE, sqs.SERVICE), performers={"sns.letter": self._perform})

    def _perform(self, _key: str, body: LetterDelivery) -> HttpResult:
        self.letters.append(body)
        return HttpResult(self.statuses.pop(0) if self.statuses else 200)

    def sns(self, operation: str, **members: Any) -> Any:
        return self.world.call("sns", operation, members)

    def own(self, operation: str, **members: Any) -> Any:
        return self.world.call("interstate", operation, members)

    def gateways(self) -> None:
        self.own("SetNotificationGateways", name="own", mail=True, sms=True, push=True)

    def mails(self) -> list[tuple[str, str, str]]:
        self.world.run_due()
        return [(mail["protocol"], mail["recipient"], mail["body"]) for mail in self.own("ListMail")["mails"]]

    def application(self, platform: str = "GCM") -> str:
        request = {"Name": "shop", "Platform": platform, "Attributes": CREDENTIAL}
        arn: str = self.sns("CreatePlatformApplication", **request)["PlatformApplicationArn"]
        return arn

    def endpoint(self, token: str = "t", **members: Any) -> str:
        request = {"PlatformApplicationArn": self.application(), "Token": token, **members}
        arn: str = self.sns("CreatePlatformEndpoint", **request)["EndpointArn"]
        return arn


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.world.close()


# Mobile push ---------------------------------------------------------------------------------------------------------


def test_an_application_shows_no_secrets(site: Site) -> None:
    arn = site.application()
    assert arn == "arn:aws:sns:us-east-1:000000000000:app/GCM/shop"
    attributes = {"EventDeliveryFailure": "arn:aws:sns:us-east-1:000000000000:failures"}
    site.sns("SetPlatformApplicationAttributes", PlatformApplicationArn=arn, Attributes=attributes)
    shown = site.sns("GetPlatformApplicationAttributes", PlatformApplicationArn=arn)["Attributes"]
    assert shown == {"Enabled": "true", **attributes}
    listed = site.sns("ListPlatformApplications")["PlatformApplications"]
    assert listed == [{"PlatformApplicationArn": arn, "Attributes": shown}]
    for _ in range(2):
        site.sns("DeletePlatformApplication", PlatformApplicationArn=arn)
    with pytest.raises(ServiceError, match="PlatformApplication does not exist"):
        site.sns("GetPlatformApplicationAttributes", PlatformApplicationArn=arn)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"Name": ""}, "Name Reason: cannot be empty"),
        ({"Name": "x" * 257}, "at most 256 characters"),
        ({"Name": "a b"}, "must contain only characters"),
        ({"Platform": "PIGEON"}, "Platform Reason: PIGEON is not supported"),
        ({"Attributes": {}}, "Attributes Reason: cannot be empty"),
        ({"Attributes": {"PlatformPrincipal": "p"}}, "PlatformCredential is a required attribute"),
        ({"Attributes": {**CREDENTIAL, "Color": "red"}}, "Invalid attribute: Color"),
    ],
)
def test_what_is_no_application_is_refused(site: Site, members: dict[str, Any], fault: str) -> None:
    with pytest.raises(ServiceError, match=fault):
        site.sns("CreatePlatformApplication", **{"Name": "n", "Platform": "GCM", "Attributes": CREDENTIAL, **members})


def test_a_token_is_registered_once(site: Site) -> None:
    arn = site.endpoint(CustomUserData="Ann")
    assert site.endpoint(CustomUserData="Ann") == arn
    with pytest.raises(
        ServiceError, match=f"Endpoint {arn} already exists with the same Token, but different attributes"
    ):
        site.endpoint(CustomUserData="Bob")
    shown = site.sns("GetEndpointAttributes", EndpointArn=arn)["Attributes"]
    assert shown == {"Enabled": "true", "Token": "t", "CustomUserData": "Ann"}


def test_an_endpoint_is_changed_listed_and_forgotten(site: Site) -> None:
    arn = site.endpoint()
    site.sns("SetEndpointAttributes", EndpointArn=arn, Attributes={"Token": "new", "Enabled": "False"})
    application = site.application()
    (listed,) = site.sns("ListEndpointsByPlatformApplication", PlatformApplicationArn=application)["Endpoints"]
    assert listed == {"EndpointArn": arn, "Attributes": {"Token": "new", "Enabled": "false"}}
    assert site.endpoint("t") != arn
    for _ in range(2):
        site.sns("DeleteEndpoint", EndpointArn=arn)
    with pytest.raises(ServiceError, match="Endpoint does not exist"):
        site.sns("GetEndpointAttributes", EndpointArn=arn)


@pytest.mark.parametrize(
    "attributes", [{"Color": "red"}, {"Enabled": "maybe"}, {"CustomUserData": "x" * 2049}, {"Token": ""}]
)
def test_what_an_endpoint_cannot_have(site: Site, attributes: dict[str, str]) -> None:
    with pytest.raises(ServiceError, match="Invalid parameter: Attributes Reason"):
        site.sns("SetEndpointAttributes", EndpointArn=site.endpoint(), Attributes=attributes)


def test_a_push_is_told_what_its_platform_is_told(site: Site) -> None:
    arn = site.endpoint()
    site.sns("Publish", TargetArn=arn, Message='{"default": "d", "GCM": "for phones"}', MessageStructure="json")
    assert site.mails() == [("application", arn, "for phones")]


def test_a_disabled_endpoint_gets_nothing(site: Site) -> None:
    arn = site.endpoint(Attributes={"Enabled": "false"})
    with pytest.raises(ServiceError, match="Endpoint is disabled"):
        site.sns("Publish", TargetArn=arn, Message="m")
    application = site.application()
    site.sns("SetEndpointAttributes", EndpointArn=arn, Attributes={"Enabled": "true"})
    site.sns("SetPlatformApplicationAttributes", PlatformApplicationArn=application, Attributes={"Enabled": "false"})
    with pytest.raises(ServiceError, match="Platform application is disabled"):
        site.sns("Publish", TargetArn=arn, Message="m")


def test_a_topic_tells_devices(site: Site) -> None:
    arn, topic = site.endpoint(), site.sns("CreateTopic", Name="t")["TopicArn"]
    site.sns("Subscribe", TopicArn=topic, Protocol="application", Endpoint=arn)
    site.sns("Publish", TopicArn=topic, Message="hi")
    assert site.mails() == [("application", arn, "hi")]


# Short messages ------------------------------------------------------------------------------------------------------


def test_settings_are_kept_by_account_and_region(site: Site) -> None:
    site.sns("SetSMSAttributes", attributes={"DefaultSMSType": "Transactional", "DefaultSenderID": "Shop"})
    assert site.sns("GetSMSAttributes", attributes=["DefaultSMSType"]) == {
        "attributes": {"DefaultSMSType": "Transactional"}
    }
    other = site.world.call("sns", "GetSMSAttributes", {}, caller=Caller("000000000000", "eu-west-1"))
    assert other == {"attributes": {"MonthlySpendLimit": "1"}}


@pytest.mark.parametrize(
    "attributes",
    [{"Color": "red"}, {"DefaultSMSType": "Spam"}, {"DefaultSenderID": "123"}, {"MonthlySpendLimit": "much"}],
)
def test_what_cannot_be_set_is_refused(site: Site, attributes: dict[str, str]) -> None:
    with pytest.raises(ServiceError, match="Invalid parameter"):
        site.sns("SetSMSAttributes", attributes=attributes)


def test_a_number_that_opted_out_gets_nothing_until_it_is_back(site: Site) -> None:
    site.own("OptOutPhoneNumber", phoneNumber=NUMBER)
    assert site.sns("CheckIfPhoneNumberIsOptedOut", phoneNumber=NUMBER) == {"isOptedOut": True}
    assert site.sns("ListPhoneNumbersOptedOut") == {"phoneNumbers": [NUMBER]}
    topic = site.sns("CreateTopic", Name="t")["TopicArn"]
    site.sns("Subscribe", TopicArn=topic, Protocol="sms", Endpoint="+82 10-1234-5678")
    site.sns("Publish", PhoneNumber=NUMBER, Message="lost")
    site.sns("Publish", TopicArn=topic, Message="lost")
    assert site.mails() == []
    site.sns("OptInPhoneNumber", phoneNumber=NUMBER)
    site.sns("Publish", PhoneNumber=NUMBER, Message="hi")
    assert site.mails() == [("sms", NUMBER, "hi")]
    with pytest.raises(ServiceError, match="PhoneNumber Reason: input incorrectly formatted"):
        site.sns("OptInPhoneNumber", phoneNumber="home")


def test_the_sandbox_verifies_numbers_by_a_password(site: Site) -> None:
    assert site.sns("GetSMSSandboxAccountStatus") == {"IsInSandbox": False}
    site.sns("CreateSMSSandboxPhoneNumber", PhoneNumber=NUMBER)
    ((_, _, text),) = site.mails()
    assert site.sns("ListSMSSandboxPhoneNumbers") == {"PhoneNumbers": [{"PhoneNumber": NUMBER, "Status": "Pending"}]}
    with pytest.raises(ServiceError) as refused:
        site.sns("VerifySMSSandboxPhoneNumber", PhoneNumber=NUMBER, OneTimePassword="00000")
    assert refused.value.code == "VerificationException"
    site.sns("VerifySMSSandboxPhoneNumber", PhoneNumber=NUMBER, OneTimePassword=text[-6:])
    assert site.sns("ListSMSSandboxPhoneNumbers")["PhoneNumbers"][0]["Status"] == "Verified"
    site.sns("DeleteSMSSandboxPhoneNumber", PhoneNumber=NUMBER)
    with pytest.raises(ServiceError, match="Phone number does not exist"):
        site.sns("DeleteSMSSandboxPhoneNumber", PhoneNumber=NUMBER)
    assert site.sns("ListOriginationNumbers") == {"PhoneNumbers": []}


# Gateways ------------------------------------------------------------------------------------------------------------


def test_what_has_a_gateway_leaves_and_is_not_in_the_mailbox(site: Site) -> None:
    site.gateways()
    topic = site.sns("CreateTopic", Name="t")["TopicArn"]
    site.sns("Subscribe", TopicArn=topic, Protocol="email", Endpoint="a@example.com")
    site.sns("Publish", PhoneNumber=NUMBER, Message="hi")
    site.sns("Publish", TargetArn=site.endpoint(), Message="push")
    assert site.mails() == []
    assert [letter.protocol for letter in site.letters] == ["email", "sms", "application"]
    assert site.sns("ListSubscriptions")["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"


def test_a_gateway_that_fails_is_tried_again_under_the_same_id(site: Site) -> None:
    site.gateways()
    site.statuses = [0, 503, 200]
    site.sns("Publish", PhoneNumber=NUMBER, Message="hi")
    site.world.run_until_idle()
    assert len(site.letters) == 3
    assert len({letter.message_id for letter in site.letters}) == 1


def test_what_a_gateway_refuses_for_good_is_not_tried_again(site: Site) -> None:
    site.gateways()
    site.statuses = [400]
    site.sns("Publish", PhoneNumber=NUMBER, Message="hi")
    site.world.advance(timedelta(hours=7))
    assert len(site.letters) == 1


# Events of applications ----------------------------------------------------------------------------------------------


EVENTS = ("EndpointCreated", "EndpointUpdated", "EndpointDeleted", "DeliveryFailure")
TOKEN_IS_GONE = "Platform token associated with the endpoint is not valid"


def listening(site: Site) -> str:
    """An application whose events go to a queue."""
    queue = site.world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:q"
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}
    site.world.call("sqs", "SetQueueAttributes", {"QueueUrl": queue, "Attributes": {"Policy": dumps(policy)}})
    topic = site.sns("CreateTopic", Name="happenings")["TopicArn"]
    site.sns("Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn)
    attributes = {**CREDENTIAL, **{f"Event{event}": topic for event in EVENTS}}
    made: str = site.sns("CreatePlatformApplication", Name="shop", Platform="GCM", Attributes=attributes)[
        "PlatformApplicationArn"
    ]
    return made


def heard(site: Site) -> list[tuple[str, Any]]:
    site.world.run_due()
    found = []
    while messages := site.world.call("sqs", "ReceiveMessage", {"QueueUrl": "q"}).get("Messages"):
        envelope = loads(messages[0]["Body"])
        assert isinstance(envelope, dict)
        found.append((envelope["Subject"], loads(envelope["Message"])))
    return found


def test_topics_hear_what_happens_to_endpoints(site: Site) -> None:
    """Source: https://docs.aws.amazon.com/sns/latest/dg/application-event-notifications.html."""
    application = listening(site)
    endpoint = site.sns("CreatePlatformEndpoint", PlatformApplicationArn=application, Token="t")["EndpointArn"]
    site.sns("SetEndpointAttributes", EndpointArn=endpoint, Attributes={"CustomUserData": "u"})
    site.sns("SetEndpointAttributes", EndpointArn=endpoint, Attributes={"CustomUserData": "u"})  # Changes nothing.
    site.sns("CreatePlatformEndpoint", PlatformApplicationArn=application, Token="t", CustomUserData="u")
    for _ in range(2):
        site.sns("DeleteEndpoint", EndpointArn=endpoint)
    told = heard(site)
    assert [subject for subject, _ in told] == [f"{event} event for app shop (GCM)" for event in EVENTS[:3]]
    assert list(told[0][1]) == ["EndpointArn", "EventType", "Resource", "Service", "Time"]
    assert {**told[0][1], "Time": ""} == {
        "EndpointArn": endpoint,
        "EventType": "EndpointCreated",
        "Resource": application,
        "Service": "SNS",
        "Time": "",
    }


@pytest.mark.parametrize("status", [404, 410, 400])
def test_a_push_that_fails_for_good_is_told_and_a_dead_token_disables_its_endpoint(site: Site, status: int) -> None:
    """Source: https://www.repost.aws/questions/QUdzEMqm-kQ9iF1P8Vv74lTw; SetEndpointAttributes, Enabled."""
    site.gateways()
    application = listening(site)
    endpoint = site.sns("CreatePlatformEndpoint", PlatformApplicationArn=application, Token="t")["EndpointArn"]
    heard(site)
    site.statuses = [status]
    message = site.sns("Publish", TargetArn=endpoint, Message="hi")["MessageId"]
    site.world.run_due()
    (_, failure), *more = heard(site)
    assert (failure["EventType"], failure["DeliveryAttempts"], failure["MessageId"]) == ("DeliveryFailure", 1, message)
    dead = status != 400
    assert failure["FailureMessage"] == (TOKEN_IS_GONE if dead else "The push service answered 400")
    assert [event["EventType"] for _, event in more] == (["EndpointUpdated"] if dead else [])
    enabled = site.sns("GetEndpointAttributes", EndpointArn=endpoint)["Attributes"]["Enabled"]
    assert enabled == ("false" if dead else "true")


def test_an_event_for_a_topic_that_is_gone_holds_up_nothing(site: Site) -> None:
    application = listening(site)
    site.sns("DeleteTopic", TopicArn="arn:aws:sns:us-east-1:000000000000:happenings")
    assert site.sns("CreatePlatformEndpoint", PlatformApplicationArn=application, Token="t")["EndpointArn"]


# Reserved attributes -------------------------------------------------------------------------------------------------


SMS = {"AWS.SNS.SMS.SMSType": "Transactional", "AWS.SNS.SMS.SenderID": "Shop", "AWS.MM.SMS.EntityId": "1"}
PUSH = {"AWS.SNS.MOBILE.GCM.TTL": "60"}


def given(settings: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in settings.items()}


def test_reserved_attributes_say_how_a_message_is_sent(site: Site) -> None:
    """Sources: https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html,
    https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html (reserved attributes for mobile push)."""
    site.gateways()
    endpoint = site.endpoint()
    topic = site.sns("CreateTopic", Name="t")["TopicArn"]
    site.sns("Subscribe", TopicArn=topic, Protocol="sms", Endpoint=NUMBER)
    site.sns("Subscribe", TopicArn=topic, Protocol="application", Endpoint=endpoint)
    for place in ({"PhoneNumber": NUMBER}, {"TargetArn": endpoint}, {"TopicArn": topic}):
        site.sns("Publish", Message="hi", MessageAttributes=given({**SMS, **PUSH}), **place)
    site.world.run_due()
    assert sorted(letter.protocol for letter in site.letters) == ["application", "application", "sms", "sms"]
    for letter in site.letters:
        assert letter.attributes.items() >= {**SMS, **PUSH}.items()
        assert (letter.attributes.get("Token") == "t") == (letter.protocol == "application")


def test_a_queue_gets_no_reserved_attributes_with_raw_delivery(site: Site) -> None:
    """Queues take no names that begin with AWS. (SQS Developer Guide, message attributes)."""
    listening(site)
    topic = "arn:aws:sns:us-east-1:000000000000:happenings"
    subscription = site.sns("ListSubscriptions")["Subscriptions"][0]["SubscriptionArn"]
    raw = {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"}
    site.sns("SetSubscriptionAttributes", SubscriptionArn=subscription, **raw)
    site.sns("Publish", TopicArn=topic, Message="hi", MessageAttributes=given({**SMS, "color": "red"}))
    site.world.run_due()
    request = {"QueueUrl": "q", "MessageAttributeNames": ["All"]}
    (message,) = site.world.call("sqs", "ReceiveMessage", request)["Messages"]
    assert list(message["MessageAttributes"]) == ["color"]


@pytest.mark.parametrize("name", ["AWS.foo", "Amazon.SNS.SMS.x", "aws.sns.sms.SenderID", "AWS.SNS.SMS."])
def test_other_names_of_aws_are_refused(site: Site, name: str) -> None:
    topic = site.sns("CreateTopic", Name="t")["TopicArn"]
    with pytest.raises(ServiceError) as refused:
        site.sns("Publish", TopicArn=topic, Message="hi", MessageAttributes=given({name: "x"}))
    assert refused.value.code == "InvalidParameterValueException"
