"""``interstate serve``: the platform alone."""

from interstate.cli import options, starting
from interstate.config import DEFAULT_HOST, DEFAULT_PORT


def serve(
    port: options.Port = DEFAULT_PORT,
    host: options.Host = DEFAULT_HOST,
    data: options.Data = None,
    memory: options.Memory = False,
    database: options.Database = None,
    role: options.Role = "all",
    credentials: options.CredentialsFile = None,
    allow_host: options.AllowHost = None,
    clock: options.ClockMode = None,
    workers: options.Workers = None,
    mock_config: options.MockConfig = None,
    enforce_capacity: options.EnforceCapacity = False,
    smtp: options.Smtp = None,
    sms_gateway: options.SmsGateway = None,
    push_gateway: options.PushGateway = None,
    log_level: options.LogLevel = "warning",
) -> None:
    """Serve the AWS APIs on this machine until Ctrl-C."""
    starting.serve(
        {
            "port": port, "host": host, "data": data, "memory": memory, "database": database, "role": role,
            "credentials": credentials, "allow_host": allow_host, "clock": clock, "workers": workers,
            "mock_config": mock_config, "enforce_capacity": enforce_capacity, "log_level": log_level,
            "smtp": smtp, "sms_gateway": sms_gateway, "push_gateway": push_gateway,
        }
    )  # fmt: skip
