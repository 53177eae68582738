import io
import zipfile
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.services.lambda_.conftest import zipped

from interstate.base.errors import ServiceError
from interstate.store.ports import Work
from interstate.store.records.lambda_ import CODE, VERSIONS

ARN = "arn:aws:lambda:us-east-1:000000000000:function:Pay"


# Source: ListFunctions, "The ListFunctions operation returns a subset of the FunctionConfiguration fields".
NOT_LISTED = {"State", "LastUpdateStatus", "RuntimeVersionConfig"}


def test_a_function_is_created_described_and_deleted(cloud: Any) -> None:
    created = cloud.create("Pay", Timeout=9, MemorySize=256, Environment={"Variables": {"A": "1"}}, Tags={"t": "v"})
    assert created["FunctionArn"] == ARN
    assert created["Version"] == "$LATEST"
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    assert (created["State"], created["StateReasonCode"]) == ("Pending", "Creating")
    assert "LastUpdateStatus" not in created
    cloud.world.run_due()
    assert (created["Timeout"], created["MemorySize"]) == (9, 256)
    assert created["Environment"] == {"Variables": {"A": "1"}}
    for name in ("Pay", ARN, "000000000000:function:Pay"):
        got = cloud.call("GetFunction", FunctionName=name)
        shown = got["Configuration"]
        assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Successful")
        steady = created.keys() - {"State", "StateReason", "StateReasonCode", "RevisionId"}
        assert {key: shown[key] for key in steady} == {key: created[key] for key in steady}
        assert got["Tags"] == {"t": "v"}
    (listed,) = cloud.call("ListFunctions")["Functions"]
    assert listed == {key: value for key, value in shown.items() if key not in NOT_LISTED}
    assert cloud.call("DeleteFunction", FunctionName="Pay") == {"StatusCode": 204}
    with pytest.raises(ServiceError) as refused:
        cloud.call("GetFunction", FunctionName="Pay")
    assert refused.value.code == "ResourceNotFoundException"
    assert refused.value.message == f"Function not found: {ARN}"


def test_code_is_kept_once_and_forgotten_with_its_last_user(cloud: Any) -> None:
    cloud.create("One")
    cloud.create("Two")
    digest = cloud.call("GetFunction", FunctionName="One")["Configuration"]["CodeSha256"]
    sha256 = b64decode(digest).hex()
    cloud.call("DeleteFunction", FunctionName="One")
    assert cloud.world.run(lambda work: work.get(CODE, sha256)) is not None
    cloud.call("DeleteFunction", FunctionName="Two")
    assert cloud.world.run(lambda work: work.get(CODE, sha256)) is None


def test_a_folder_is_used_in_place(cloud: Any, tmp_path: Path) -> None:
    cloud.create("Pay", Code={"S3Bucket": "__local__", "S3Key": str(tmp_path)})
    got = cloud.call("GetFunction", FunctionName="Pay")
    assert got["Code"] == {"RepositoryType": "Local", "Location": str(tmp_path)}


def test_an_update_changes_what_it_names_and_the_revision(cloud: Any) -> None:
    before = cloud.create("Pay", Timeout=9, Description="d", DeadLetterConfig={"TargetArn": cloud.queue("dlq")})
    after = cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", MemorySize=512)
    assert {key for key in before if before[key] != after[key]} == {"MemorySize", "RevisionId"}
    after = cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", DeadLetterConfig={"TargetArn": ""})
    assert "DeadLetterConfig" not in after
    with pytest.raises(ServiceError) as refused:
        cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", RevisionId=before["RevisionId"], Timeout=3)
    assert refused.value.code == "PreconditionFailedException"


def test_versions_freeze_code_and_configuration(cloud: Any) -> None:
    cloud.create("Pay", Timeout=3)
    first = cloud.call("PublishVersion", FunctionName="Pay", Description="first")
    assert (first["Version"], first["FunctionArn"], first["Description"]) == ("1", f"{ARN}:1", "first")
    assert cloud.call("PublishVersion", FunctionName="Pay")["Version"] == "1", "nothing has changed"
    cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", Timeout=60)
    assert cloud.call("PublishVersion", FunctionName="Pay")["Version"] == "2"
    assert cloud.call("GetFunctionConfiguration", FunctionName="Pay", Qualifier="1")["Timeout"] == 3
    listed = cloud.call("ListVersionsByFunction", FunctionName="Pay", MaxItems=2)
    rest = cloud.call("ListVersionsByFunction", FunctionName="Pay", Marker=listed["NextMarker"])
    assert [version["Version"] for version in listed["Versions"] + rest["Versions"]] == ["$LATEST", "1", "2"]
    cloud.call("DeleteFunction", FunctionName="Pay", Qualifier="1")
    with pytest.raises(ServiceError):
        cloud.call("GetFunctionConfiguration", FunctionName="Pay:1")
    cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", Timeout=61)
    assert cloud.call("PublishVersion", FunctionName="Pay")["Version"] == "3", "numbers are never given out again"


