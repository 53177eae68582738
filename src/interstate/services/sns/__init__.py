"""SNS: standard topics with subscriptions of queues, functions, HTTP endpoints, mail and short messages.

Source: botocore's model sns/2010-03-31; SNS API Reference.
"""

from interstate.services.operation import Effect, Operation, Service, Step
from interstate.services.sns import delivery, mailbox, publish, subscriptions, topics
from interstate.store.records.sns import Delivery, Drop, Fanout, HttpDelivery, MailConfirmation

SERVICE = Service(
    "sns",
    operations=(
        Operation("AddPermission", topics.AddPermission, topics.add_permission),
        Operation("ConfirmSubscription", subscriptions.ConfirmSubscription, subscriptions.confirm_subscription),
        Operation("CreateTopic", topics.CreateTopic, topics.create_topic),
        Operation("DeleteTopic", topics.TopicRequest, topics.delete_topic),
        Operation("GetSubscriptionAttributes", subscriptions.SubscriptionRequest,
                  subscriptions.get_subscription_attributes, reads=True),
        Operation("GetTopicAttributes", topics.TopicRequest, topics.get_topic_attributes, reads=True),
        Operation("ListSubscriptions", subscriptions.ListSubscriptions, subscriptions.list_subscriptions, reads=True),
        Operation("ListSubscriptionsByTopic", subscriptions.ListSubscriptionsByTopic,
                  subscriptions.list_subscriptions_by_topic, reads=True),
        Operation("ListTagsForResource", topics.ListTags, topics.list_tags_for_resource, reads=True),
        Operation("ListTopics", topics.ListTopics, topics.list_topics, reads=True),
        Operation("Publish", publish.Publish, publish.publish, keys=publish.keys_of_publish),
        Operation("PublishBatch", publish.PublishBatch, publish.publish_batch, keys=publish.keys_of_batch),
        Operation("RemovePermission", topics.RemovePermission, topics.remove_permission),
        Operation("SetSubscriptionAttributes", subscriptions.SetSubscriptionAttributes,
                  subscriptions.set_subscription_attributes),
        Operation("SetTopicAttributes", topics.SetTopicAttributes, topics.set_topic_attributes),
        Operation("Subscribe", subscriptions.Subscribe, subscriptions.subscribe),
        Operation("TagResource", topics.TagResource, topics.tag_resource),
        Operation("Unsubscribe", subscriptions.SubscriptionRequest, subscriptions.unsubscribe),
        Operation("UntagResource", topics.UntagResource, topics.untag_resource),
    ),
    steps=(
        Step("sns.delivery", Delivery, delivery.deliver),
        Step("sns.drop", Drop, topics.drop),
        Step("sns.fanout", Fanout, publish.fan_out),
        Step("sns.mail_confirmation", MailConfirmation, subscriptions.confirm_mail),
    ),
    effects=(Effect("sns.http", HttpDelivery, delivery.finish_http),),
    notes={
        "AddPermission": "Stored, not enforced.",
        "CreateTopic": "Standard topics; FIFO topics are refused.",
        "Publish": "Messages are not signed: `Signature` says so. To a phone number: into the local mailbox.",
        "Subscribe": "Queues, functions, HTTP(S), mail, SMS. Mail and SMS go to the local mailbox, which confirms by itself; "
        "mobile push and Firehose are refused.",
    },
)  # fmt: skip

# What AWS does not have: our own operations, called under their own service name.
INTERSTATE = Service("interstate", operations=(Operation("ListMail", mailbox.ListMail, mailbox.list_mail, reads=True),))

SERVICES = (SERVICE, INTERSTATE)
