"""A template on disk, and what lies beside it, made into one plain template. Runs in a child process.

On AWS this is ``sam package``: code goes to a bucket, and the template gets its address. Here the address is the folder itself,
with a digest of its content, so that changed code is a changed template.
"""

from copy import deepcopy
from hashlib import sha256
from os import environ
from pathlib import Path
from typing import Any

from interstate.base.json import JSON, JSONObject, dumps
from interstate.core.templates.document import transforms_of
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.reader import read_template, read_yaml
from interstate.core.templates.sam import (
    Kind,
    LocalPath,
    code_address,
    definition_address,
    local_paths,
    with_content,
    with_definitions,
)

_SKIPPED = frozenset({"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "node_modules"})
_CHUNK_BYTES = 1 << 20


class PathMissing(TemplateError):
    """The template names a file or folder that is not there."""

    def __init__(self, local: LocalPath, path: Path) -> None:
        super().__init__(
            f"Parameter {local.place[-1]} of resource {local.place[1]} refers to a file or folder that does not exist: {path}"
        )


def packaged(source: JSONObject, path: Path) -> JSONObject:
    """The template of a file, with addresses in place of paths; transforms have not run. The source is not changed.

    Raises:
        TemplateError: the template names what is not there.
        OSError: a file cannot be read.
    """
    base = path.resolve().parent
    return with_content(source, {local.place: _content(local, base) for local in local_paths(source)})


def plain(document: JSONObject, parameters: dict[str, str], region: str) -> JSONObject:
    """The template after its transforms.

    Raises:
        TemplateError: the transform refused it, in its own words.
        NotImplementedHere: a transform that is not here.
    """
    if transforms_of(document):
        document = _transform(document, parameters, region)
    return with_definitions(document)


def _content(local: LocalPath, base: Path) -> JSON:
    path = (base / local.path).resolve()
    if not path.exists():
        raise PathMissing(local, path)
    match local.kind:
        case Kind.CODE | Kind.CODE_S3:
            return code_address(local.kind, str(path), digest(path))
        case Kind.STATE_MACHINE:
            return definition_address(definition_of(path))
        case Kind.OPENAPI:
            return read_template(path.read_text("utf-8"))


def definition_of(path: Path) -> str:
    """The text of a state machine's file, as JSON."""
    text = path.read_text("utf-8")
    return dumps(read_yaml(text)) if path.suffix in {".yaml", ".yml"} else text


def digest(path: Path) -> str:
    """A digest of a file, or of all files below a folder with their names; caches and the like do not count."""
    total = sha256()
    for file in sorted(_files(path)):
        total.update(f"{file.relative_to(path) if file != path else ''}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                total.update(chunk)
    return total.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found: list[Path] = []
    for entry in path.iterdir():
        if entry.name not in _SKIPPED:
            found.extend(_files(entry) if entry.is_dir() else [entry] if entry.is_file() else [])
    return found


class _ManagedPolicies:
    """AWS's managed policies by name, as SAM ships them; it would ask IAM otherwise."""

    def load(self) -> dict[str, str]:
        from samtranslator.internal.managed_policies import (  # noqa: PLC0415 takes half a second; only for SAM templates
            get_bundled_managed_policy_map,
        )

        return get_bundled_managed_policy_map("aws") or {}


def _transform(document: JSONObject, parameters: dict[str, str], region: str) -> JSONObject:
    """AWS's own translator; it wants a region in the environment."""
    environ["AWS_DEFAULT_REGION"] = region
    from samtranslator.model.exceptions import (  # noqa: PLC0415 takes half a second; only for SAM templates
        ExceptionWithMessage,
        InvalidDocumentException,
    )
    from samtranslator.translator.transform import transform  # noqa: PLC0415 the same

    values: dict[str, Any] = {**parameters, "AWS::Region": region, "AWS::Partition": "aws"}
    try:
        translated: JSONObject = transform(document, values, _ManagedPolicies())
    except InvalidDocumentException as error:
        raise TransformRefused(" ".join([error.message, *(cause.message for cause in error.causes)])) from error
    except ExceptionWithMessage as error:
        raise TransformRefused(error.message) from error
    return translated


_FIRST: JSONObject = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "F": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": "s3://bucket/key",
                "Events": {"E": {"Type": "HttpApi"}},
                "Handler": "h",
                "Policies": ["AWSLambdaBasicExecutionRole", {"SQSPollerPolicy": {"QueueName": "q"}}],
                "Runtime": "python3.11",
            },
        }
    },
}
"""A template that uses what most do: the translator reads its own tables at the first use."""


def warm() -> None:
    """Do what the first transform pays for, before there is one: half a second of imports, and the translator's tables."""
    _transform(deepcopy(_FIRST), {}, "us-east-1")


class TransformRefused(TemplateError):
    """SAM's translator refused the template."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Transform AWS::Serverless-2016-10-31 failed with: {reason}")
