"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Port = Annotated[int, typer.Option("--port", "-p", help="Port to listen at; 0 takes a free one.")]
Host = Annotated[str, typer.Option(help="Address to listen at. Anything but loopback needs --credentials.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Directory that keeps everything. Default: .interstate/data in the current directory."),
]
Memory = Annotated[bool, typer.Option("--memory", help="Keep everything in memory; it is gone when the server stops.")]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="PostgreSQL database, shared by any number of nodes: postgresql://user@host/name."
    ),
]
Role = Annotated[
    str,
    typer.Option(
        metavar="api|work|all",
        help="With --database: answer calls and leave the work to other nodes, do the work, or both.",
    ),
]
CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials", metavar="FILE", help="AWS credentials file; requests must be signed with one of its keys."
    ),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host", metavar="NAME", help="Also answer to this host name (.example.org: all below it). Repeatable."
    ),
]
EnforceCapacity = Annotated[
    bool,
    typer.Option(
        "--enforce-capacity", help="DynamoDB tables throttle above their capacity, EventBridge above its rates."
    ),
]
ClockMode = Annotated[
    str | None,
    typer.Option(
        "--clock", metavar="real|frozen|skip", help="Business time: real, standing, or skipping to what is due next."
    ),
]
Workers = Annotated[int | None, typer.Option(help="Function processes at most. Default: 2 x cores + 4.")]
MockConfig = Annotated[
    Path | None,
    typer.Option(
        "--mock-config",
        envvar="SFN_MOCK_CONFIG",
        metavar="FILE",
        help="MockConfigFile.json: mocked Tasks of state machines.",
    ),
]
Smtp = Annotated[
    str | None,
    typer.Option("--smtp", metavar="HOST:PORT", help="Mail server that sends SNS's mails. Default: the local mailbox."),
]
SmsGateway = Annotated[
    str | None,
    typer.Option("--sms-gateway", metavar="URL", help="Where short messages are posted. Default: the local mailbox."),
]
PushGateway = Annotated[
    str | None,
    typer.Option("--push-gateway", metavar="URL", help="Where mobile pushes are posted. Default: the local mailbox."),
]
LogLevel = Annotated[str, typer.Option(help="debug, info, warning or error.")]
EndpointUrl = Annotated[
    str, typer.Option("--endpoint-url", envvar="AWS_ENDPOINT_URL", metavar="URL", help="Address of the server.")
]
DEFAULT_ENDPOINT = "http://127.0.0.1:4566"
