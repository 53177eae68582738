"""How large code may be.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import io
import zipfile
from typing import Any

import pytest

from interstate.base.errors import ServiceError

ROLE = "arn:aws:iam::000000000000:role/r"


def unpacks_to(size: int) -> bytes:
    """A zip whose directory says that its file is so large."""
    told = io.BytesIO()
    with zipfile.ZipFile(told, "w") as archive:
        archive.writestr("data", "x")
        archive.filelist[0].file_size = size
    return told.getvalue()


def create(**changes: Any) -> dict[str, Any]:
    return {"Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE, **changes}


def test_code_and_layers_have_250_mb_together(cloud: Any) -> None:
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    half = unpacks_to(131_072_000)
    layers = [
        cloud.call("PublishLayerVersion", LayerName=name, Content={"ZipFile": content})["LayerVersionArn"]
        for name, content in (("half", half), ("other", half), ("small", unpacks_to(1000)))
    ]
    code = unpacks_to(10)
    cloud.call("CreateFunction", **create(FunctionName="Pay", Code={"ZipFile": code}, Layers=[layers[0]]))
    together = "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is {} bytes."
    alone = "Layers consume more than the available size of 262144000 bytes"
    two = create(FunctionName="Two", Code={"ZipFile": half}, Layers=[layers[0], layers[2]])
    more = unpacks_to(131_072_001)
    for operation, request, text in (
        ("CreateFunction", two, together.format(262_145_000)),
        ("UpdateFunctionConfiguration", {"FunctionName": "Pay", "Layers": layers}, alone),
        ("UpdateFunctionCode", {"FunctionName": "Pay", "ZipFile": more}, together.format(262_144_001)),
    ):
        cloud.world.run_due()
        with pytest.raises(ServiceError) as refused:
            cloud.call(operation, **request)
        assert (refused.value.code, refused.value.message) == ("InvalidParameterValueException", text)
    cloud.call("UpdateFunctionCode", FunctionName="Pay", ZipFile=half)
