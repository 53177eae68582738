"""Policies of queues and of topics: one document for several of them, or for one.

A queue or topic that the policy does not name any more has its default policy again, if it still stands.

Sources:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queueinlinepolicy.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topicpolicy.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topicinlinepolicy.html
"""

from collections.abc import Callable

from interstate.core.templates.properties import DOCUMENT, TEXT, TEXTS, Members, document_text
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType

GivePolicy = Callable[[Making, str, str], None]
"""Gives a queue or topic this policy; the empty text is the default one. Nothing happens if it is gone and the text is empty."""


def policy_type(name: str, owners: str, give: GivePolicy) -> ResourceType:
    """A policy of all that the property ``owners`` lists."""

    def put(making: Making) -> None:
        policy = document_text(making.get("PolicyDocument"))
        for owner in making.get(owners):
            give(making, owner, policy)

    def create(making: Making) -> Made:
        put(making)
        identity = making.generated(128)
        return Made(identity, {"Id": identity})

    def update(making: Making, before: Before) -> Made:
        for owner in before.properties[owners]:
            if owner not in making.get(owners):
                give(making, owner, "")
        put(making)
        return Made(before.physical_id, {"Id": before.physical_id})

    def delete(making: Making, before: Before) -> None:
        for owner in before.properties[owners]:
            give(making, owner, "")

    return ResourceType(
        name=name,
        properties=Members({"PolicyDocument": DOCUMENT, owners: TEXTS}, frozenset({"PolicyDocument", owners})),
        create=create,
        update=update,
        delete=delete,
        reference="an id",
        attributes=("Id",),
    )


def inline_policy_type(name: str, owner: str, give: GivePolicy, reference: str) -> ResourceType:
    """A policy of the one that the property ``owner`` names, which is its id as well."""

    def create(making: Making) -> Made:
        give(making, making.get(owner), document_text(making.get("PolicyDocument")))
        return Made(making.get(owner))

    def update(making: Making, before: Before) -> Made:
        del before  # The same queue or topic: another one is another resource.
        return create(making)

    def delete(making: Making, before: Before) -> None:
        give(making, before.properties[owner], "")

    return ResourceType(
        name=name,
        properties=Members({"PolicyDocument": DOCUMENT, owner: TEXT}, frozenset({"PolicyDocument", owner})),
        create=create,
        update=update,
        delete=delete,
        replaced_by=frozenset({owner}),
        reference=reference,
    )
