"""Integrations: what may stand behind a route, and what cannot here.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations.html
"""

import re
from collections.abc import Mapping
from typing import Final

from interstate.base.errors import NotImplementedHere
from interstate.services.apigateway.custom import action_of
from interstate.services.apigateway.direct import SUBTYPES, check_parameters
from interstate.services.apigateway.errors import BadRequestException
from interstate.services.apigateway.templates import check_template
from interstate.store.records.apigateway import Integration, IntegrationResponse

_FUNCTION_PATH: Final = re.compile(
    r"arn:aws[a-z-]*:apigateway:[^:]*:lambda:path/\d{4}-\d\d-\d\d/functions/(?P<function>.+)/invocations\Z"
)
_PASSTHROUGH: Final = frozenset({"WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"})
_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")


def substituted(uri: str, variables: Mapping[str, str]) -> str:
    """A URI with the stage's variables put in."""
    return _VARIABLE.sub(lambda found: variables.get(found[1], ""), uri)


def function_of(uri: str, variables: Mapping[str, str]) -> str | None:
    """The function that an integration's URI names: its ARN as it is, or inside API Gateway's own ARN.

    ``variables`` are the stage's.
    """
    text = substituted(uri, variables)
    found = _FUNCTION_PATH.match(text)
    if found is not None:
        return found["function"]
    return text if ":lambda:" in text and ":function:" in text else None


def check_integration(integration: Integration, where: str) -> None:
    """Check an integration before it is kept.

    Raises:
        BadRequestException: it cannot be used.
        NotImplementedHere: Interstate does not have its kind.
    """
    if integration.type not in {"AWS_PROXY", "MOCK"}:
        raise NotImplementedHere(f"integrations of type {integration.type} ({where})")
    if integration.templates:
        raise NotImplementedHere(f"VTL mapping templates ({where})")
    if integration.type == "MOCK":
        return
    if integration.subtype:
        if integration.subtype not in SUBTYPES:
            raise NotImplementedHere(f"the integration subtype {integration.subtype} ({where})")
        check_parameters(integration.subtype, integration.parameters)
        return
    if function_of(_VARIABLE.sub("x", integration.uri), {}) is None:
        raise BadRequestException(f"Invalid integration URI specified: {integration.uri} ({where})")
    if integration.parameters:
        raise NotImplementedHere(f"parameter mapping of integrations with functions ({where})")
    if integration.payload_version not in {"1.0", "2.0"}:
        raise BadRequestException(f"PayloadFormatVersion {integration.payload_version} is not supported ({where})")


def check_rest_integration(integration: Integration, where: str) -> None:
    """Check a REST API's integration before it is kept.

    Raises:
        BadRequestException: it cannot be used.
        NotImplementedHere: Interstate does not have its kind.
    """
    if integration.type not in {"AWS", "MOCK"}:
        check_integration(integration, where)
        return
    if integration.passthrough not in _PASSTHROUGH:
        raise BadRequestException("Invalid passthroughBehavior specified")
    for template in integration.templates.values():
        check_template(template, where)
    for response in integration.responses:
        check_response(response, where)
    if integration.type == "AWS":
        _check_custom(integration, where)


def check_response(response: IntegrationResponse, where: str) -> None:
    """Check an integration response before it is kept.

    Raises:
        BadRequestException: its pattern is no regular expression, or a template is none.
    """
    try:
        re.compile(response.pattern)
    except re.error as error:
        raise BadRequestException(f"Invalid selection pattern specified: {response.pattern} ({where})") from error
    for template in response.templates.values():
        check_template(template, where)


def _check_custom(integration: Integration, where: str) -> None:
    uri = _VARIABLE.sub("x", integration.uri)
    if function_of(uri, {}) is not None or action_of(uri) is not None:
        return
    if not uri.startswith("arn:"):
        raise BadRequestException(f"Invalid ARN specified in the request ({where})")
    raise NotImplementedHere(
        f"the integration {integration.uri}: AWS integrations call functions, and :action/ of states, events, dynamodb ({where})"
    )
