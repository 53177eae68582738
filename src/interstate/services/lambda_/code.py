"""Where a function's or a layer's content comes from: an uploaded zip, or a local folder used in place."""

import hashlib
import io
import os
import zipfile
from base64 import b64encode

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.lambda_.errors import InvalidParameterValueException, RequestEntityTooLargeException
from interstate.store.ports import Work
from interstate.store.records.lambda_ import CODE, CODE_USERS, CodeZip

# A folder on this machine stands where AWS takes a bucket: Code={"S3Bucket": "__local__", "S3Key": "/path/to/folder"}.
LOCAL_BUCKET = "__local__"
# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (deployment package)
ZIPPED_BYTES_MAX = 52_428_800
UNZIPPED_BYTES_MAX = 262_144_000


class Content(msgspec.Struct, frozen=True, rename="pascal"):
    """The code of CreateFunction, UpdateFunctionCode and PublishLayerVersion."""

    zip_file: bytes | None = None
    s3_bucket: str | None = None
    s3_key: str | None = None
    image_uri: str | None = None


class Kept(msgspec.Struct, frozen=True):
    """Content that lies ready: its place, and what the API shows of it. A folder's size is not told: it changes."""

    place: str
    sha256: str
    size_bytes: int


def keep(work: Work, content: Content) -> Kept:
    """Check content and put it where workers find it.

    Raises:
        InvalidParameterValueException: no zip, too large, or no such folder.
        NotImplementedHere: an image, or a bucket of S3.
    """
    if content.image_uri is not None:
        raise NotImplementedHere("functions from container images")
    if content.zip_file is not None:
        return _keep_zip(work, content.zip_file)
    if content.s3_bucket == LOCAL_BUCKET and content.s3_key is not None:
        return _folder(content.s3_key)
    if content.s3_bucket is not None:
        raise NotImplementedHere(f"code from S3 (bucket {content.s3_bucket})")
    raise InvalidParameterValueException("Please provide a source for function code.")


def _folder(path: str) -> Kept:
    if not os.path.isabs(path) or not os.path.isdir(path):  # noqa: PTH112, PTH117 - a look at one path.
        raise InvalidParameterValueException(f"There is no folder {path} on this machine; the path must be absolute.")
    digest = hashlib.sha256(f"dir:{path}".encode()).digest()
    return Kept(f"dir:{path}", b64encode(digest).decode(), 0)


def _keep_zip(work: Work, content: bytes) -> Kept:
    if len(content) > ZIPPED_BYTES_MAX:
        raise RequestEntityTooLargeException(f"Zipped size must be smaller than {ZIPPED_BYTES_MAX} bytes")
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


def release(work: Work, place: str) -> None:
    """Forget a zip that no version and no layer uses any more."""
    kind, _, sha256 = place.partition(":")
    if kind == "sha256" and work.scalar(CODE_USERS, code=place) == 0:
        work.delete(CODE, sha256)
