from typing import Any

from interstate.core.templates.sam import (
    Kind,
    LocalPath,
    code_address,
    definition_address,
    local_paths,
    with_content,
    with_definitions,
)

DOCUMENT: dict[str, Any] = {
    "Globals": {"Function": {"CodeUri": "src", "Timeout": 3}},
    "Resources": {
        "F": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "functions/f", "Handler": "a.b"}},
        "G": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "s3://bucket/key"}},
        "H": {"Type": "AWS::Serverless::Function", "Properties": {"InlineCode": "x"}},
        "L": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "layer"}},
        "P": {"Type": "AWS::Lambda::Function", "Properties": {"Code": "plain"}},
        "Z": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": "x"}}},
        "S": {"Type": "AWS::Serverless::StateMachine", "Properties": {"DefinitionUri": "s.asl.json"}},
        "A": {"Type": "AWS::Serverless::HttpApi", "Properties": {"DefinitionUri": "api.yaml"}},
        "Q": {"Type": "AWS::SQS::Queue"},
        "N": {"Type": "AWS::Serverless::Function"},
        "Broken": 1,
    },
}


def properties(name: str) -> tuple[str, ...]:
    return ("Resources", name, "Properties")


def test_every_path_beside_the_template_is_found() -> None:
    assert local_paths(DOCUMENT) == [
        LocalPath(("Globals", "Function", "CodeUri"), Kind.CODE, "src"),
        LocalPath((*properties("F"), "CodeUri"), Kind.CODE, "functions/f"),
        LocalPath((*properties("L"), "ContentUri"), Kind.CODE, "layer"),
        LocalPath((*properties("P"), "Code"), Kind.CODE_S3, "plain"),
        LocalPath((*properties("S"), "DefinitionUri"), Kind.STATE_MACHINE, "s.asl.json"),
        LocalPath((*properties("A"), "DefinitionUri"), Kind.OPENAPI, "api.yaml"),
    ]


def test_a_template_without_resources_has_no_paths() -> None:
    assert local_paths({"Resources": []}) == []


def test_content_takes_the_place_of_paths_and_the_document_stays() -> None:
    body = {"openapi": "3.0.1"}
    found = with_content(
        DOCUMENT,
        {
            (*properties("F"), "CodeUri"): code_address(Kind.CODE, "/app/functions/f", "d1"),
            (*properties("P"), "Code"): code_address(Kind.CODE_S3, "/app/plain", "d2"),
            (*properties("S"), "DefinitionUri"): definition_address("{}"),
            (*properties("A"), "DefinitionUri"): body,
        },
    )
    resources = found["Resources"]
    assert resources["F"]["Properties"] == {
        "CodeUri": {"Bucket": "__local__", "Key": "/app/functions/f", "Version": "d1"},
        "Handler": "a.b",
    }
    assert resources["P"]["Properties"]["Code"] == {
        "S3Bucket": "__local__",
        "S3Key": "/app/plain",
        "S3ObjectVersion": "d2",
    }
    assert resources["S"]["Properties"]["DefinitionUri"] == {"Bucket": "__inline__", "Key": "{}"}
    assert resources["A"]["Properties"] == {"DefinitionBody": body}
    assert DOCUMENT["Resources"]["F"]["Properties"]["CodeUri"] == "functions/f"


def test_what_is_no_template_stays_what_it_is() -> None:
    assert with_definitions({"Resources": None}) == {"Resources": None}


def test_a_definition_comes_out_of_the_transform_as_text() -> None:
    machine = "AWS::StepFunctions::StateMachine"
    elsewhere = {"Type": machine, "Properties": {"DefinitionS3Location": {"Bucket": "b", "Key": "k"}}}
    document = {
        "Resources": {
            "S": {
                "Type": machine,
                "Properties": {"DefinitionS3Location": definition_address("{}"), "RoleArn": "r"},
                "DependsOn": ["Q"],
            },
            "E": elsewhere,
            "Q": {"Type": "AWS::SQS::Queue"},
        }
    }
    assert with_definitions(document)["Resources"] == {
        "S": {"Type": machine, "Properties": {"RoleArn": "r", "DefinitionString": "{}"}, "DependsOn": ["Q"]},
        "E": elsewhere,
        "Q": {"Type": "AWS::SQS::Queue"},
    }
