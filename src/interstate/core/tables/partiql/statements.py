"""What PartiQL statements mean once they are parsed.

Conditions and updates are the trees of the expression languages: every name in a path stands as ``#n`` in ``names``, every
literal and parameter as ``:n`` in ``values``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from interstate.core.tables.expressions.tree import Condition, Path, Update
from interstate.core.tables.values import Item, Value


@dataclass(frozen=True, slots=True)
class Names:
    """What placeholders of a statement stand for."""

    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Select:
    """``SELECT columns FROM "table"."index" WHERE ... ORDER BY ...``; no columns: all."""

    table: str
    index: str | None
    columns: tuple[Path, ...]
    where: Condition | None
    order: tuple[tuple[str, bool], ...]  # Attribute, and whether it ascends.
    given: Names


@dataclass(frozen=True, slots=True)
class Insert:
    """``INSERT INTO "table" VALUE {...}``."""

    table: str
    item: Item


@dataclass(frozen=True, slots=True)
class Change:
    """``UPDATE "table" SET ... REMOVE ... WHERE ... RETURNING ...``."""

    table: str
    update: Update
    where: Condition
    returning: str
    given: Names


@dataclass(frozen=True, slots=True)
class Remove:
    """``DELETE FROM "table" WHERE ... RETURNING ...``."""

    table: str
    where: Condition
    returning: str
    given: Names


@dataclass(frozen=True, slots=True)
class Exists:
    """``EXISTS(SELECT ...)``, a condition check of a transaction."""

    select: Select


Statement = Select | Insert | Change | Remove | Exists
