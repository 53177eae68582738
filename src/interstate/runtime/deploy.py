"""Deploying a template from disk, and the performer of "cloudformation.transform".

Packaging and SAM's transform run in a child process; then the stack is one operation, which is one transaction.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from interstate.base.arn import DEFAULT_ACCOUNT, DEFAULT_REGION, Caller
from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.core.templates.intrinsics import as_text
from interstate.runtime.transform_child import Order, Result
from interstate.runtime.transformer import Transformer, transformed_once
from interstate.services.cloudformation.wanted import Transform, Transformed


class Engine(Protocol):
    """Runs operations, durably: an ``Instance``."""

    async def execute(
        self, service: str, operation: str, params: Mapping[str, Any], caller: Caller
    ) -> Mapping[str, Any] | None: ...


class DeployFailed(Exception):
    """Nothing of the attempt stands; the message says which resources were refused, and why."""


class Deployed(msgspec.Struct, frozen=True):
    """A stack that stands. ``changed`` is False when the template and its parameters were deployed already.

    ``parameters`` are the given ones and the template's defaults; ``metadata`` is the template's own.
    """

    stack_id: str
    status: str
    changed: bool
    outputs: dict[str, str]
    parameters: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    source: dict[str, Any] | None = None  # The template as it stands on disk, paths and all.
    packaged: Result | None = None


async def deploy(
    engine: Engine,
    template_path: Path,
    stack_name: str | None = None,
    parameters: Mapping[str, str] | None = None,
    *,
    region: str = DEFAULT_REGION,
    account: str = DEFAULT_ACCOUNT,
    progress: Callable[[str], None] | None = None,
    transformer: Transformer | None = None,
) -> Deployed:
    """Create or update a stack from a template on disk and what lies beside it.

    A stack whose creation failed earlier is made anew. Without a name the stack is called as the template's
    ``Metadata.Interstate.StackName`` says, else as its folder.

    Raises:
        DeployFailed: the template cannot be used, or a resource was refused; nothing was changed.
    """
    tell = progress or _silent
    tell(f"Packaging {template_path}")
    packaged = await package(template_path, parameters or {}, region, transformer)
    return await put(
        engine, packaged, stack_name, parameters or {}, template_path, caller=Caller(account, region), progress=tell
    )


async def put(
    engine: Engine,
    packaged: Result,
    stack_name: str | None,
    parameters: Mapping[str, str],
    template_path: Path,
    *,
    caller: Caller | None = None,
    progress: Callable[[str], None] | None = None,
) -> Deployed:
    """Create or update a stack from a template that is packaged and transformed already.

    Raises:
        DeployFailed: a resource was refused; nothing was changed.
    """
    tell = progress or _silent
    assert packaged.original is not None
    assert packaged.template is not None
    metadata = packaged.original.get("Metadata", {})
    stack_name = stack_name or metadata.get("Interstate", {}).get("StackName") or _name_of(template_path.parent)
    tell(f"Deploying {stack_name}: {len(packaged.template.get('Resources', {}))} resources")
    request = {
        "StackName": stack_name,
        "Original": dumps(packaged.original),
        "Template": packaged.template,
        "Parameters": dict(parameters or {}),
    }
    try:
        answer = await engine.execute("interstate.stacks", "Deploy", request, caller or Caller())
    except ServiceError as error:
        raise DeployFailed(error.message) from error
    assert answer is not None
    deployed = _deployed(answer)
    tell(f"{stack_name}: {deployed.status}{'' if deployed.changed else ' (no changes)'}")
    defaults = {
        name: as_text(declared["Default"]) or ""
        for name, declared in packaged.original.get("Parameters", {}).items()
        if "Default" in declared
    }
    return msgspec.structs.replace(
        deployed,
        parameters={**defaults, **(parameters or {})},
        metadata=metadata,
        source=packaged.source,
        packaged=packaged,
    )


def _name_of(folder: Path) -> str:
    """A stack name of a folder's: letters, digits and hyphens, a letter first."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", folder.name).strip("-")
    return name if name[:1].isalpha() else f"stack-{name}".rstrip("-")


async def package(
    template_path: Path, parameters: Mapping[str, str], region: str, transformer: Transformer | None = None
) -> Result:
    """The plain template of a file, its local code and definitions put in.

    Raises:
        DeployFailed: the template cannot be used.
    """
    order = Order(region, path=str(template_path), parameters=dict(parameters))
    result = await (transformed_once(order) if transformer is None else transformer.carry_out(order))
    if result.error is not None:
        raise DeployFailed(result.error)
    return result


async def perform_transform(_key: str, body: Transform) -> Transformed:
    """Performer of the effect "cloudformation.transform": the transforms of a template that came over the API."""
    result = await transformed_once(
        Order(body.caller.region, template=body.wanted.document, parameters=body.wanted.given)
    )
    prefix = "Transform AWS::Serverless-2016-10-31 failed with: "
    error = None if result.error is None else result.error.removeprefix(prefix)
    return Transformed(result.template, error)


def _deployed(answer: Mapping[str, Any]) -> Deployed:
    stack = answer["Stack"]
    # An update that was rolled back leaves a stack that stands, and a template that it already has is no change.
    stands = stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE" and not answer["Changed"]
    if answer["Failures"] or (stack["StackStatus"].endswith(("ROLLBACK_COMPLETE", "FAILED")) and not stands):
        reasons = [f"{failure['LogicalResourceId']}: {failure['Reason']}" for failure in answer["Failures"]]
        raise DeployFailed("\n".join(reasons) or stack.get("StackStatusReason", stack["StackStatus"]))
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return Deployed(stack["StackId"], stack["StackStatus"], answer["Changed"], outputs)


def _silent(_line: str) -> None:
    return
