"""A Map's fields, of both modes.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html and state-map-distributed.html; refusals as
answered by ValidateStateMachineDefinition.
"""

import re
from dataclasses import replace
from typing import NamedTuple

from interstate.base.json import JSON, JSONObject
from interstate.core.asl.dataflow import DataFlow, compile_template
from interstate.core.asl.definition import Distributed, ItemBatcher, ItemReader, Map, ResultWriter, State
from interstate.core.asl.parse_errors import catch_of, retry_of
from interstate.core.asl.query import compile_query, is_expression
from interstate.core.asl.scope import INTEGER_MAX, Scope, flow_of, integer_of, next_of, number_of, path_of, query_of
from interstate.core.asl.template import Template

LABEL_LENGTH_MAX = 40
_LABEL_REFUSED = re.compile(r"[\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f]")
_READER_ARN = re.compile(r"arn:[^:]+:states:[\w-]*:\d*:s3:(getObject|listObjectsV2)\Z")
_WRITER_ARN = re.compile(r"arn:[^:]+:states:[\w-]*:\d*:s3:putObject\Z")
_NOT_ALLOWED = "The field 'Resource' does not match any of the allowed values"

_READER = frozenset({"Resource", "Parameters", "Arguments", "ReaderConfig"})
_READER_CONFIG = frozenset(
    {
        "InputType",
        "CSVHeaderLocation",
        "CSVHeaders",
        "CSVDelimiter",
        "MaxItems",
        "MaxItemsPath",
        "ItemsPointer",
        "Transformation",
        "ManifestType",
    }
)
_OF_CSV = ("CSVHeaderLocation", "CSVHeaders", "CSVDelimiter")
_BATCHER = frozenset(
    {
        "MaxItemsPerBatch",
        "MaxItemsPerBatchPath",
        "MaxInputBytesPerBatch",
        "MaxInputBytesPerBatchPath",
        "BatchInput",
    }
)
_WRITER = frozenset({"Resource", "Parameters", "Arguments", "WriterConfig"})
_INPUT_TYPES = ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET")
_DELIMITERS = ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")


class _Mode(NamedTuple):
    distributed: bool
    express: bool


def parse_map(scope: Scope) -> State | None:
    """A Map."""
    reader, given, place = scope.reader, scope.given, scope.place
    which = reader.exactly_one(given, ("ItemProcessor", "Iterator"), place)
    if which is None:
        return None
    mode = _mode(scope, given[which], f"{place}/{which}")
    processor = scope.inner(given[which], f"{place}/{which}", True)  # noqa: FBT003 - a processor
    flow = _flow(scope)
    concurrency = integer_of(scope, "MaxConcurrency", 0, INTEGER_MAX)
    items = _items(scope)
    distributed = _distributed(scope, mode)
    following = next_of(scope)
    retry, catch = retry_of(scope), catch_of(scope)
    if processor is None:
        return None
    return Map(
        scope.name,
        following,
        flow,
        processor,
        path_of(scope, "ItemsPath"),
        concurrency or 0,
        retry,
        catch,
        items,
        distributed,
    )


def _flow(scope: Scope) -> DataFlow:
    reader, given, place = scope.reader, scope.given, scope.place
    flow = flow_of(
        scope._replace(given={**given, "Parameters": given["ItemSelector"]} if _selects(scope) else given),
        has_result=True,
    )
    if scope.jsonata and "ItemSelector" in given:
        selector = query_of(scope, "ItemSelector", "ItemSelector")
        return replace(flow, parameters=selector)
    reader.at_most_one(given, ("ItemSelector", "Parameters"), place)
    return flow


def _selects(scope: Scope) -> bool:
    return not scope.jsonata and "ItemSelector" in scope.given


def _items(scope: Scope) -> Template | None:
    given = scope.given.get("Items")
    if "Items" not in scope.given or not scope.jsonata:
        return None
    if not isinstance(given, list | dict) and not is_expression(given):
        scope.reader.fault("Expected value of type Array or a JSONata expression", f"{scope.place}/Items")
        return None
    return query_of(scope, "Items", "Items")


