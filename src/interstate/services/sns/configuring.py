"""What a server tells its instance about itself at each start."""

from interstate.store.ports import Work
from interstate.store.records.sns import GATEWAYS, Gateways


def set_gateways(request: Gateways, work: Work) -> None:
    """Keep how this server is reached, and which messages leave it."""
    if work.get(GATEWAYS, request.name) != request:
        work.put(GATEWAYS, request)
