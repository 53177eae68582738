"""S3: buckets and objects, kept in the store with everything else.

``s3-bodies`` is the process's own: it reads on where an answer that is streamed has stopped.

Source: botocore's model s3/2006-03-01; S3 API Reference.
"""

from interstate.services.operation import Operation, Service, Step
from interstate.services.s3 import bodies, buckets, listings, objects, reading, tagging, uploads
from interstate.services.s3.locate import keys_of_object
from interstate.store.records.s3 import AbortParts, Erase

SERVICES = (
    Service(
        "s3",
        operations=(
            Operation("AbortMultipartUpload", uploads.UploadRequest, uploads.abort_multipart_upload),
            Operation("CompleteMultipartUpload", uploads.CompleteMultipartUpload, uploads.complete_multipart_upload),
            Operation("CopyObject", objects.CopyObject, objects.copy_object),
            Operation("CreateBucket", buckets.CreateBucket, buckets.create_bucket),
            Operation("CreateMultipartUpload", uploads.CreateMultipartUpload, uploads.create_multipart_upload),
            Operation("DeleteBucket", buckets.BucketRequest, buckets.delete_bucket),
            Operation("DeleteBucketTagging", buckets.BucketRequest, buckets.delete_bucket_tagging),
            Operation("DeleteObject", objects.DeleteObject, objects.delete_object, keys=keys_of_object),
            Operation("DeleteObjects", objects.DeleteObjects, objects.delete_objects),
            Operation("DeleteObjectTagging", tagging.ObjectTagging, tagging.delete_object_tagging),
            Operation("GetBucketLocation", buckets.BucketRequest, buckets.get_bucket_location, reads=True),
            Operation("GetBucketTagging", buckets.BucketRequest, buckets.get_bucket_tagging, reads=True),
            Operation("GetObject", reading.GetObject, reading.get_object, reads=True),
            Operation("GetObjectTagging", tagging.ObjectTagging, tagging.get_object_tagging, reads=True),
            Operation("HeadBucket", buckets.BucketRequest, buckets.head_bucket, reads=True),
            Operation("HeadObject", reading.GetObject, reading.head_object, reads=True),
            Operation("ListBuckets", buckets.ListBuckets, buckets.list_buckets, reads=True),
            Operation("ListMultipartUploads", uploads.ListMultipartUploads, uploads.list_multipart_uploads, reads=True),
            Operation("ListObjects", listings.ListObjects, listings.list_objects, reads=True),
            Operation("ListObjectsV2", listings.ListObjectsV2, listings.list_objects_v2, reads=True),
            Operation("ListParts", uploads.ListParts, uploads.list_parts, reads=True),
            Operation("PutBucketTagging", buckets.PutBucketTagging, buckets.put_bucket_tagging),
            Operation("PutObject", objects.PutObject, objects.put_object, keys=keys_of_object),
            Operation("PutObjectTagging", tagging.PutObjectTagging, tagging.put_object_tagging),
            Operation("UploadPart", uploads.UploadPart, uploads.upload_part),
            Operation("UploadPartCopy", uploads.UploadPartCopy, uploads.upload_part_copy),
        ),
        steps=(
            Step("s3.erase", Erase, bodies.erase, pulls=False),
            Step("s3.abort_parts", AbortParts, uploads.abort_parts, pulls=False),
        ),
        notes={
            "GetObject": "No versions; the only one is `null`.",
            "UploadPartCopy": "A range of at most 64 MiB a call; a whole object of any size.",
            "ListMultipartUploads": "Without a delimiter.",
        },
    ),
    Service("s3-bodies", operations=(Operation("Read", reading.ReadBody, reading.read_body, reads=True),)),
)  # fmt: skip