# Distributed mode ---------------------------------------------------------------------------------------------------


def _mode(scope: Scope, processor: JSON, place: str) -> _Mode:
    config = processor.get("ProcessorConfig", {}) if isinstance(processor, dict) else {}
    here = f"{place}/ProcessorConfig"
    if not isinstance(config, dict):
        scope.reader.fault("Expected value of type Object", here)
        return _Mode(distributed=False, express=False)
    scope.reader.only(config, frozenset({"Mode", "ExecutionType"}), here)
    distributed = scope.reader.one_of(config, "Mode", here, ("INLINE", "DISTRIBUTED")) == "DISTRIBUTED"
    if not distributed:
        if "ExecutionType" in config and config.get("Mode") == "INLINE":
            scope.reader.fault("Field 'ExecutionType' is not supported", here)
        return _Mode(distributed=False, express=False)
    if scope.reader.express:
        message = "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines"
        scope.reader.fault(message, f"{here}/Mode")
    scope.reader.required(config, ("ExecutionType",), here)
    kind = scope.reader.one_of(config, "ExecutionType", here, ("STANDARD", "EXPRESS"))
    return _Mode(distributed=True, express=kind == "EXPRESS")


def _distributed(scope: Scope, mode: _Mode) -> Distributed | None:
    given = scope.given
    found = Distributed(
        mode.express,
        _label(scope),
        _reader(scope) if "ItemReader" in given else None,
        _batcher(scope) if "ItemBatcher" in given else None,
        _writer(scope) if "ResultWriter" in given else None,
        integer_of(scope, "ToleratedFailureCount", 0, INTEGER_MAX),
        number_of(scope, "ToleratedFailurePercentage", 0.0, 100.0),
    )
    return found if mode.distributed else None


def _label(scope: Scope) -> str | None:
    label = scope.reader.string(scope.given, "Label", scope.place)
    if label is None:
        return None
    place = f"{scope.place}/Label"
    if not label:
        scope.reader.fault("Label cannot be empty", place, "INVALID_LABEL_NAME")
    elif len(label) > LABEL_LENGTH_MAX:
        message = (
            f"Invalid Label name: Label '{label}' exceeds the {LABEL_LENGTH_MAX}-character limit allowed by the service"
        )
        scope.reader.fault(message, place, "INVALID_LABEL_NAME")
    elif _LABEL_REFUSED.search(label):
        scope.reader.fault(
            f"Invalid Label name: Label '{label}' contains invalid characters", place, "INVALID_LABEL_NAME"
        )
    return label


def _arguments(scope: Scope, given: JSONObject, place: str, field: str) -> Template | None:
    """Parameters or Arguments of a reader or a writer."""
    scope.of_language(given, place)
    if scope.jsonata:
        if "Arguments" not in given:
            return None
        return scope.reader.compiled(
            lambda: compile_query(
                given["Arguments"], f"{field}/Arguments", f"{place}/Arguments", allowed=frozenset({"input", "context"})
            ),
            None,
        )
    if "Parameters" not in given:
        return None
    return scope.reader.compiled(lambda: compile_template(given["Parameters"], f"{place}/Parameters"), None)


def _object(scope: Scope, name: str, known: frozenset[str]) -> tuple[JSONObject, str] | None:
    place = f"{scope.place}/{name}"
    given = scope.reader.object(scope.given[name], place)
    if given is None:
        return None
    scope.reader.only(given, known, place)
    return given, place


def _reader(scope: Scope) -> ItemReader | None:
    found = _object(scope, "ItemReader", _READER)
    if found is None or not scope.reader.required(found[0], ("Resource",), found[1]):
        return None
    given, place = found
    arn = scope.reader.string(given, "Resource", place) or ""
    matched = _READER_ARN.match(arn)
    if matched is None:
        scope.reader.fault(_NOT_ALLOWED, f"{place}/Resource")
        return None
    arguments = _arguments(scope, given, place, "ItemReader")
    config = scope.reader.object(given.get("ReaderConfig", {}), f"{place}/ReaderConfig")
    if config is None:
        return None
    return _configured(scope, ItemReader(matched[1], arguments), config, f"{place}/ReaderConfig")


