"""An instance with one table, and its calls."""

from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.services.dynamodb import SERVICES

ATTRIBUTES = {"pk": "S", "sk": "N", "colour": "S", "rank": "N", "owner": "S"}


def definitions(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": ATTRIBUTES[name]} for name in names]


def key_schema(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


class Tables:
    """A world that speaks DynamoDB."""

    def __init__(self) -> None:
        self.world = World(SERVICES)

    def __call__(self, operation: str, **members: Any) -> Any:
        return self.world.call("dynamodb", operation, members)

    def streams(self, operation: str, **members: Any) -> Any:
        return self.world.call("dynamodbstreams", operation, members)

    def refused(self, operation: str, **members: Any) -> ServiceError:
        with pytest.raises(ServiceError) as refusal:
            self(operation, **members)
        return refusal.value

    def message(self, operation: str, **members: Any) -> str:
        return self.refused(operation, **members).message

    def put(self, table: str = "things", /, **item: Any) -> Any:
        """Put an item of plain values: texts and numbers."""
        return self("PutItem", TableName=table, Item={name: typed(value) for name, value in item.items()})

    def get(self, pk: str, sk: int = 0, table: str = "things") -> Any:
        """The item, or None."""
        return self("GetItem", TableName=table, Key=key(pk, sk)).get("Item")


def typed(value: Any) -> dict[str, Any]:
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def key(pk: str, sk: int = 0) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"N": str(sk)}}


@pytest.fixture
def tables() -> Iterator[Tables]:
    """``things``: partition key pk (S), sort key sk (N), paid per request."""
    made = Tables()
    made(
        "CreateTable",
        TableName="things",
        AttributeDefinitions=definitions("pk", "sk"),
        KeySchema=key_schema("pk", "sk"),
        BillingMode="PAY_PER_REQUEST",
    )
    yield made
    made.world.close()


@pytest.fixture
def indexed() -> Iterator[Tables]:
    """``things`` with byColour (global: colour, rank; keys only), byOwner (global: owner; all), byRank (local: rank)."""
    made = Tables()
    made(
        "CreateTable",
        TableName="things",
        AttributeDefinitions=definitions("pk", "sk", "colour", "rank", "owner"),
        KeySchema=key_schema("pk", "sk"),
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byColour",
                "KeySchema": key_schema("colour", "rank"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {"IndexName": "byOwner", "KeySchema": key_schema("owner"), "Projection": {"ProjectionType": "ALL"}},
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "byRank",
                "KeySchema": key_schema("pk", "rank"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
            }
        ],
    )
    yield made
    made.world.close()
