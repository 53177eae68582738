"""Where a function's or a layer's content comes from: an uploaded zip, or a local folder used in place."""

import hashlib
import io
import os
import zipfile
from base64 import b64encode
from collections.abc import Sequence

import msgspec

from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.services.lambda_.errors import (
    CodeStorageExceededException,
    InvalidParameterValueException,
    RequestEntityTooLargeException,
)
from interstate.store.ports import Work
from interstate.store.records.lambda_ import CODE, CODE_USERS, TOTAL_CODE_SIZE, TOTAL_LAYER_SIZE, CodeZip

# A folder on this machine stands where AWS takes a bucket: Code={"S3Bucket": "__local__", "S3Key": "/path/to/folder"}.
LOCAL_BUCKET = "__local__"
# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (deployment package)
ZIPPED_BYTES_MAX = 52_428_800
UNZIPPED_BYTES_MAX = 262_144_000
STORAGE_BYTES_MAX = 80_530_636_800
FILES_MAX = 10_000
"""Files of a folder that are looked at for its size."""
_CACHES = frozenset({"__pycache__", ".git", ".venv", "node_modules"})


class Content(msgspec.Struct, frozen=True, rename="pascal"):
    """The code of CreateFunction, UpdateFunctionCode and PublishLayerVersion."""

    zip_file: bytes | None = None
    s3_bucket: str | None = None
    s3_key: str | None = None
    s3_object_version: str | None = None
    image_uri: str | None = None


class Kept(msgspec.Struct, frozen=True):
    """Content that lies ready: its place, and what the API shows of it."""

    place: str
    sha256: str
    size_bytes: int


def keep(work: Work, content: Content) -> Kept:
    """Check content and put it where workers find it.

    Raises:
        InvalidParameterValueException: no zip, too large, or no such folder.
        NotImplementedHere: an image.
    """
    if content.image_uri is not None:
        raise NotImplementedHere("functions from container images")
    if content.zip_file is not None:
        if content.s3_bucket is not None or content.s3_key is not None:
            raise InvalidParameterValueException(
                "Please do not provide other FunctionCode parameters when providing a ZipFile."
            )
        return _keep_zip(work, content.zip_file)
    if content.s3_bucket == LOCAL_BUCKET and content.s3_key is not None:
        return _folder(content.s3_key, content.s3_object_version)
    if content.s3_bucket is not None:
        return _keep_zip(work, _object(work, content))
    raise InvalidParameterValueException("Please provide a source for function code.")


def _object(work: Work, content: Content) -> bytes:
    """A zip that lies in a bucket of the caller's."""
    request = {"Bucket": content.s3_bucket, "Key": content.s3_key}
    if content.s3_object_version is not None:
        request["VersionId"] = content.s3_object_version
    request["Range"] = f"bytes=0-{ZIPPED_BYTES_MAX}"  # One byte more than may be, so that too much is seen.
    try:
        body: bytes = work.call("s3", "GetObject", request)["Body"]
    except NotImplementedHere:
        raise
    except ServiceError as error:
        code, message = _S3_ERRORS.get(error.code, (error.code, error.message))
        raise InvalidParameterValueException(
            f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
        ) from error
    return body


# What the service says in words of its own.
_S3_ERRORS = {"NoSuchBucket": ("NoSuchBucket", "The specified bucket does not exist")}


def _folder(path: str, content: str | None) -> Kept:
    """A folder in place. ``content`` is a digest of what it holds, from those who know it: a change of it is a change of code."""
    if not os.path.isabs(path) or not os.path.isdir(path):  # noqa: PTH112, PTH117 - a look at one path.
        raise InvalidParameterValueException(f"There is no folder {path} on this machine; the path must be absolute.")
    digest = hashlib.sha256(f"dir:{path}{content or ''}".encode()).digest()
    return Kept(f"dir:{path}", b64encode(digest).decode(), _folder_bytes(path))


def _folder_bytes(path: str) -> int:
    """What a folder's files take together; of a very large one, those that are looked at first."""
    total, left, folders = 0, FILES_MAX, [path]
    while folders and left:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _CACHES:
                        folders.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
                left -= 1
                if not left:
                    break
    return total


def _keep_zip(work: Work, content: bytes) -> Kept:
    if len(content) > ZIPPED_BYTES_MAX:
        raise RequestEntityTooLargeException(f"Zipped size must be smaller than {ZIPPED_BYTES_MAX} bytes")
    if not content:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise InvalidParameterValueException(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from error
    if not members:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    if sum(member.file_size for member in members) > UNZIPPED_BYTES_MAX:
        raise InvalidParameterValueException(f"Unzipped size must be smaller than {UNZIPPED_BYTES_MAX} bytes")
    digest = hashlib.sha256(content)
    if work.get(CODE, digest.hexdigest()) is None:
        work.put(CODE, CodeZip(digest.hexdigest(), content))
    return Kept(f"sha256:{digest.hexdigest()}", b64encode(digest.digest()).decode(), len(content))


def check_together(work: Work, function: Kept, layers: Sequence[Kept]) -> None:
    """Refuse code that is too large with its layers, unpacked. A folder counts as what it holds.

    Raises:
        InvalidParameterValueException: they take more than 250 MB.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html ("250 MB ... including layers and custom
    runtimes (unzipped)").
    """
    if not layers:
        return
    of_layers = sum(_unpacked(work, layer) for layer in layers)
    if of_layers > UNZIPPED_BYTES_MAX:
        raise InvalidParameterValueException(
            f"Layers consume more than the available size of {UNZIPPED_BYTES_MAX} bytes"
        )
    total = of_layers + _unpacked(work, function)
    if total > UNZIPPED_BYTES_MAX:
        raise InvalidParameterValueException(
            f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_BYTES_MAX} bytes. "
            f"The actual size is {total} bytes."
        )


def _unpacked(work: Work, kept: Kept) -> int:
    kind, _, digest = kept.place.partition(":")
    record = work.get(CODE, digest) if kind == "sha256" else None
    return kept.size_bytes if record is None else _unpacked_bytes(record)


def _unpacked_bytes(record: CodeZip) -> int:
    with zipfile.ZipFile(io.BytesIO(record.content)) as archive:
        return sum(member.file_size for member in archive.infolist())


def check_storage(work: Work, more_bytes: int) -> None:
    """Refuse code for which the account has no room left.

    Raises:
        CodeStorageExceededException: it would have more than 75 GB of functions and layers in the region.
    """
    if code_bytes(work) + more_bytes > STORAGE_BYTES_MAX:
        raise CodeStorageExceededException


def code_bytes(work: Work) -> int:
    """What all versions of the caller's functions and layers take."""
    scope = f"{work.caller.account}/{work.caller.region}"
    arns = f"arn:aws:lambda:{work.caller.region}:{work.caller.account}:function:"
    return work.scalar(TOTAL_CODE_SIZE, first=arns, last=arns + "~") + work.scalar(TOTAL_LAYER_SIZE, scope=scope)


def release(work: Work, place: str) -> None:
    """Forget a zip that no version and no layer uses any more."""
    kind, _, sha256 = place.partition(":")
    if kind == "sha256" and work.scalar(CODE_USERS, code=place) == 0:
        work.delete(CODE, sha256)
