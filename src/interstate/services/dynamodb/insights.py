"""Contributor insights: kept and described; who contributes is not counted.

Source: DynamoDB API Reference, UpdateContributorInsights, DescribeContributorInsights, ListContributorInsights.
"""

from typing import Any

import msgspec

from interstate.base.errors import ValidationException
from interstate.core.tables.schema import Index, Insights, TableDefinition
from interstate.services.dynamodb.errors import ResourceNotFoundException
from interstate.services.dynamodb.locate import described_table
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLES, TABLES_OF_SCOPE, ItemTable

LIST_MAX = 100
MODE = "ACCESSED_AND_THROTTLED_KEYS"
_RULES = ("PKC", "PKT")
_SORTED_RULES = ("SKC", "SKT")


class UpdateContributorInsights(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    contributor_insights_action: str
    index_name: str | None = None
    contributor_insights_mode: str | None = None


class DescribeContributorInsights(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    index_name: str | None = None


class ListContributorInsights(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str | None = None
    next_token: str = ""
    max_results: int = LIST_MAX


def _of(table: ItemTable, index_name: str | None) -> TableDefinition | Index:
    if index_name is None:
        return table.definition
    index = table.definition.index(index_name)
    if index is None or not index.is_global:
        raise ResourceNotFoundException(f"Index: {index_name} not found")
    return index


def update_contributor_insights(request: UpdateContributorInsights, work: Work) -> dict[str, Any]:
    """Turn the insights of a table or a global index on or off.

    Raises:
        ResourceNotFoundException: there is no such table or index.
    """
    table = described_table(request.table_name, work, "UpdateContributorInsights")
    one = _of(table, request.index_name)
    enabled = request.contributor_insights_action == "ENABLE"
    mode = request.contributor_insights_mode or (one.insights.mode if one.insights else MODE)
    insights = Insights(enabled, mode, work.now)
    definition = table.definition
    if isinstance(one, Index):
        changed = msgspec.structs.replace(one, insights=insights)
        indexes = tuple(changed if index.id == one.id else index for index in definition.indexes)
        definition = msgspec.structs.replace(definition, indexes=indexes)
    else:
        definition = msgspec.structs.replace(definition, insights=insights)
    work.put(ITEM_TABLES, msgspec.structs.replace(table, definition=definition))
    answer = {
        "TableName": table.name,
        "ContributorInsightsStatus": "ENABLING" if enabled else "DISABLING",
        "ContributorInsightsMode": mode,
    }
    return answer if request.index_name is None else {**answer, "IndexName": request.index_name}


def describe_contributor_insights(request: DescribeContributorInsights, work: Work) -> dict[str, Any]:
    """Whether the insights of a table or a global index are on, and their rules.

    Raises:
        ResourceNotFoundException: there is no such table or index.
    """
    table = described_table(request.table_name, work, "DescribeContributorInsights")
    one = _of(table, request.index_name)
    answer: dict[str, Any] = {"TableName": table.name}
    if request.index_name is not None:
        answer["IndexName"] = request.index_name
    insights = one.insights
    answer["ContributorInsightsStatus"] = "ENABLED" if insights and insights.enabled else "DISABLED"
    if insights is not None:
        answer["LastUpdateDateTime"] = insights.changed
        answer["ContributorInsightsMode"] = insights.mode
        if insights.enabled:
            answer["ContributorInsightsRuleList"] = _rules(table, one, insights)
    return answer


def _rules(table: ItemTable, one: TableDefinition | Index, insights: Insights) -> list[str]:
    rules = (*_RULES, *(_SORTED_RULES if one.key.sort is not None else ()))
    if insights.mode == "THROTTLED_KEYS":
        rules = tuple(rule for rule in rules if rule.endswith("T"))
    subject = f"table/{table.name}" + (f"/index/{one.name}" if isinstance(one, Index) else "")
    return [
        f"DynamoDBContributorInsights-{rule}-{subject.replace('table/', '').replace('/index/', '-')}" for rule in rules
    ]


def list_contributor_insights(request: ListContributorInsights, work: Work) -> dict[str, Any]:
    """All tables and global indexes whose insights were ever turned on.

    Raises:
        ResourceNotFoundException: there is no such table.
    """
    if request.max_results < 0:
        raise ValidationException("MaxResults must not be negative")
    limit = request.max_results or LIST_MAX
    if request.table_name is not None:
        tables = [described_table(request.table_name, work, "ListContributorInsights")]
    else:
        scope = f"{work.caller.account}/{work.caller.region}"
        tables = work.select(TABLES_OF_SCOPE, limit=limit + 1, scope=scope, after=request.next_token)
    more = len(tables) > limit
    tables = tables[:limit]
    answer: dict[str, Any] = {"ContributorInsightsSummaries": [one for table in tables for one in _summaries(table)]}
    if more:
        answer["NextToken"] = tables[-1].name
    return answer


def _summaries(table: ItemTable) -> list[dict[str, Any]]:
    found = []
    parts: tuple[TableDefinition | Index, ...] = (table.definition, *table.definition.indexes)
    for one in parts:
        if one.insights is not None:
            summary = {
                "TableName": table.name,
                "ContributorInsightsStatus": "ENABLED" if one.insights.enabled else "DISABLED",
                "ContributorInsightsMode": one.insights.mode,
            }
            found.append({**summary, "IndexName": one.name} if isinstance(one, Index) else summary)
    return found