def _configured(scope: Scope, plain: ItemReader, config: JSONObject, place: str) -> ItemReader:
    reader = scope.reader
    reader.only(config, _READER_CONFIG, place)
    scope.of_language(config, place)
    input_type = reader.one_of(config, "InputType", place, _INPUT_TYPES)
    header = reader.one_of(config, "CSVHeaderLocation", place, ("FIRST_ROW", "GIVEN"))
    if input_type == "CSV":
        if "CSVHeaderLocation" not in config:
            reader.fault("The field 'CSVHeaderLocation' is required", place)
    elif input_type in {"JSON", "JSONL", "PARQUET"}:
        for name in _OF_CSV:
            if name in config:
                reader.fault(f"Field '{name}' is not supported", place)
    headers = reader.array(config, "CSVHeaders", place)
    if header == "GIVEN":
        reader.required(config, ("CSVHeaders",), place)
    return ItemReader(
        plain.action,
        plain.arguments,
        input_type,
        header,
        tuple(str(name) for name in headers),
        reader.one_of(config, "CSVDelimiter", place, _DELIMITERS) or "COMMA",
        integer_of(scope, "MaxItems", 0, INTEGER_MAX, given=config, place=place, within="ItemReader/ReaderConfig/"),
        reader.string(config, "ItemsPointer", place),
        reader.one_of(config, "Transformation", place, ("NONE", "LOAD_AND_FLATTEN")) or "NONE",
        reader.one_of(config, "ManifestType", place, ("S3_INVENTORY", "ATHENA_DATA")),
    )


def _batcher(scope: Scope) -> ItemBatcher | None:
    found = _object(scope, "ItemBatcher", _BATCHER)
    if found is None:
        return None
    given, place = found
    scope.of_language(given, place)
    within = "ItemBatcher/"
    most = integer_of(scope, "MaxItemsPerBatch", 1, INTEGER_MAX, given=given, place=place, within=within)
    bytes_ = integer_of(scope, "MaxInputBytesPerBatch", 1, INTEGER_MAX, given=given, place=place, within=within)
    if most is None and bytes_ is None and not (_MOST & given.keys()):
        names = ", ".join(sorted(_MOST, reverse=True))
        scope.reader.fault(f"The object must have at least one of the following fields: [{names}]", place)
    batch_input = None
    if "BatchInput" in given:
        batch_input = scope.reader.compiled(
            lambda: (
                compile_query(given["BatchInput"], "ItemBatcher/BatchInput", f"{place}/BatchInput")
                if scope.jsonata
                else compile_template(given["BatchInput"], f"{place}/BatchInput")
            ),
            None,
        )
    return ItemBatcher(most, bytes_, batch_input)


_MOST = _BATCHER - {"BatchInput"}


def _writer(scope: Scope) -> ResultWriter | None:
    found = _object(scope, "ResultWriter", _WRITER)
    if found is None:
        return None
    given, place = found
    reader = scope.reader
    if not given:
        reader.fault("Value cannot be empty", place)
    arguments = _arguments(scope, given, place, "ResultWriter")
    if "Resource" in given:
        if not _WRITER_ARN.match(reader.string(given, "Resource", place) or ""):
            reader.fault(_NOT_ALLOWED, f"{place}/Resource")
        reader.required(given, ("Arguments" if scope.jsonata else "Parameters",), place)
    config = reader.object(given.get("WriterConfig", {}), f"{place}/WriterConfig") or {}
    here = f"{place}/WriterConfig"
    reader.only(config, frozenset({"Transformation", "OutputType"}), here)
    return ResultWriter(
        arguments,
        reader.one_of(config, "Transformation", here, ("NONE", "COMPACT", "FLATTEN")),
        reader.one_of(config, "OutputType", here, ("JSON", "JSONL")),
    )
