import asyncio
from pathlib import Path

import pytest

from interstate.runtime.functions.packages import (
    Requirements,
    RequirementsError,
    link_runtime_packages,
    runtime_distributions,
    wanted_requirements,
)


def test_only_aws_packages_and_what_they_need_are_linked(tmp_path: Path) -> None:
    assert {"boto3", "botocore", "urllib3", "awslambdaric", "simplejson"} <= set(runtime_distributions())
    assert not {"interstate", "msgspec", "pytest", "awscli"} & set(runtime_distributions())
    folder = link_runtime_packages(tmp_path)
    names = {entry.name for entry in folder.iterdir()}
    assert {"boto3", "botocore", "six.py"} <= names
    assert not {"msgspec", "interstate", "awscli"} & names
    assert link_runtime_packages(tmp_path) == folder


def test_what_the_runtime_has_need_not_be_installed() -> None:
    assert wanted_requirements("boto3\n# comment\n\nBotocore # here\n") == []
    assert wanted_requirements("boto3==1.0\naws-lambda-powertools>=2\n") == ["boto3==1.0", "aws-lambda-powertools>=2"]


def test_what_cannot_be_installed_is_told_with_pips_words(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("./no-such-folder-here\n")
    with pytest.raises(RequirementsError, match="no-such-folder-here"):
        asyncio.run(Requirements(tmp_path / "cache").folder_for(tmp_path))
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_without_requirements_needs_nothing(tmp_path: Path) -> None:
    assert asyncio.run(Requirements(tmp_path / "cache").folder_for(tmp_path)) is None
