"""Reading a definition's fields, collecting what is wrong instead of stopping at it."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from interstate.base.json import JSON, JSONObject
from interstate.core.asl.errors import Code, InvalidField
from interstate.core.asl.faults import Fault

T = TypeVar("T")

REQUIRED = "These fields are required: [{}]"


class Reader:
    """The faults found so far, and how fields are read. A field that is wrong reads as its default."""

    def __init__(self, *, express: bool, is_known: Callable[[str], bool] | None) -> None:
        self.faults: list[Fault] = []
        self.express = express
        self.is_known = is_known

    def fault(self, message: str, place: str, code: Code = "SCHEMA_VALIDATION_FAILED") -> None:
        """Note a fault."""
        self.faults.append(Fault(code, message, place))

    def required(self, given: JSONObject, names: Iterable[str], place: str) -> bool:
        """Whether all of ``names`` are there."""
        missing = [name for name in names if name not in given]
        if missing:
            self.fault(REQUIRED.format(", ".join(missing)), place)
        return not missing

    def only(self, given: JSONObject, names: frozenset[str], place: str) -> None:
        """Note fields that the language does not know here."""
        for name in given:
            if name not in names:
                self.fault(f"Field '{name}' is not supported", place)

    def object(self, given: JSON, place: str) -> JSONObject | None:
        """An object, or None."""
        if isinstance(given, dict):
            return given
        self.fault("Expected value of type Object", place)
        return None

    def array(self, given: JSONObject, name: str, place: str, *, empty: bool = True) -> list[JSON]:
        """The array at ``name``; [] when it is missing or wrong."""
        value = given.get(name, [])
        if not isinstance(value, list):
            self.fault("Expected value of type Array", f"{place}/{name}")
            return []
        if name in given and not value and not empty:
            self.fault("Value cannot be empty", f"{place}/{name}")
        return value

    def string(self, given: JSONObject, name: str, place: str) -> str | None:
        """The string at ``name``, or None."""
        value = given.get(name)
        if name in given and not isinstance(value, str):
            self.fault("Expected value of type String", f"{place}/{name}")
            return None
        return value

    def integer(self, given: JSONObject, name: str, place: str, least: int, most: int) -> int | None:
        """The integer at ``name``, or None."""
        if name not in given:
            return None
        value = given[name]
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault("Expected value of type Integer", f"{place}/{name}")
            return None
        if value < least:
            self.fault(f"Value is less than {least}", f"{place}/{name}")
            return None
        if value > most:
            self.fault(f"Value is more than {most}", f"{place}/{name}")
            return None
        return value

    def number(self, given: JSONObject, name: str, place: str, least: float) -> float | None:
        """The number at ``name``, or None."""
        if name not in given:
            return None
        value = given[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault("Expected value of type Number", f"{place}/{name}")
            return None
        if value < least:
            self.fault(f"Value is less than {least}", f"{place}/{name}")
            return None
        return float(value)

    def compiled(self, compile_: Callable[[], T], default: T) -> T:
        """What ``compile_`` makes, or ``default`` after noting what it refuses."""
        try:
            return compile_()
        except InvalidField as error:
            self.fault(error.message, error.place, error.code)
            return default

    def exactly_one(self, given: JSONObject, names: tuple[str, ...], place: str) -> str | None:
        """Which of ``names`` is there, if it is one."""
        found = [name for name in names if name in given]
        if len(found) == 1:
            return found[0]
        if found:
            self.fault(f"There should only be one of the following fields: [{', '.join(names)}]", place)
        else:
            self.fault(f"This object should have only one of the following fields: [{', '.join(names)}]", place)
        return None

    def at_most_one(self, given: JSONObject, names: tuple[str, ...], place: str) -> bool:
        """Whether not more than one of ``names`` is there."""
        if sum(name in given for name in names) <= 1:
            return True
        self.exactly_one(given, names, place)
        return False

    def one_of(self, given: JSONObject, name: str, place: str, known: tuple[str, ...]) -> str | None:
        """The string at ``name``, if it is one of those known."""
        value = given.get(name)
        if name not in given or value in known:  # A tuple: the value may be of any type.
            return value
        self.fault(f"Value should be one of the following: [{', '.join(known)}]", f"{place}/{name}")
        return None
