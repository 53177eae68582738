"""Integrations: what may stand behind a route, and what cannot here.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations.html
"""

import re
from collections.abc import Mapping
from typing import Final

from interstate.base.errors import NotImplementedHere
from interstate.services.apigateway.direct import SUBTYPES, check_parameters
from interstate.services.apigateway.errors import BadRequestException
from interstate.store.records.apigateway import Integration

_FUNCTION_PATH: Final = re.compile(
    r"arn:aws[a-z-]*:apigateway:[^:]*:lambda:path/\d{4}-\d\d-\d\d/functions/(?P<function>.+)/invocations\Z"
)
_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")


def function_of(uri: str, variables: Mapping[str, str]) -> str | None:
    """The function that an integration's URI names: its ARN as it is, or inside API Gateway's own ARN.

    ``variables`` are the stage's.
    """
    text = _VARIABLE.sub(lambda found: variables.get(found[1], ""), uri)
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
