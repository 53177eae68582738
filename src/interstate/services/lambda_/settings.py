"""Settings of functions that are kept and shown: recursion, the choice of runtime versions.

Source: Lambda API Reference, PutFunctionRecursionConfig, PutRuntimeManagementConfig.
"""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.lambda_.configuration import runtime_arn
from interstate.services.lambda_.errors import InvalidParameterValueException
from interstate.services.lambda_.locate import located, unqualified, version_at
from interstate.store.ports import Work
from interstate.store.records.lambda_ import FUNCTIONS, VERSIONS, FunctionVersion


class FunctionRequest(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None


class PutRecursion(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    recursive_loop: str


class PutRuntime(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    update_runtime_on: str
    qualifier: str | None = None
    runtime_version_arn: str | None = None


def put_function_recursion_config(request: PutRecursion, work: Work) -> dict[str, Any]:
    """Whether a function may call itself through a queue or topic without end.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    function = unqualified(work, request.function_name)
    work.put(FUNCTIONS, msgspec.structs.replace(function, recursion=request.recursive_loop))
    return {"RecursiveLoop": request.recursive_loop}


def get_function_recursion_config(request: FunctionRequest, work: Work) -> dict[str, Any]:
    """What becomes of a loop: "Terminate" unless set otherwise.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    return {"RecursiveLoop": unqualified(work, request.function_name).recursion}


def put_runtime_management_config(request: PutRuntime, work: Work) -> dict[str, Any]:
    """When a function takes a new version of its runtime. There is one version of each here: it is kept, and shown.

    Raises:
        ResourceNotFoundException: there is no such function or version.
        InvalidParameterValueException: a version is missing, or given where it has no meaning.
        NotImplementedHere: the choice of a version (Manual) other than the one that there is.
    """
    found = located(work, request.function_name, request.qualifier)
    version = version_at(work, found)
    if request.update_runtime_on == "Manual":
        if request.runtime_version_arn is None:
            raise InvalidParameterValueException("RuntimeVersionArn is required when UpdateRuntimeOn is set to Manual.")
        if request.runtime_version_arn != runtime_arn(version):
            raise NotImplementedHere(f"runtime versions other than {runtime_arn(version)}")
    elif request.runtime_version_arn is not None:
        raise InvalidParameterValueException(
            "RuntimeVersionArn can only be specified when UpdateRuntimeOn is set to Manual."
        )
    further = {**version.further, "RuntimeManagement": request.update_runtime_on}
    work.put(VERSIONS, msgspec.structs.replace(version, further=further))
    return _management(version, request.update_runtime_on, found.qualifier)


def get_runtime_management_config(request: FunctionRequest, work: Work) -> dict[str, Any]:
    """When a function takes a new version of its runtime.

    Raises:
        ResourceNotFoundException: there is no such function or version.
    """
    found = located(work, request.function_name, request.qualifier)
    version = version_at(work, found)
    return _management(version, version.further.get("RuntimeManagement", "Auto"), found.qualifier)


def _management(version: FunctionVersion, mode: str, qualifier: str | None) -> dict[str, Any]:
    shown = {"UpdateRuntimeOn": mode, "FunctionArn": f"{version.function}:{qualifier or version.version}"}
    # Source: GetRuntimeManagementConfig, RuntimeVersionArn: "If the runtime update mode is Auto or Function update, null".
    return {**shown, "RuntimeVersionArn": runtime_arn(version)} if mode == "Manual" else shown
