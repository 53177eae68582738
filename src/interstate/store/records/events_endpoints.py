"""Global endpoints and partner event sources, as they survive."""

from datetime import datetime

import msgspec

from interstate.store.tables import Select, Table

PENDING, ACTIVE, DELETED = "PENDING", "ACTIVE", "DELETED"


class Endpoint(msgspec.Struct, frozen=True):
    """A global endpoint; ``buses`` are two ARNs, the first in its home region."""

    arn: str
    scope: str
    name: str
    endpoint_id: str
    health_check: str
    secondary: str
    replicates: bool
    buses: list[str]
    created: datetime
    modified: datetime
    description: str | None = None
    role_arn: str | None = None


class PartnerSource(msgspec.Struct, frozen=True):
    """A partner event source, offered by ``partner`` to ``account``."""

    arn: str
    account: str
    region: str
    name: str
    partner: str
    state: str
    created: datetime
    expires: datetime | None = None


ENDPOINTS = Table("events_endpoints", Endpoint, ("arn",), shared=True)
PARTNER_SOURCES = Table("events_partner_sources", PartnerSource, ("region", "name", "account"), shared=True)

ENDPOINTS_OF_SCOPE = Select(ENDPOINTS, "scope = :scope AND name > :after AND name >= :prefix", "name")
ENDPOINT_BY_ID = Select(ENDPOINTS, "endpoint_id = :endpoint_id", "endpoint_id")
SOURCES_OF_PARTNER = Select(
    PARTNER_SOURCES,
    "partner = :partner AND region = :region AND name >= :prefix AND name > :after",
    "name, account",
)
SOURCES_OF_CUSTOMER = Select(
    PARTNER_SOURCES, "account = :account AND region = :region AND name >= :prefix AND name > :after", "name"
)
ACCOUNTS_OF_SOURCE = Select(PARTNER_SOURCES, "region = :region AND name = :name AND account > :after", "account")


class SourceExpiry(msgspec.Struct, frozen=True):
    """A partner event source that nobody matched with a bus is deleted; body of the step "events.source_expiry"."""

    region: str
    name: str
    account: str
