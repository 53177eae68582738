"""``interstate queues``: look into queues, move dead letters back, empty a queue."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from interstate.cli import options
from interstate.cli.aws import Aws
from interstate.cli.client import control

app = typer.Typer(no_args_is_help=True, help="Queues: what they hold, and their dead letters.")

Region = Annotated[str, typer.Option(help="Region of the queue.")]
Account = Annotated[str, typer.Option(help="Account of the queue.")]
Name = Annotated[str, typer.Argument(help="The queue's name.", show_default=False)]
_REGION, _ACCOUNT = "us-east-1", "000000000000"
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_BODY_MAX = 100


class _Queues(Aws):
    """SQS of a server."""

    def __init__(self, endpoint_url: str, region: str, account: str) -> None:
        super().__init__("sqs", endpoint_url, region, account)

    def url(self, name: str) -> str:
        url: str = self.call("get_queue_url", f"queue {name}", QueueName=name)["QueueUrl"]
        return url

    def attributes(self, url: str, *names: str) -> dict[str, str]:
        found: dict[str, str] = self.call("get_queue_attributes", QueueUrl=url, AttributeNames=list(names))[
            "Attributes"
        ]
        return found


@app.command("list")
def list_(
    prefix: Annotated[str, typer.Argument(help="Queues whose name begins so.")] = "",
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """List queues with their depths: visible, in flight, delayed."""
    queues = _Queues(endpoint_url, region, account)
    more: dict[str, Any] = {}
    while True:
        page = queues.call("list_queues", QueueNamePrefix=prefix, MaxResults=100, **more)
        if not more and not page.get("QueueUrls"):
            typer.echo(f"There are no queues whose name begins with {prefix}." if prefix else "There are no queues.")
            return
        if not more:
            typer.echo(f"{'visible':>9} {'in flight':>9} {'delayed':>9}  queue")
        for url in page.get("QueueUrls", []):
            found = queues.attributes(url, *_COUNTS)
            counts = " ".join(f"{found[name]:>9}" for name in _COUNTS)
            typer.echo(f"{counts}  {url.rsplit('/', 1)[-1]}")
        if "NextToken" not in page:
            return
        more = {"NextToken": page["NextToken"]}


@app.command()
def peek(
    name: Name,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="So many messages at most.")] = 10,
    full: Annotated[bool, typer.Option("--full", help="Whole bodies, however long.")] = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """Show a queue's messages without receiving them."""
    query = urlencode({"queue": name, "limit": limit, "region": region, "account": account})
    for message in control(endpoint_url, "GET", f"messages?{query}", about=f"queue {name}")["Messages"]:
        body = message["Body"] if full or len(message["Body"]) <= _BODY_MAX else message["Body"][:_BODY_MAX] + "..."
        group = f" group {message['MessageGroupId']}" if "MessageGroupId" in message else ""
        typer.echo(
            f"{message['SentAt']}  {message['State']:<9}  received {message['ReceiveCount']}x{group}  "
            f"{message['MessageId']}  {body}"
        )


@app.command()
def redrive(
    name: Annotated[str, typer.Argument(help="The dead-letter queue's name.", show_default=False)],
    to: Annotated[
        str, typer.Option(help="Queue to move to. Default: each message goes back to where it came from.")
    ] = "",
    rate: Annotated[int, typer.Option(min=0, max=500, help="Messages a second; 0 is as fast as it goes.")] = 0,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """Move the messages of a dead-letter queue back; the move goes on after this command has ended."""
    queues = _Queues(endpoint_url, region, account)
    request: dict[str, Any] = {"SourceArn": queues.attributes(queues.url(name), "QueueArn")["QueueArn"]}
    if to:
        request["DestinationArn"] = queues.attributes(queues.url(to), "QueueArn")["QueueArn"]
    if rate:
        request["MaxNumberOfMessagesPerSecond"] = rate
    queues.call("start_message_move_task", f"queue {name}", **request)
    (task,) = queues.call("list_message_move_tasks", SourceArn=request["SourceArn"])["Results"]
    typer.echo(
        f"{task['Status'].lower()}: {task['ApproximateNumberOfMessagesMoved']} of "
        f"{task['ApproximateNumberOfMessagesToMove']} messages moved"
    )


@app.command()
def purge(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """Delete every message of a queue."""
    queues = _Queues(endpoint_url, region, account)
    url = queues.url(name)
    if not yes:
        typer.confirm(f"Delete every message of {name}?", abort=True)
    queues.call("purge_queue", f"queue {name}", QueueUrl=url)
    typer.echo(f"{name} is empty.")
