"""Which logs of which resource are delivered to which log group.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
"""

import msgspec

from interstate.store.tables import Select, Table


class DeliverySource(msgspec.Struct, frozen=True):
    """A resource that sends logs of one type."""

    scope: str  # account/region
    name: str
    resource: str
    service: str
    log_type: str
    tags: dict[str, str] = {}


class DeliveryDestination(msgspec.Struct, frozen=True):
    """A log group to which logs are delivered."""

    scope: str
    name: str
    group_arn: str
    output_format: str | None = None
    tags: dict[str, str] = {}


class LogDelivery(msgspec.Struct, frozen=True):
    """A source and a destination that belong together; what whoever logs needs of both stands here again."""

    id: str
    scope: str
    source: str
    destination_arn: str
    resource: str
    log_type: str
    group_arn: str
    record_fields: list[str] = []
    field_delimiter: str | None = None
    tags: dict[str, str] = {}


SOURCES = Table("log_delivery_sources", DeliverySource, ("scope", "name"), shared=True)
DESTINATIONS = Table("log_delivery_destinations", DeliveryDestination, ("scope", "name"), shared=True)
DELIVERIES = Table("log_deliveries", LogDelivery, ("id",), shared=True)

SOURCES_OF_SCOPE = Select(SOURCES, "scope = :scope AND name > :after", "name")
SOURCES_OF_RESOURCE = Select(SOURCES, "scope = :scope AND resource = :resource AND log_type = :log_type", "name")
DESTINATIONS_OF_SCOPE = Select(DESTINATIONS, "scope = :scope AND name > :after", "name")
DELIVERIES_OF_SCOPE = Select(DELIVERIES, "scope = :scope AND id > :after", "id")
DELIVERIES_OF_RESOURCE = Select(DELIVERIES, "resource = :resource", "id")