def test_an_alias_names_a_version_and_holds_it(cloud: Any) -> None:
    cloud.create("Pay", Publish=True)
    alias = cloud.call("CreateAlias", FunctionName="Pay", Name="live", FunctionVersion="1")
    assert alias["AliasArn"] == f"{ARN}:live"
    assert cloud.call("GetFunctionConfiguration", FunctionName=f"{ARN}:live")["Version"] == "1"
    with pytest.raises(ServiceError) as refused:
        cloud.call("DeleteFunction", FunctionName="Pay", Qualifier="1")
    assert refused.value.code == "ResourceConflictException"
    changed = cloud.call(
        "UpdateAlias", FunctionName="Pay", Name="live", Description="d", RevisionId=alias["RevisionId"]
    )
    assert (changed["FunctionVersion"], changed["Description"]) == ("1", "d")
    assert [one["Name"] for one in cloud.call("ListAliases", FunctionName="Pay")["Aliases"]] == ["live"]
    cloud.call("DeleteAlias", FunctionName="Pay", Name="live")
    with pytest.raises(ServiceError) as refused:
        cloud.call("GetAlias", FunctionName="Pay", Name="live")
    assert refused.value.message == f"Cannot find alias arn: {ARN}:live"


def create(**changes: Any) -> dict[str, Any]:
    return {"FunctionName": "New", "Runtime": "python3.12", "Role": "r", "Handler": "a.b", **changes}


