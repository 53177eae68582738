"""``interstate metrics``: what was counted, with the last hour as a line."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from interstate.cli import options
from interstate.cli.client import control
from interstate.cli.why import ACCOUNT, REGION, Account, Region, console

_BARS = " ▁▂▃▄▅▆▇█"
_POINTS = 30
_PERIOD_S = 120
_QUERIES_A_CALL = 200
_STATISTICS = ("Sum", "SampleCount", "Maximum")
_PAGES_MAX = 20
"""Pages of 500 metrics that are shown at most."""


def metrics(
    namespace: Annotated[str, typer.Argument(help="Only this namespace, e.g. AWS/Events.", show_default=False)] = "",
    name: Annotated[str, typer.Argument(help="Only metrics of this name.", show_default=False)] = "",
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = REGION,
    account: Account = ACCOUNT,
) -> None:
    """Show CloudWatch's metrics: sum, average and maximum of the last hour, and its course."""
    from rich.table import Table  # noqa: PLC0415 other commands need not wait for it

    client = _client(endpoint_url, region, account)
    until = datetime.fromisoformat(control(endpoint_url, "GET", "clock")["now"]) + timedelta(minutes=1)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("namespace", "metric", "dimensions"):
        table.add_column(column, overflow="fold")
    for column in ("sum", "average", "maximum"):
        table.add_column(column, justify="right")
    table.add_column("last hour", no_wrap=True)
    found = sorted(_listed(client, namespace, name), key=_place)
    for first in range(0, len(found), _QUERIES_A_CALL // len(_STATISTICS)):
        page = found[first : first + _QUERIES_A_CALL // len(_STATISTICS)]
        for metric, values in zip(page, _values(client, page, until), strict=True):
            table.add_row(*_row(metric, values, until))
    if found:
        console().print(table)
    else:
        typer.echo("No such metric was counted in the last two weeks.")


def _place(metric: dict[str, Any]) -> tuple[str, str, str]:
    return metric["Namespace"], metric["MetricName"], _dimensions(metric)


def _dimensions(metric: dict[str, Any]) -> str:
    return ", ".join(f"{one['Name']}={one['Value']}" for one in metric["Dimensions"])


def _client(endpoint_url: str, region: str, account: str) -> Any:
    from botocore.session import Session  # noqa: PLC0415 a quarter of a second that other commands do not need

    return Session().create_client(
        "cloudwatch",
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID") or account,
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY") or "interstate",
    )


def _asked(client: Any, operation: str, **request: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 see above

    try:
        return getattr(client, operation)(**request)
    except (BotoCoreError, ClientError) as error:
        typer.echo(f"interstate: {error}", err=True)
        raise typer.Exit(1) from error


def _listed(client: Any, namespace: str, name: str) -> Iterator[dict[str, Any]]:
    request: dict[str, Any] = {"Namespace": namespace} if namespace else {}
    if name:
        request["MetricName"] = name
    for _ in range(_PAGES_MAX):
        page = _asked(client, "list_metrics", **request)
        yield from page["Metrics"]
        if "NextToken" not in page:
            return
        request["NextToken"] = page["NextToken"]
    typer.echo("There are more metrics; name a namespace.", err=True)


def _values(client: Any, page: Sequence[dict[str, Any]], until: datetime) -> list[dict[str, dict[datetime, float]]]:
    """For each metric, its statistics by the beginning of each period."""
    queries = [
        {"Id": f"q{at}_{statistic.lower()}", "MetricStat": {"Metric": metric, "Period": _PERIOD_S, "Stat": statistic}}
        for at, metric in enumerate(page)
        for statistic in _STATISTICS
    ]
    found: list[dict[str, dict[datetime, float]]] = [{} for _ in page]
    request: dict[str, Any] = {
        "MetricDataQueries": queries,
        "StartTime": until - timedelta(seconds=_PERIOD_S * _POINTS),
        "EndTime": until,
    }
    while True:
        answer = _asked(client, "get_metric_data", **request)
        for result in answer["MetricDataResults"]:
            at, _, statistic = result["Id"][1:].partition("_")
            points = dict(zip(result["Timestamps"], result["Values"], strict=True))
            found[int(at)].setdefault(statistic, {}).update(points)
        if "NextToken" not in answer:
            return found
        request["NextToken"] = answer["NextToken"]


def _row(metric: dict[str, Any], values: dict[str, dict[datetime, float]], until: datetime) -> list[str]:
    sums, counts, highest = (values.get(statistic.lower(), {}) for statistic in _STATISTICS)
    total, samples = sum(sums.values()), sum(counts.values())
    return [
        metric["Namespace"],
        metric["MetricName"],
        _dimensions(metric),
        f"{total:,.6g}",
        f"{total / samples:,.4g}" if samples else "",
        f"{max(highest.values()):,.6g}" if highest else "",
        sparkline(sums, until),
    ]


def sparkline(points: dict[datetime, float], until: datetime) -> str:
    """The last hour as a line of bars, one for two minutes; a blank where nothing was counted."""
    bars = [" "] * _POINTS
    top = max(points.values(), default=0.0)
    for at, value in points.items():
        place = _POINTS - 1 - int((until - at).total_seconds() - 1) // _PERIOD_S
        if 0 <= place < _POINTS:
            height = 1 if top <= 0 else max(1, round(value / top * (len(_BARS) - 1)))
            bars[place] = _BARS[height]
    return "".join(bars)
