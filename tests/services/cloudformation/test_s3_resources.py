"""Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html"""

import json

from interstate.runtime.testing import World


def test_a_bucket_comes_and_goes() -> None:
    world = World()
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": "lake",
            "Tags": [{"Key": "team", "Value": "a"}],
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        },
    }
    named = {"Resources": {"B": bucket, "C": {"Type": "AWS::S3::Bucket"}},
             "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["B", "Arn"]}}}}  # fmt: skip
    world.call("cloudformation", "CreateStack", {"StackName": "Shop", "TemplateBody": json.dumps(named)})
    world.run_until_idle()
    stack = world.call("cloudformation", "DescribeStacks", {"StackName": "Shop"})["Stacks"][0]
    assert stack["Outputs"][0]["OutputValue"] == "arn:aws:s3:::lake"
    names = [found["Name"] for found in world.call("s3", "ListBuckets")["Buckets"]]
    assert names[0] == "lake"
    assert names[1].startswith("shop-c-")
    assert world.call("s3", "GetBucketTagging", {"Bucket": "lake"})["TagSet"] == [{"Key": "team", "Value": "a"}]
    world.call("cloudformation", "DeleteStack", {"StackName": "Shop"})
    world.run_until_idle()
    assert world.call("s3", "ListBuckets")["Buckets"] == []
    world.close()
