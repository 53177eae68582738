"""S3 on the wire: addresses, chunked bodies, XML in and out.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html; S3 API Reference.
"""

import pytest

from interstate.base.errors import ServiceError
from interstate.wire.aws_chunked import IncompleteBody, decoded
from interstate.wire.codec import Wire
from interstate.wire.messages import Request
from interstate.wire.model import load

WIRE = Wire(load())
SIGNED = b"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"


def request(
    method: str, path: str, query: str = "", body: bytes = b"", host: bytes = b"localhost:4566", **headers: bytes
) -> Request:
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return Request(method, path, query, {b"host": host, b"authorization": SIGNED, **named}, body)


@pytest.mark.parametrize(
    ("given", "operation", "labels"),
    [
        (request("GET", "/"), "ListBuckets", {}),
        (request("PUT", "/b"), "CreateBucket", {"Bucket": "b"}),
        (request("GET", "/b"), "ListObjects", {"Bucket": "b"}),
        (request("GET", "/b/", "list-type=2"), "ListObjectsV2", {"Bucket": "b"}),
        (request("GET", "/b", "location"), "GetBucketLocation", {"Bucket": "b"}),
        (request("GET", "/b//x/%20/"), "GetObject", {"Bucket": "b", "Key": "/x/ /"}),
        (request("GET", "/b/k", "x-id=GetObject"), "GetObject", {"Bucket": "b", "Key": "k"}),
        (request("GET", "/b/k", "uploadId=u"), "ListParts", {"Bucket": "b", "Key": "k"}),
        (request("PUT", "/b/k", "uploadId=u&partNumber=1"), "UploadPart", {"Bucket": "b", "Key": "k"}),
        (request("PUT", "/b/k", x_amz_copy_source=b"b/x"), "CopyObject", {"Bucket": "b", "Key": "k"}),
        (request("POST", "/b/k", "uploads"), "CreateMultipartUpload", {"Bucket": "b", "Key": "k"}),
        (request("POST", "/b", "delete"), "DeleteObjects", {"Bucket": "b"}),
        (request("GET", "/k/x", host=b"b.c.s3.localhost:4566"), "GetObject", {"Bucket": "b.c", "Key": "k/x"}),
        (request("GET", "/k", host=b"b.s3.eu-west-1.localhost"), "GetObject", {"Bucket": "b", "Key": "k"}),
    ],
)
def test_addresses_name_operations(given: Request, operation: str, labels: dict[str, str]) -> None:
    route = WIRE.router.route(given)
    assert (route.metadata.name, route.operation, dict(route.labels)) == ("s3", operation, labels)


def test_chunks_are_put_together_and_their_trailers_are_headers() -> None:
    body = b"3;chunk-signature=a\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"
    content, headers = decoded(body, {b"content-encoding": b"aws-chunked,gzip"})
    assert (content, headers) == (b"abcde", {b"content-encoding": b"gzip", b"x-amz-checksum-crc32": b"AAAA"})
    for cut in (b"3\r\nab", b"zz\r\n", b"3\r\nabc0"):
        with pytest.raises(IncompleteBody):
            decoded(cut, {})


def test_xml_bodies_are_read_by_their_shapes() -> None:
    body = (
        b'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber>'
        b"<ETag>&quot;a&quot;</ETag></Part><Part><ETag>b</ETag><PartNumber>2</PartNumber></Part></CompleteMultipartUpload>"
    )
    given = request("POST", "/b/k", "uploadId=u", body)
    params = WIRE.decode(WIRE.router.route(given), given)
    assert params["MultipartUpload"] == {"Parts": [{"PartNumber": 1, "ETag": '"a"'}, {"ETag": "b", "PartNumber": 2}]}


@pytest.mark.parametrize("body", [b"", b"<a", b"<!DOCTYPE a [<!ENTITY x 'y'>]><Delete/>"])
def test_bodies_that_are_no_such_xml_are_refused(body: bytes) -> None:
    given = request("POST", "/b", "delete", body)
    with pytest.raises(ServiceError) as caught:
        WIRE.decode(WIRE.router.route(given), given)
    assert caught.value.code == "MalformedXML"


def test_a_part_of_an_object_is_answered_with_206() -> None:
    given = request("GET", "/b/k")
    answer = {"Body": b"x", "ContentRange": "bytes 0-0/2", "Metadata": {"a": "b"}, "ContentLength": 1}
    response = WIRE.encode(WIRE.router.route(given), answer, b"id")
    assert (response.status, response.body) == (206, b"x")
    assert (b"x-amz-meta-a", b"b") in response.headers


def test_lists_are_flat_xml() -> None:
    given = request("GET", "/b", "list-type=2")
    answer = {"Name": "b", "Contents": [{"Key": "a&b"}, {"Key": "c"}], "CommonPrefixes": [{"Prefix": "d/"}]}
    body = WIRE.encode(WIRE.router.route(given), answer, b"id").body
    assert b"<Contents><Key>a&amp;b</Key></Contents><Contents><Key>c</Key></Contents>" in body
    assert b"<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>" in body
    assert b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' in body
