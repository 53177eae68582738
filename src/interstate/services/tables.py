"""The tables of all services that this version has."""

from importlib import import_module

from interstate.services.operation import Service

_PACKAGES = (
    "apigateway",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "events",
    "iam",
    "lambda_",
    "logs",
    "s3",
    "sns",
    "sqs",
    "states",
    "sts",
    "why",
)


def _load() -> tuple[Service, ...]:
    """Every package exports SERVICE, or SERVICES when it answers for several of botocore's names."""
    found: list[Service] = []
    for name in _PACKAGES:
        package = import_module(f"interstate.services.{name}")
        found.extend(getattr(package, "SERVICES", ()) or [getattr(package, "SERVICE", None)])
    return tuple(service for service in found if service is not None)


SERVICES = _load()
