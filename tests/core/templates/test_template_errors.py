from interstate.core.templates.errors import UnrecognizedTypesError


def test_types_are_named_once_and_in_order() -> None:
    refused = UnrecognizedTypesError(["AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::VPC"])
    assert refused.types == ("AWS::EC2::Subnet", "AWS::EC2::VPC")
    assert "Unrecognized resource types: [AWS::EC2::Subnet, AWS::EC2::VPC]" in refused.message
