"""Metric math: expressions over time series.

A value is a number, a series (instant to number), or a list of series. Two series meet at the instants that both have.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (syntax and functions)
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from interstate.base.time import EPOCH
from interstate.core.metrics.syntax import ExpressionError, Node, parse

Series = dict[datetime, float]
Value = float | Series | list[Series] | str


class NotBuilt(ValueError):
    """The function exists in CloudWatch and not here."""


class Environment(msgspec.Struct):
    """What an expression knows: the values of other queries by id, which of them are metrics, and the period."""

    values: Mapping[str, Value]
    metrics: Sequence[str]
    period: timedelta
    instants: Sequence[datetime]


def evaluate(text: str, environment: Environment) -> Value:
    """The value of an expression.

    Raises:
        ExpressionError: it is none, or its parts do not go together.
        NotBuilt: a function that is not here.
    """
    return _value(parse(text), environment)


def _value(node: Node, environment: Environment) -> Value:
    kind, parts = node
    match kind:
        case "number":
            return float(parts[0])  # type: ignore[arg-type]  # a number node holds a float
        case "text":
            return str(parts[0])
        case "id":
            name = str(parts[0])
            if name not in environment.values:
                raise ExpressionError(f"'{name}' is not the id of a query")
            return environment.values[name]
        case "list":
            found: list[Series] = []
            for part in parts:
                value = _value(part, environment)  # type: ignore[arg-type]  # a list node holds nodes
                found += value if isinstance(value, list) else [_series(value, environment)]
            return found
        case "op":
            sign, left, right = parts
            values = [_value(one, environment) for one in (left, right)]  # type: ignore[arg-type]  # nodes
            return _pairwise(_OPERATORS[str(sign)], *values)
        case _:
            function, *arguments = parts
            return _call(str(function), arguments, environment)  # type: ignore[arg-type]  # nodes


def _divided(left: float, right: float) -> float | None:
    return left / right if right else None


def _raised(left: float, right: float) -> float | None:
    try:
        found = left**right
    except (OverflowError, ZeroDivisionError):
        return None
    return found if isinstance(found, float) else None


def _truth(test: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda left, right: float(test(left, right))


_OPERATORS: dict[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "^": _raised,
    "==": _truth(operator.eq),
    "!=": _truth(operator.ne),
    "<": _truth(operator.lt),
    "<=": _truth(operator.le),
    ">": _truth(operator.gt),
    ">=": _truth(operator.ge),
    "&&": _truth(lambda left, right: bool(left and right)),
    "||": _truth(lambda left, right: bool(left or right)),
    "AND": _truth(lambda left, right: bool(left and right)),
    "OR": _truth(lambda left, right: bool(left or right)),
}


def _pairwise(apply: Callable[[float, float], float | None], left: Value, right: Value) -> Value:
    if isinstance(left, str) or isinstance(right, str):
        raise ExpressionError("a text has no place there")
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise ExpressionError("two lists of series must have as many each")
        return [_of(apply, one, other) for one, other in zip(left, right, strict=True)]
    if isinstance(left, list):
        return [_of(apply, one, right) for one in left]  # type: ignore[arg-type]  # no list: excluded above
    if isinstance(right, list):
        return [_of(apply, left, one) for one in right]
    if isinstance(left, float) and isinstance(right, float):
        found = apply(left, right)
        return math.nan if found is None else found
    return _of(apply, left, right)


def _of(apply: Callable[[float, float], float | None], left: float | Series, right: float | Series) -> Series:
    pairs: list[tuple[datetime, float, float]]
    if isinstance(left, dict):
        if isinstance(right, dict):
            pairs = [(at, value, right[at]) for at, value in left.items() if at in right]
        else:
            pairs = [(at, value, right) for at, value in left.items()]
    else:
        assert isinstance(right, dict), right
        pairs = [(at, left, value) for at, value in right.items()]
    made = ((at, apply(one, other)) for at, one, other in pairs)
    return {at: value for at, value in made if value is not None}


def _series(value: Value, environment: Environment) -> Series:
    if isinstance(value, float):
        return dict.fromkeys(environment.instants, value)
    if isinstance(value, dict):
        return value
    raise ExpressionError("a time series is needed there")


_REFUSED = (
    *("ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA", "SEARCH", "SERVICE_QUOTA"),
    *("DATAPOINT_COUNT_UNIQUE",),
)


def _call(name: str, nodes: Sequence[Node], environment: Environment) -> Value:
    if name == "METRICS":
        return _metrics([_value(node, environment) for node in nodes], environment)
    if name in _REFUSED:
        raise NotBuilt(f"the metric math function {name}")
    function = _FUNCTIONS.get(name)
    if function is None:
        raise ExpressionError(f"there is no function '{name}'")
    arguments = [_value(node, environment) for node in nodes]
    try:
        return function(arguments, environment)
    except (IndexError, ValueError, TypeError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(f"the arguments of '{name}' do not fit") from error


def _metrics(arguments: Sequence[Value], environment: Environment) -> list[Series]:
    names = [name for name in environment.metrics if not arguments or str(arguments[0]) in name]
    return [_series(environment.values[name], environment) for name in names]


Function = Callable[[Sequence[Value], Environment], Value]


def _each(apply: Callable[[float], float | None]) -> Function:
    def each(arguments: Sequence[Value], _environment: Environment) -> Value:
        [value] = arguments
        return _mapped(apply, value)

    return each


def _mapped(apply: Callable[[float], float | None], value: Value) -> Value:
    if isinstance(value, float):
        found = apply(value)
        return math.nan if found is None else found
    if isinstance(value, dict):
        made = ((at, apply(one)) for at, one in value.items())
        return {at: one for at, one in made if one is not None}
    if isinstance(value, list):
        return [_mapped(apply, one) for one in value]  # type: ignore[misc]  # series become series
    raise ExpressionError("a text has no place there")


def _over(reduce: Callable[[Sequence[float]], float]) -> Function:
    """One number of a series; of several series, one series."""

    def over(arguments: Sequence[Value], _environment: Environment) -> Value:
        [value] = arguments
        if isinstance(value, float):
            return value
        if isinstance(value, dict):
            return reduce(list(value.values())) if value else math.nan
        if isinstance(value, str):
            raise ExpressionError("a text has no place there")
        found: dict[datetime, list[float]] = {}
        for series in value:
            for at, one in series.items():
                found.setdefault(at, []).append(one)
        return {at: reduce(values) for at, values in found.items()}

    return over


def _deviation(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def _by_series(apply: Callable[[Series, Environment], Series]) -> Function:
    def by_series(arguments: Sequence[Value], environment: Environment) -> Value:
        [value] = arguments
        if isinstance(value, list):
            return [apply(one, environment) for one in value]
        return apply(_series(value, environment), environment)

    return by_series


def _steps(value: Series) -> list[tuple[datetime, float, datetime, float]]:
    order = sorted(value)
    return [(at, value[at], before, value[before]) for before, at in pairwise(order)]


def _rate(value: Series, _environment: Environment) -> Series:
    return {at: (one - other) / (at - before).total_seconds() for at, one, before, other in _steps(value)}


def _diff(value: Series, _environment: Environment) -> Series:
    return {at: one - other for at, one, _, other in _steps(value)}


def _diff_time(value: Series, _environment: Environment) -> Series:
    return {at: (at - before).total_seconds() for at, _, before, _ in _steps(value)}


def _running(value: Series, _environment: Environment) -> Series:
    total, found = 0.0, {}
    for at in sorted(value):
        total += value[at]
        found[at] = total
    return found


def _fill(arguments: Sequence[Value], environment: Environment) -> Value:
    value, filler = arguments
    if isinstance(value, list):
        return [_filled(one, filler, environment) for one in value]
    return _filled(_series(value, environment), filler, environment)


def _filled(value: Series, filler: Value, environment: Environment) -> Series:
    if isinstance(filler, dict):
        return {
            at: value.get(at, filler.get(at, math.nan)) for at in environment.instants if at in value or at in filler
        }
    if isinstance(filler, float):
        return {at: value.get(at, filler) for at in environment.instants}
    if filler == "REPEAT":
        return _repeated(value, environment.instants)
    if filler == "LINEAR":
        return _linear(value, environment.instants)
    raise ExpressionError("FILL takes a number, a series, REPEAT or LINEAR")


def _repeated(value: Series, instants: Sequence[datetime]) -> Series:
    found: Series = {}
    last: float | None = None
    for at in sorted(instants):
        last = value.get(at, last)
        if last is not None:
            found[at] = last
    return found


def _linear(value: Series, instants: Sequence[datetime]) -> Series:
    known = sorted(value)
    found = dict(value)
    for at in instants:
        if at in value or not known or not known[0] < at < known[-1]:
            continue
        before, after = max(one for one in known if one < at), min(one for one in known if one > at)
        share = (at - before) / (after - before)
        found[at] = value[before] + (value[after] - value[before]) * share
    return found


def _if(arguments: Sequence[Value], environment: Environment) -> Value:
    condition, yes, *rest = arguments
    no = rest[0] if rest else None
    if isinstance(condition, float):
        chosen = yes if condition else no
        return {} if chosen is None else chosen
    tests = _series(condition, environment)

    def at(value: Value | None, instant: datetime) -> float | None:
        if value is None or isinstance(value, float):
            return value
        return _series(value, environment).get(instant)

    made = ((instant, at(yes if test else no, instant)) for instant, test in tests.items())
    return {instant: value for instant, value in made if value is not None}


def _end(*, last: bool) -> Function:
    def end(arguments: Sequence[Value], _environment: Environment) -> Value:
        [value] = arguments
        if isinstance(value, list):
            return value[-1 if last else 0]
        if isinstance(value, dict):
            return value[max(value) if last else min(value)] if value else math.nan
        return value

    return end


def _sort(arguments: Sequence[Value], environment: Environment) -> Value:
    value, by, order, *count = arguments
    if not isinstance(value, list) or by not in ("AVG", "MAX", "MIN", "SUM") or order not in ("ASC", "DESC"):
        raise ExpressionError("SORT takes series, AVG, MAX, MIN or SUM, and ASC or DESC")
    reduce = _FUNCTIONS[str(by)]
    ordered = sorted(value, key=lambda one: float(reduce([one], environment)), reverse=order == "DESC")  # type: ignore[arg-type]  # a number of a series
    return ordered[: int(count[0])] if count else ordered  # type: ignore[arg-type]  # checked by the caller


def _slice(arguments: Sequence[Value], _environment: Environment) -> Value:
    value, *places = arguments
    first, last = (int(places[0]), int(places[1]) if len(places) > 1 else None)  # type: ignore[arg-type]  # checked by the caller
    if isinstance(value, list):
        return value[first:last] if last is not None else value[first]
    if not isinstance(value, dict):
        raise ExpressionError("SLICE takes series")
    return {at: value[at] for at in sorted(value)[first:last]}


def _when(read: Callable[[datetime], float]) -> Function:
    return _by_series(lambda value, _environment: {at: read(at) for at in value})


def _log(base: float | None) -> Callable[[float], float | None]:
    return lambda value: None if value <= 0 else (math.log10(value) if base else math.log(value))


_FUNCTIONS: dict[str, Function] = {
    "ABS": _each(abs),
    "AVG": _over(lambda values: sum(values) / len(values)),
    "CEIL": _each(lambda value: float(math.ceil(value))),
    "DATAPOINT_COUNT": _over(lambda values: float(len(values))),
    "DATE": _when(lambda at: float(at.day)),
    "DAY": _when(lambda at: float(at.isoweekday())),
    "DIFF": _by_series(_diff),
    "DIFF_TIME": _by_series(_diff_time),
    "EPOCH": _when(lambda at: (at - EPOCH).total_seconds()),
    "FILL": _fill,
    "FIRST": _end(last=False),
    "FLOOR": _each(lambda value: float(math.floor(value))),
    "HOUR": _when(lambda at: float(at.hour)),
    "IF": _if,
    "LAST": _end(last=True),
    "LOG": _each(_log(None)),
    "LOG10": _each(_log(10)),
    "MAX": _over(max),
    "MIN": _over(min),
    "MINUTE": _when(lambda at: float(at.minute)),
    "MONTH": _when(lambda at: float(at.month)),
    "PERIOD": lambda _arguments, environment: environment.period.total_seconds(),
    "RATE": _by_series(_rate),
    "REMOVE_EMPTY": lambda arguments, _environment: [one for one in arguments[0] if one],  # type: ignore[misc,union-attr]  # series
    "RUNNING_SUM": _by_series(_running),
    "SLICE": _slice,
    "SORT": _sort,
    "STDDEV": _over(_deviation),
    "SUM": _over(sum),
    "TIME_SERIES": lambda arguments, environment: _series(arguments[0], environment),
    "YEAR": _when(lambda at: float(at.year)),
}
_WORDS = ("REPEAT", "LINEAR", "AVG", "MAX", "MIN", "SUM", "ASC", "DESC")
"""Names without parentheses that are words of functions, not ids."""


def words() -> dict[str, Value]:
    """The words of functions, as values."""
    return {word: word for word in _WORDS}
