"""What other accounts may do to a function, and the address of its code.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html;
https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html (a link "that's valid for 10 minutes")
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.services.lambda_.conftest import zipped

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError

ARN = "arn:aws:lambda:us-east-1:000000000000:function:Ship"
OTHER = Caller(account="111111111111")

# Operation, its parameters beside the function.
OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    ("GetFunction", {}),
    ("GetFunctionConfiguration", {}),
    ("UpdateFunctionConfiguration", {"Timeout": 5}),
    ("PublishVersion", {}),
    ("DeleteFunction", {}),
    ("AddPermission", {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}),
    ("GetPolicy", {}),
    ("PutFunctionConcurrency", {"ReservedConcurrentExecutions": 1}),
]


@pytest.mark.parametrize(("operation", "parameters"), OPERATIONS, ids=[row[0] for row in OPERATIONS])
def test_another_account_needs_a_statement_for_the_operation(
    cloud: Any, operation: str, parameters: dict[str, Any]
) -> None:
    cloud.create("Ship")
    with pytest.raises(ServiceError) as refused:
        cloud.world.call("lambda", operation, {"FunctionName": ARN, **parameters}, caller=OTHER)
    action = f"lambda:{operation}"
    assert refused.value.code == "AccessDeniedException"
    assert refused.value.message == (
        f"User: arn:aws:iam::111111111111:root is not authorized to perform: {action} on resource: {ARN} because no "
        f"resource-based policy allows the {action} action"
    )


def test_a_statement_lets_another_account_look(cloud: Any) -> None:
    cloud.create("Ship")
    permission = {"StatementId": "s", "Action": "lambda:GetFunction", "Principal": "111111111111"}
    cloud.call("AddPermission", FunctionName="Ship", **permission)
    shown = cloud.world.call("lambda", "GetFunction", {"FunctionName": ARN}, caller=OTHER)
    assert shown["Configuration"]["FunctionName"] == "Ship"
    with pytest.raises(ServiceError, match="not authorized to perform: lambda:DeleteFunction"):
        cloud.world.call("lambda", "DeleteFunction", {"FunctionName": ARN}, caller=OTHER)


def test_tags_and_mappings_of_another_account_are_out_of_reach(cloud: Any) -> None:
    cloud.create("Ship")
    uuid = cloud.call("CreateEventSourceMapping", EventSourceArn=cloud.queue("q"), FunctionName="Ship")["UUID"]
    with pytest.raises(ServiceError) as refused:
        cloud.world.call("lambda", "ListTags", {"Resource": ARN}, caller=OTHER)
    assert refused.value.code == "AccessDeniedException"
    with pytest.raises(ServiceError) as missing:
        cloud.world.call("lambda", "DeleteEventSourceMapping", {"UUID": uuid}, caller=OTHER)
    assert missing.value.code == "ResourceNotFoundException"


def fetched(cloud: Any, address: str) -> tuple[int, bytes]:
    parts = urlsplit(address)
    request = {"Name": parts.path.rpartition("/")[2], "RawQuery": parts.query}
    answer = cloud.world.call("lambda-code", "Invoke", request)
    return answer["StatusCode"], answer["Body"]


def test_code_can_be_downloaded_for_ten_minutes(cloud: Any) -> None:
    cloud.create("Ship")
    code = cloud.call("GetFunction", FunctionName="Ship")["Code"]
    status, content = fetched(cloud, code["Location"])
    assert (status, len(content)) == (200, cloud.call("GetFunction", FunctionName="Ship")["Configuration"]["CodeSize"])
    assert fetched(cloud, code["Location"].replace("Expires=1", "Expires=2"))[0] == 403
    cloud.world.advance(timedelta(minutes=11))
    assert fetched(cloud, code["Location"])[0] == 403


def test_a_layers_content_can_be_downloaded(cloud: Any) -> None:
    cloud.create("Ship")
    location = cloud.call("GetFunction", FunctionName="Ship")["Code"]["Location"]
    content = fetched(cloud, location)[1]
    layer = cloud.call("PublishLayerVersion", LayerName="shared", Content={"ZipFile": content})
    assert fetched(cloud, layer["Content"]["Location"]) == (200, content)


LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:shared"
FOREIGN: list[tuple[str, dict[str, Any], str]] = [
    ("GetLayerVersion", {"LayerName": LAYER, "VersionNumber": 1}, "GetLayerVersion"),
    ("GetLayerVersionByArn", {"Arn": f"{LAYER}:1"}, "GetLayerVersion"),
    ("GetLayerVersionByArn", {"Arn": f"{LAYER}:9"}, "GetLayerVersion"),
    ("ListLayerVersions", {"LayerName": LAYER}, "ListLayerVersions"),
    ("DeleteLayerVersion", {"LayerName": LAYER, "VersionNumber": 1}, "DeleteLayerVersion"),
    ("PublishLayerVersion", {"LayerName": LAYER, "Content": {"ZipFile": zipped(a="")}}, "PublishLayerVersion"),
    ("GetLayerVersionPolicy", {"LayerName": LAYER, "VersionNumber": 1}, "GetLayerVersionPolicy"),
    ("CreateFunction", {"FunctionName": "Own", "Runtime": "python3.12", "Role": "arn:aws:iam::111111111111:role/r",
                        "Handler": "a.b", "Code": {"ZipFile": zipped(a="")}, "Layers": [f"{LAYER}:1"]}, "GetLayerVersion"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "parameters", "action"), FOREIGN, ids=range(len(FOREIGN)))
def test_a_layer_of_another_account_is_out_of_reach(
    cloud: Any, operation: str, parameters: dict[str, Any], action: str
) -> None:
    """Source: https://docs.aws.amazon.com/lambda/latest/dg/permissions-layer-cross-account.html"""
    cloud.call("PublishLayerVersion", LayerName="shared", Content={"ZipFile": zipped(a="")})
    with pytest.raises(ServiceError) as refused:
        cloud.world.call("lambda", operation, parameters, caller=OTHER)
    assert refused.value.code == "AccessDeniedException"
    assert f"is not authorized to perform: lambda:{action} on resource: {LAYER}" in refused.value.message


@pytest.mark.parametrize("principal", ["*", "111111111111"])
def test_a_layer_version_can_be_shown_to_another_account(cloud: Any, principal: str) -> None:
    cloud.call("PublishLayerVersion", LayerName="shared", Content={"ZipFile": zipped(a="")})
    statement = {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": principal}
    cloud.call("AddLayerVersionPermission", LayerName="shared", VersionNumber=1, **statement)
    shown = cloud.world.call("lambda", "GetLayerVersionByArn", {"Arn": f"{LAYER}:1"}, caller=OTHER)
    assert shown["LayerVersionArn"] == f"{LAYER}:1"
    made = cloud.world.call("lambda", "CreateFunction", FOREIGN[-1][1], caller=OTHER)
    assert made["Layers"][0]["Arn"] == f"{LAYER}:1"
