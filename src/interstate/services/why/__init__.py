"""Why: one answer from events, rules, deliveries, executions and messages. Quotas, too. Nothing here is an API of AWS."""

from interstate.services.operation import Operation, Service
from interstate.services.why import asking, quotas, search, tail

SERVICE = Service(
    "interstate.why",
    operations=(
        Operation("GetEvent", asking.Asked, asking.get_event, reads=True),
        Operation("ListQuotas", quotas.ListQuotas, quotas.list_quotas, reads=True),
        Operation("SearchEvents", search.SearchEvents, search.search_events, reads=True),
        Operation("SearchExecutions", search.SearchExecutions, search.search_executions, reads=True),
        Operation("SetQuota", quotas.SetQuota, quotas.set_quota),
        Operation("TailEvents", tail.TailEvents, tail.tail_events),
        Operation("Why", asking.Asked, asking.why, reads=True),
    ),
)
