"""How data flows through a state: InputPath, Parameters, ResultSelector, ResultPath, OutputPath.

Theory of operation
-------------------
Everything is compiled when the definition is read. What does nothing (no field, ``$``, a template without ``.$``) costs nothing when
the state runs: ``DataFlow`` holds None for it. Data is never changed: a template makes new objects, a put copies along its path.

Two wordings exist for a path that finds nothing. Fields that *are* a path (InputPath, OutputPath, ItemsPath, TimeoutSecondsPath)
say "Invalid path '$.a.b' : Missing property in path $['a']"; expressions (``name.$``, ErrorPath, CausePath) say
"The JSONPath '$.a' specified for the field 'name.$' could not be found in the input '{}'".

Source: https://states-language.net/#filters and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from interstate.base.ids import Entropy
from interstate.base.json import JSON, JSONObject, dumps
from interstate.core.asl.errors import RESULT_PATH_MATCH_FAILURE, RUNTIME, InvalidField, StateFailed
from interstate.core.asl.intrinsics import Evaluate, InvalidIntrinsic, compile_call, is_call
from interstate.core.asl.query import compile_query
from interstate.core.asl.template import Template
from interstate.core.jsonpath.path import ContextObject, InvalidPath, NoSuchPath, Path, Select, compile_path
from interstate.core.jsonpath.put import Unputtable, put

# Paths -----------------------------------------------------------------------------------------------------------


def compile_selector(text: JSON, place: str) -> Select | None:
    """Compile a field that is a path; None for ``$``, which selects what it is given.

    The selector fails the state with "Invalid path ..." when nothing is there.

    Raises:
        InvalidField: the text is no path.
    """
    if text is None:
        return _nothing
    path = _path(text, place)
    if path.text == "$":
        return None
    select = path.select

    def selected(data: JSON, context: ContextObject) -> JSON:
        try:
            return select(data, context)
        except NoSuchPath as error:
            raise StateFailed(RUNTIME, str(error)) from error

    return selected


def _nothing(_data: JSON, _context: ContextObject) -> JSON:
    """InputPath and OutputPath null: the data is dropped."""
    return {}


def _path(text: JSON, place: str) -> Path:
    if not isinstance(text, str):
        raise InvalidField("Expected value of type String", place)
    try:
        return compile_path(text)
    except InvalidPath as error:
        raise InvalidField(f"Value is not a valid JSONPath: {error.reason}", place) from error


# Expressions and templates ---------------------------------------------------------------------------------------


def compile_expression(text: JSON, field: str, place: str) -> Template:
    """Compile the value of ``field`` (``ErrorPath``, ``name.$``): a path, or a call of an intrinsic function.

    Raises:
        InvalidField: it is neither.
    """
    fault = f"The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call"
    if not isinstance(text, str):
        raise InvalidField(fault, place)
    try:
        return Template(compile_call(text) if is_call(text) else _found(compile_path(text), field))
    except (InvalidPath, InvalidIntrinsic) as error:
        raise InvalidField(fault, place) from error


def _found(path: Path, field: str) -> Evaluate:
    select, text = path.select, path.text

    def evaluate(data: JSON, context: ContextObject, _: Entropy) -> JSON:
        try:
            return select(data, context)
        except NoSuchPath as error:
            raise StateFailed(
                RUNTIME,
                f"The JSONPath '{text}' specified for the field '{field}' could not be found in the input '{dumps(data)}'",
            ) from error

    return evaluate


def compile_template(template: JSON, place: str) -> Template:
    """Compile a payload template: JSON in which the names that end in ``.$`` have a path or a call as their value.

    Raises:
        InvalidField: such a value is neither.
    """
    return Template(_built(template, place) or _constant(template))


def _built(template: JSON, place: str) -> Evaluate | None:
    """None for a part that holds no expression: it stands for itself."""
    match template:
        case dict():
            return _built_object(template, place)
        case list():
            return _built_array(template, place)
        case _:
            return None


def _built_object(template: JSONObject, place: str) -> Evaluate | None:
    parts: list[tuple[str, Evaluate]] = []
    dynamic = False
    for name, value in template.items():
        if name.endswith(".$"):
            if name[:-2] in template:
                raise InvalidField(f"The field '{name[:-2]}' is given twice, as itself and as '{name}'", place)
            evaluate: Evaluate | None = compile_expression(value, name, place).evaluate
            name = name[:-2]
        else:
            evaluate = _built(value, f"{place}/{name}")
        dynamic = dynamic or evaluate is not None
        parts.append((name, evaluate or _constant(value)))
    if not dynamic:
        return None
    return lambda data, context, entropy: {name: evaluate(data, context, entropy) for name, evaluate in parts}


def _built_array(template: list[JSON], place: str) -> Evaluate | None:
    parts = [_built(item, f"{place}[{index}]") for index, item in enumerate(template)]
    if not any(parts):
        return None
    items = [part or _constant(item) for part, item in zip(parts, template, strict=True)]
    return lambda data, context, entropy: [item(data, context, entropy) for item in items]


def _constant(value: JSON) -> Evaluate:
    return lambda data, context, entropy: value  # noqa: ARG005 - all parts have one form


# ResultPath ------------------------------------------------------------------------------------------------------

Put = Callable[[JSON, JSON], JSON]


def compile_result_path(text: JSON, place: str) -> Put | None:
    """Compile a ResultPath into (raw input, result) -> output; None for ``$``, where the result is the output.

    The put fails the state with ``States.ResultPathMatchFailure`` when the input has no place for the result.

    Raises:
        InvalidField: the text is no reference path into the input.
    """
    if text is None:
        return lambda raw, result: raw  # noqa: ARG005 - the result is dropped
    path = _path(text, place)
    if not path.is_reference or path.in_context or path.variable is not None:
        raise InvalidField("Value is not a Reference Path: it must name one place in the input", place)
    if not path.steps:
        return None

    def placed(raw: JSON, result: JSON) -> JSON:
        try:
            return put(raw, path, result)
        except Unputtable as error:
            raise StateFailed(
                RESULT_PATH_MATCH_FAILURE, f"Unable to apply ReferencePath {path.text} to input {dumps(raw)}"
            ) from error

    return placed


# A state's whole flow --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DataFlow:
    """What a state does to its data. None means: nothing; test for it where each nanosecond counts.

    ``parameters`` are JSONata's Arguments too, ``queried`` is its Output; ``assign`` is of the state's language. A state of JSONata
    has nothing else.
    """

    input_path: Select | None = None
    parameters: Template | None = None
    result_selector: Template | None = None
    result_path: Put | None = None
    output_path: Select | None = None
    assign: Template | None = None
    queried: Template | None = None
    jsonata: bool = False

    def effective_input(self, raw: JSON, context: ContextObject, entropy: Entropy) -> JSON:
        """The input as the state's work sees it: InputPath, then Parameters.

        Raises:
            StateFailed: a path leads nowhere, or a function refuses.
        """
        data = raw if self.input_path is None else self.input_path(raw, context)
        return data if self.parameters is None else self.parameters.evaluate(data, context, entropy)

    def output(self, raw: JSON, result: JSON, context: ContextObject, entropy: Entropy) -> JSON:
        """The state's output: ResultSelector, then ResultPath into the raw input, then OutputPath.

        Raises:
            StateFailed: as above, or the raw input has no place for the result.
        """
        if self.result_selector is not None:
            result = self.result_selector.evaluate(result, context, entropy)
        output = result if self.result_path is None else self.result_path(raw, result)
        return output if self.output_path is None else self.output_path(output, context)


PASS_THROUGH = DataFlow()
_BY_QUERIES = DataFlow(jsonata=True)


def compile_dataflow(state: Mapping[str, JSON], place: str) -> DataFlow:
    """Compile the six fields of a JSONPath state; those that it lacks do nothing.

    Raises:
        InvalidField: one of them says something that the language does not know.
    """

    def template(name: str) -> Template | None:
        return compile_template(state[name], f"{place}/{name}") if name in state else None

    flow = DataFlow(
        input_path=compile_selector(state.get("InputPath", "$"), f"{place}/InputPath"),
        parameters=template("Parameters"),
        result_selector=template("ResultSelector"),
        result_path=compile_result_path(state.get("ResultPath", "$"), f"{place}/ResultPath"),
        output_path=compile_selector(state.get("OutputPath", "$"), f"{place}/OutputPath"),
        assign=compile_assign(state, place, jsonata=False),
    )
    return PASS_THROUGH if flow == PASS_THROUGH else flow


_INPUT = frozenset({"input", "context"})
_RESULT = frozenset({"input", "context", "result"})
_ERROR = frozenset({"input", "context", "errorOutput"})


def compile_queries(state: Mapping[str, JSON], place: str, *, has_result: bool) -> DataFlow:
    """Compile Arguments, Output and Assign of a JSONata state; ``has_result`` tells whether it has ``$states.result``.

    Raises:
        InvalidField: as above.
    """
    allowed = _RESULT if has_result else _INPUT

    def query(name: str, allowed: frozenset[str]) -> Template | None:
        return compile_query(state[name], name, f"{place}/{name}", allowed=allowed) if name in state else None

    flow = DataFlow(
        parameters=query("Arguments", _INPUT),
        queried=query("Output", allowed),
        assign=compile_assign(state, place, jsonata=True, allowed=allowed),
        jsonata=True,
    )
    return _BY_QUERIES if flow == _BY_QUERIES else flow


VARIABLE_NAME_LENGTH_MAX = 80
_NAME = re.compile(r"[^\W\d]\w*\Z")


def compile_assign(
    given: Mapping[str, JSON], place: str, *, jsonata: bool, allowed: frozenset[str] = _INPUT, field: str = "Assign"
) -> Template | None:
    """Compile an ``Assign``; None where there is none.

    Raises:
        InvalidField: it is no object, a name is none for a variable, or a value is none of the language.
    """
    if "Assign" not in given:
        return None
    assign, here = given["Assign"], f"{place}/Assign"
    if not isinstance(assign, dict):
        raise InvalidField("Expected value of type Object", here)
    for name in assign:
        bare = name if jsonata else name.removesuffix(".$")
        if not _NAME.match(bare) or bare == "states" or len(bare) > VARIABLE_NAME_LENGTH_MAX:
            raise InvalidField(f"Invalid variable name: {bare}", here)
    if jsonata:
        return compile_query(assign, field, here, allowed=allowed)
    return replace(compile_template(assign, here), given=assign)


def compile_catch_query(value: JSON, field: str, place: str) -> Template:
    """Compile a JSONata Catcher's ``Output``.

    Raises:
        InvalidField: it is none of the language.
    """
    return compile_query(value, field, place, allowed=_ERROR)
