"""SNS: topics, standard and FIFO, and everybody whom they tell.

Source: botocore's model sns/2010-03-31; SNS API Reference.
"""

from interstate.services.operation import Effect, Operation, Service, Step
from interstate.services.sns import (
    archive,
    configuring,
    confirming,
    delivery,
    fanning,
    letters,
    links,
    mailbox,
    numbering,
    permissions,
    publish,
    push,
    signatures,
    subscriptions,
    tags,
    texting,
    topics,
)
from interstate.store.records import sns as records

SERVICE = Service(
    "sns",
    operations=(
        Operation("AddPermission", permissions.AddPermission, permissions.add_permission),
        Operation("CheckIfPhoneNumberIsOptedOut", texting.Number, texting.check_if_phone_number_is_opted_out, reads=True),
        Operation("ConfirmSubscription", confirming.ConfirmSubscription, confirming.confirm_subscription),
        Operation("CreatePlatformApplication", push.CreatePlatformApplication, push.create_platform_application),
        Operation("CreatePlatformEndpoint", push.CreatePlatformEndpoint, push.create_platform_endpoint),
        Operation("CreateSMSSandboxPhoneNumber", texting.SandboxRequest, texting.create_sms_sandbox_phone_number),
        Operation("CreateTopic", topics.CreateTopic, topics.create_topic),
        Operation("DeleteEndpoint", push.EndpointRequest, push.delete_endpoint),
        Operation("DeletePlatformApplication", push.ApplicationRequest, push.delete_platform_application),
        Operation("DeleteSMSSandboxPhoneNumber", texting.SandboxRequest, texting.delete_sms_sandbox_phone_number),
        Operation("DeleteTopic", topics.TopicRequest, topics.delete_topic),
        Operation("GetDataProtectionPolicy", topics.DataProtection, topics.get_data_protection_policy, reads=True),
        Operation("GetEndpointAttributes", push.EndpointRequest, push.get_endpoint_attributes, reads=True),
        Operation("GetPlatformApplicationAttributes", push.ApplicationRequest,
                  push.get_platform_application_attributes, reads=True),
        Operation("GetSMSAttributes", texting.GetAttributes, texting.get_sms_attributes, reads=True),
        Operation("GetSMSSandboxAccountStatus", texting.Page, texting.get_sms_sandbox_account_status, reads=True),
        Operation("GetSubscriptionAttributes", subscriptions.SubscriptionRequest,
                  subscriptions.get_subscription_attributes, reads=True),
        Operation("GetTopicAttributes", topics.TopicRequest, topics.get_topic_attributes, reads=True),
        Operation("ListEndpointsByPlatformApplication", push.ApplicationRequest,
                  push.list_endpoints_by_platform_application, reads=True),
        Operation("ListOriginationNumbers", texting.Page, texting.list_origination_numbers, reads=True),
        Operation("ListPhoneNumbersOptedOut", texting.OptedOutPage, texting.list_phone_numbers_opted_out, reads=True),
        Operation("ListPlatformApplications", push.ListApplications, push.list_platform_applications, reads=True),
        Operation("ListSMSSandboxPhoneNumbers", texting.Page, texting.list_sms_sandbox_phone_numbers, reads=True),
        Operation("ListSubscriptions", subscriptions.ListSubscriptions, subscriptions.list_subscriptions, reads=True),
        Operation("ListSubscriptionsByTopic", subscriptions.ListSubscriptionsByTopic,
                  subscriptions.list_subscriptions_by_topic, reads=True),
        Operation("ListTagsForResource", tags.ListTags, tags.list_tags_for_resource, reads=True),
        Operation("ListTopics", topics.ListTopics, topics.list_topics, reads=True),
        Operation("OptInPhoneNumber", texting.Number, texting.opt_in_phone_number),
        Operation("Publish", publish.Publish, publish.publish, keys=publish.keys_of_publish),
        Operation("PublishBatch", publish.PublishBatch, publish.publish_batch, keys=publish.keys_of_batch),
        Operation("PutDataProtectionPolicy", topics.DataProtection, topics.put_data_protection_policy),
        Operation("RemovePermission", permissions.RemovePermission, permissions.remove_permission),
        Operation("SetEndpointAttributes", push.SetEndpointAttributes, push.set_endpoint_attributes),
        Operation("SetPlatformApplicationAttributes", push.SetApplicationAttributes,
                  push.set_platform_application_attributes),
        Operation("SetSMSAttributes", texting.SetAttributes, texting.set_sms_attributes),
        Operation("SetSubscriptionAttributes", subscriptions.SetSubscriptionAttributes,
                  subscriptions.set_subscription_attributes),
        Operation("SetTopicAttributes", topics.SetTopicAttributes, topics.set_topic_attributes),
        Operation("Subscribe", subscriptions.Subscribe, subscriptions.subscribe),
        Operation("TagResource", tags.TagResource, tags.tag_resource),
        Operation("Unsubscribe", subscriptions.SubscriptionRequest, subscriptions.unsubscribe),
        Operation("UntagResource", tags.UntagResource, tags.untag_resource),
        Operation("VerifySMSSandboxPhoneNumber", texting.SandboxRequest, texting.verify_sms_sandbox_phone_number),
    ),
    steps=(
        Step("sns.delivery", records.Delivery, delivery.deliver),
        Step("sns.drop", records.Drop, topics.drop),
        Step("sns.expire", records.Expire, confirming.expire, pulls=False),
        Step("sns.fanout", records.Fanout, fanning.fan_out),
        Step("sns.forget", records.Forget, numbering.forget, pulls=False),
        Step("sns.mail_confirmation", records.MailConfirmation, confirming.confirm_mail),
        Step("sns.replay", records.Replay, archive.replay),
        Step("sns.sweep_archive", records.SweepArchive, archive.sweep, pulls=False),
    ),
    effects=(
        Effect("sns.http", records.HttpDelivery, delivery.finish_http),
        Effect("sns.letter", records.LetterDelivery, letters.finish_letter),
    ),
    notes={
        "CreatePlatformApplication": "Messages to devices go to the gateway of `--push-gateway`, else to the local mailbox.",
        "CreateTopic": "Standard and FIFO. `KmsMasterKeyId` and `TracingConfig` are kept and shown; nothing is encrypted or traced.",
        "Publish": "Signed with a key of this instance. SMS go to the gateway of `--sms-gateway`, else to the local mailbox.",
        "PutDataProtectionPolicy": "Refused: messages are neither audited nor masked.",
        "Subscribe": "Mail goes to the server of `--smtp`, else to the local mailbox, which confirms by itself; Firehose is refused.",
    },
)  # fmt: skip

# What AWS does not have: our own operations, called under their own service name.
INTERSTATE = Service(
    "interstate",
    operations=(
        Operation("ListMail", mailbox.ListMail, mailbox.list_mail, reads=True),
        Operation("OptOutPhoneNumber", texting.Number, texting.opt_out),
        Operation("SetNotificationGateways", records.Gateways, configuring.set_gateways),
    ),
)

# Addresses that stand in messages: the certificate, and the links that confirm and end subscriptions.
CERTIFICATE = Service(
    "sns-certificate",
    operations=(Operation("Invoke", signatures.CertificateRequest, signatures.read_certificate, reads=True),),
)
LINKS = Service("sns-link", operations=(Operation("Invoke", links.Link, links.open_link),))

SERVICES = (SERVICE, INTERSTATE, CERTIFICATE, LINKS)