# Operation, request, code, a part of the message.
REFUSALS = [
    ("CreateFunction", create(FunctionName="Pay", Code={"ZipFile": b""}), "ResourceConflictException", "Function already exist: Pay"),
    ("CreateFunction", create(Code={"ZipFile": b"no zip"}), "InvalidParameterValueException", "Could not unzip uploaded file."),
    ("CreateFunction", create(Code={}), "InvalidParameterValueException", "Please provide a source for function code."),
    ("CreateFunction", create(Code={"S3Bucket": "b", "S3Key": "k"}), "NotImplemented", "s3:GetObject"),
    ("CreateFunction", create(Code={"S3Bucket": "__local__", "S3Key": "/no/where"}), "InvalidParameterValueException", "no folder"),
    ("CreateFunction", create(Code={}, Runtime="java21"), "NotImplemented", "java21"),
    ("CreateFunction", create(Code={}, Runtime="go1.x"), "InvalidParameterValueException", "is no longer supported"),
    ("CreateFunction", create(Code={}, Runtime="cobol"), "InvalidParameterValueException", "Value cobol at 'runtime' failed"),
    ("CreateFunction", create(Code={}, PackageType="Image"), "NotImplemented", "images"),
    ("CreateFunction", create(Code={}, Handler=None), "InvalidParameterValueException", "Runtime and Handler are mandatory"),
    ("CreateFunction", create(Code={}, Timeout=901), "InvalidParameterValueException", "Member must have value less than or equal to 900"),
    ("CreateFunction", create(Code={}, Environment={"Variables": {"AWS_REGION": "x"}}), "InvalidParameterValueException",
     "Reserved keys used in this request: AWS_REGION"),
    ("CreateFunction", create(Code={}, Environment={"Variables": {"A": "x" * 4096}}), "InvalidParameterValueException", "4KB limit"),
    ("CreateFunction", create(Code={}, Layers=["arn:aws:lambda:us-east-1:000000000000:layer:no:1"]),
     "InvalidParameterValueException", "does not exist"),
    ("CreateFunction", create(Code={}, FileSystemConfigs=[{}]), "NotImplemented", "file systems"),
    ("CreateFunction", create(Code={}, DeadLetterConfig={"TargetArn": "arn:aws:s3:::b"}), "InvalidParameterValueException",
     "The provided target ARN arn:aws:s3:::b is invalid."),
    ("GetFunction", {"FunctionName": "Pay", "Qualifier": "live"}, "ResourceNotFoundException", "function:Pay:live"),
    ("GetFunction", {"FunctionName": "Pay:1", "Qualifier": "2"}, "InvalidParameterValueException", "derived qualifier"),
    ("CreateAlias", {"FunctionName": "Pay", "Name": "a", "FunctionVersion": "7"}, "ResourceNotFoundException", ":7"),
    ("DeleteFunction", {"FunctionName": "Pay", "Qualifier": "$LATEST"}, "InvalidParameterValueException", "$LATEST"),
    ("PublishVersion", {"FunctionName": "Pay", "CodeSha256": "x"}, "InvalidParameterValueException", "is different from"),
    ("PutFunctionConcurrency", {"FunctionName": "Pay", "ReservedConcurrentExecutions": 901}, "InvalidParameterValueException", "[100]"),
    ("GetPolicy", {"FunctionName": "Pay"}, "ResourceNotFoundException", "does not exist"),
    ("GetProvisionedConcurrencyConfig", {"FunctionName": "Pay", "Qualifier": "$LATEST"}, "InvalidParameterValueException", "alias or a published version"),
    ("ListTags", {"Resource": ARN + "x"}, "ResourceNotFoundException", "Function not found"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "parameters", "code", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_refusals_have_the_code_and_words_of_aws(
    cloud: Any, operation: str, parameters: dict[str, Any], code: str, message: str
) -> None:
    cloud.create("Pay")
    with pytest.raises(ServiceError) as refused:
        cloud.call(operation, **parameters)
    assert refused.value.code == code
    assert message in refused.value.message
    assert len(cloud.call("ListFunctions")["Functions"]) == 1


def test_what_belongs_to_a_function_goes_with_it(cloud: Any) -> None:
    cloud.create("Pay", Publish=True)
    cloud.call("CreateAlias", FunctionName="Pay", Name="live", FunctionVersion="1")
    cloud.call("PutFunctionEventInvokeConfig", FunctionName="Pay", MaximumRetryAttempts=0)
    cloud.call(
        "PutProvisionedConcurrencyConfig", FunctionName="Pay", Qualifier="live", ProvisionedConcurrentExecutions=5
    )
    cloud.call(
        "AddPermission",
        FunctionName="Pay",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
    )
    cloud.call("PutFunctionConcurrency", FunctionName="Pay", ReservedConcurrentExecutions=5)
    cloud.call("DeleteFunction", FunctionName="Pay")
    cloud.create("Pay", Publish=True)
    assert cloud.call("ListAliases", FunctionName="Pay")["Aliases"] == []
    assert cloud.call("ListFunctionEventInvokeConfigs", FunctionName="Pay")["FunctionEventInvokeConfigs"] == []
    assert cloud.call("ListProvisionedConcurrencyConfigs", FunctionName="Pay")["ProvisionedConcurrencyConfigs"] == []
    assert cloud.call("GetFunctionConcurrency", FunctionName="Pay") == {}
    with pytest.raises(ServiceError):
        cloud.call("GetPolicy", FunctionName="Pay")


def test_permissions_make_a_policy(cloud: Any) -> None:
    cloud.create("Pay")
    cloud.call(
        "AddPermission", FunctionName="Pay", StatementId="s", Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com", SourceArn="arn:aws:events:us-east-1:000000000000:rule/r",
    )  # fmt: skip
    policy = cloud.call("GetPolicy", FunctionName="Pay")["Policy"]
    assert policy == (
        '{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s","Effect":"Allow",'
        '"Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction",'
        f'"Resource":"{ARN}","Condition":{{"ArnLike":{{"AWS:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/r"}}}}}}]}}'
    )
    with pytest.raises(ServiceError) as refused:
        cloud.call("AddPermission", FunctionName="Pay", StatementId="s", Action="a", Principal="*")
    assert refused.value.code == "ResourceConflictException"
    cloud.call("RemovePermission", FunctionName="Pay", StatementId="s")
    with pytest.raises(ServiceError):
        cloud.call("RemovePermission", FunctionName="Pay", StatementId="s")


def test_layers_have_versions(cloud: Any) -> None:
    content = {"ZipFile": cloud_zip()}
    first = cloud.call("PublishLayerVersion", LayerName="common", Content=content, CompatibleRuntimes=["python3.12"])
    second = cloud.call("PublishLayerVersion", LayerName="common", Content=content)
    assert first["LayerVersionArn"] == "arn:aws:lambda:us-east-1:000000000000:layer:common:1"
    assert second["Version"] == 2
    assert [one["Version"] for one in cloud.call("ListLayerVersions", LayerName="common")["LayerVersions"]] == [2, 1]
    (layer,) = cloud.call("ListLayers")["Layers"]
    assert layer["LatestMatchingVersion"]["Version"] == 2
    created = cloud.create("Pay", Layers=[first["LayerVersionArn"]])
    assert created["Layers"] == [{"Arn": first["LayerVersionArn"], "CodeSize": first["Content"]["CodeSize"]}]
    cloud.call("DeleteLayerVersion", LayerName="common", VersionNumber=2)
    with pytest.raises(ServiceError):
        cloud.call("GetLayerVersion", LayerName="common", VersionNumber=2)
    assert cloud.call("GetLayerVersionByArn", Arn=first["LayerVersionArn"])["Version"] == 1


def cloud_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("python/common.py", "x = 1")
    return content.getvalue()


def test_code_is_counted_by_its_digest_and_size_for_every_version(cloud: Any, tmp_path: Path) -> None:
    # Source: FunctionConfiguration, CodeSha256 ("The SHA256 hash of the function's deployment package"), CodeSize.
    content = zipped(app="def handler(event, context): return 1")
    made = cloud.create("Pay", Code={"ZipFile": content})
    digest = b64encode(sha256(content).digest()).decode()
    assert (made["CodeSize"], made["CodeSha256"]) == (len(content), digest)
    assert cloud.call("PublishVersion", FunctionName="Pay", CodeSha256=digest)["CodeSha256"] == digest
    cloud.call("PublishLayerVersion", LayerName="common", Content={"ZipFile": content})
    used = 3 * len(content)
    assert cloud.call("GetAccountSettings")["AccountUsage"]["TotalCodeSize"] == used
    (tmp_path / "package").mkdir()
    (tmp_path / "app.py").write_text("x" * 100)
    (tmp_path / "package" / "more.py").write_text("x" * 11)
    local = {"S3Bucket": "__local__", "S3Key": str(tmp_path)}
    first = cloud.create("Local", Code={**local, "S3ObjectVersion": "one"})
    assert first["CodeSize"] == 111
    again = cloud.call("UpdateFunctionCode", FunctionName="Local", **local, S3ObjectVersion="one")
    other = cloud.call("UpdateFunctionCode", FunctionName="Local", **local, S3ObjectVersion="two")
    assert again["CodeSha256"] == first["CodeSha256"] != other["CodeSha256"]
    cloud.call("DeleteFunction", FunctionName="Pay")
    assert cloud.call("GetAccountSettings")["AccountUsage"]["TotalCodeSize"] == len(content) + 111


def test_an_account_has_room_for_75_gb_of_code(cloud: Any) -> None:
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    cloud.create("Pay")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:Pay"

    def grow(work: Work) -> None:
        latest = work.get(VERSIONS, arn, "$LATEST")
        assert latest is not None
        work.put(VERSIONS, replace(latest, code_size=80_530_636_800))

    cloud.world.run(grow)
    layer = {"LayerName": "common", "Content": {"ZipFile": cloud_zip()}}
    for operation, request in (("PublishVersion", {"FunctionName": "Pay"}), ("PublishLayerVersion", layer)):
        with pytest.raises(ServiceError, match="Code storage limit exceeded") as refused:
            cloud.call(operation, **request)
        assert refused.value.code == "CodeStorageExceededException"
    with pytest.raises(ServiceError, match="Code storage limit exceeded"):
        cloud.create("Other")
    assert cloud.call("UpdateFunctionCode", FunctionName="Pay", ZipFile=cloud_zip())["CodeSize"] < 1000


def test_an_account_counts_what_it_has(cloud: Any) -> None:
    cloud.create("Pay")
    cloud.call("PutFunctionConcurrency", FunctionName="Pay", ReservedConcurrentExecutions=5)
    settings = cloud.call("GetAccountSettings")
    assert settings["AccountUsage"]["FunctionCount"] == 1
    assert settings["AccountUsage"]["TotalCodeSize"] > 0
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 995
