"""What is refused, in AWS's words: the answers to PutRule and TestEventPattern, as recorded in
github.com/localstack/localstack (tests/aws/services/events/test_events_patterns.snapshot.json), or JsonRuleCompiler of
github.com/aws/event-ruler where none is recorded."""

import pytest

from interstate.core.patterns import PatternError, parse_pattern

TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a "
    "wildcard character"
)
A_VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
UNRECOGNIZED = f"Unrecognized token 'invalid': was expecting {A_VALUE}"
UNEXPECTED = f"Unexpected character ('?' (code 63)): expected a valid value {A_VALUE}"

# (pattern text, reason, column; 0 where AWS names no place)
REFUSED = [
    ('{"string": "my-value"}', '"string" must be an object or an array', 13),
    ('{"int": 42}', '"int" must be an object or an array', 11),
    ('{"resources": []}', "Empty arrays are not allowed", 17),
    ('{"detail": {}}', "Empty objects are not allowed", 14),
    ("[]", "Filter is not an object", 2),
    ('{"a": [["b"]]}', "Match value must be String, number, true, false, or null", 9),
    ('{"my_key": [{"EXISTS": true}]}', "Unrecognized match type EXISTS", 28),
    ('{"a": [{}]}', "Match expression name not found", 10),
    ('{"a": [{"exactly": 1}]}', "exact match pattern must be a string", 21),
    ('{"a": [{"prefix": "x", "suffix": "y"}]}', "Only one key allowed in match expression", 35),
    ('{"time": [{"prefix": 123}]}', "prefix match pattern must be a string", 25),
    ('{"time": [{"prefix": ["2022-07-13"]}]}', "prefix match pattern must be a string", 23),
    ('{"a": [{"prefix": {"x": "y"}}]}', "Unsupported prefix pattern: x", 26),
    ('{"a": [{"suffix": {}}]}', "Suffix expression name not found", 21),
    ('{"FileName": [{"suffix": 123}]}', "suffix match pattern must be a string", 29),
    (
        '{"detail-type": [{"equals-ignore-case": {"prefix": "ec2"}}]}',
        "equals-ignore-case match pattern must be a string",
        42,
    ),
    ('{"EventBusArn": [{"wildcard": 123}]}', "wildcard match pattern must be a string", 34),
    ('{"a": [{"wildcard": "ab**c"}]}', "Consecutive wildcard characters at pos 3", 28),
    ('{"a": [{"wildcard": "ab\\\\c"}]}', "Invalid escape character at pos 3", 28),
    ('{"a": [{"wildcard": "ab\\\\"}]}', "Invalid escape character at pos 3", 27),
    ('{"detail": {"c-count": [{"numeric": 10}]}}', "Value of numeric must be an array.", 39),
    ('{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}', "Bad numeric range operator: >", 49),
    ('{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}', "Value of < must be numeric", 50),
    ('{"a": [{"numeric": ["=", "1"]}]}', "Value of equals must be numeric", 27),
    ('{"a": [{"numeric": ["=", 1, 2]}]}', "Too many elements in numeric expression", 30),
    ('{"a": [{"numeric": ["!", 1]}]}', "Unrecognized numeric range operator: !", 27),
    ('{"a": [{"numeric": [1]}]}', "Invalid member in numeric match: 1", 22),
    ('{"a": [{"numeric": [">", 1, 2]}]}', "Bad value in numeric range: 2", 30),
    ('{"a": [{"numeric": [">", 1, "<", 2, 3]}]}', "Too many terms in numeric range expression", 38),
    ('{"a": [{"numeric": [">", 2, "<", 1]}]}', "Bottom must be less than top", 36),
    ('{"a": [{"numeric": [">", 1e999]}]}', "Cannot compare number : 1e999", 31),
    ('{"a": [{"numeric": ["=", 1], "x": 1}]}', "Too many elements in numeric expression", 36),
    ('{"a": [{"exists": "true"}]}', "exists match pattern must be either true or false.", 20),
    (
        '{"detail": {"state": [{"anything-but": null}]}}',
        "Value of anything-but must be an array or single string/number value.",
        44,
    ),
    (
        '{"detail": {"FileName": [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}]}}',
        "Value of anything-but must be an array or single string/number value.",
        55,
    ),
    ('{"detail": {"FileName": [{"anything-but": {"prefix": ""}}]}}', "Null prefix/suffix not allowed", 56),
    ('{"a": [{"anything-but": {"numeric": 1}}]}', "Unsupported anything-but pattern: numeric", 38),
    ('{"a": [{"anything-but": {}}]}', "Anything-But expression name not found", 27),
    (
        '{"a": [{"anything-but": ["x", 1]}]}',
        "Inside anything but list, either all values are number or string, mixed type is not supported",
        33,
    ),
    ('{"detail": {"state": [{"anything-but": {"prefix": 123}}]}}', "prefix/suffix match pattern must be a string", 54),
    (
        '{"detail": {"state": [{"anything-but": {"equals-ignore-case": 123}}]}}',
        "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
        66,
    ),
    ('{"detail": {"FilePath": [{"anything-but": {"wildcard": 123}}]}}', "wildcard match pattern must be a string", 59),
    ('{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}', "prefix match pattern must be a string", 43),
    ('{"a": [{"cidr": "10.0.0.0"}]}', "Malformed CIDR, one '/' required", 0),
    ('{"a": [{"cidr": "10.0.0.0/x"}]}', "Malformed CIDR, mask bits must be an integer", 0),
    ('{"a": [{"cidr": "10.0.0.0/-1"}]}', "Malformed CIDR, mask bits must not be negative", 0),
    ('{"a": [{"cidr": "10.0.0.0/32"}]}', "IPv4 mask bits must be < 32", 0),
    ('{"a": [{"cidr": "::/128"}]}', "IPv6 mask bits must be < 128", 0),
    ('{"a": [{"cidr": "xx.11.xx/8"}]}', "Nonstandard IP address: xx.11.xx", 0),
    (
        '{"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}',
        TOO_COMPLEX,
        0,
    ),
    ('{"a": [{"anything-but": {"wildcard": "*:*:*:*:*:event-bus/*"}}]}', TOO_COMPLEX, 0),
    ('{"a": [{"anything-but": {"prefix": "x"}, "y": 1}]}', "Too many elements in numeric expression", 48),
    ('{"a": [{"anything-but": {"prefix": "x", "y": 1}}]}', "Too many elements in numeric expression", 47),
    ('{"$or": [{"a": ["b"]}]}', "There must have at least 2 Objects in $or relationship.", 23),
    ('{"$or": {"a": ["b"]}}', "It must be an Array followed with $or.", 10),
    ('{"$or": ["a", "b"]}', "Only JSON object is allowed in array of $or relationship.", 11),
    (
        '{"$or": [{"prefix": ["a"]}, {"b": ["c"]}]}',
        "prefix is Ruler reserved fieldName which cannot be used inside $or.",
        22,
    ),
    ("", "Unexpected end-of-input", 1),
    ('{"a": ["b"}', "Unexpected character ('}' (code 125)): was expecting comma to separate Array entries", 12),
    ("{'a': 1}", 'Unexpected character ("\'" (code 39)): was expecting double-quote to start field name', 3),
    ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value", 7),
    ('{"a": ["b', "Unexpected end-of-input: was expecting closing quote for a string value", 10),
    ('{"a', "Unexpected end-of-input in field name", 4),
    (
        "invalid",
        UNRECOGNIZED,
        8,
    ),
    (
        '{"a": [?]}',
        UNEXPECTED,
        9,
    ),
]


@pytest.mark.parametrize(("text", "reason", "column"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_faulty_pattern_is_refused_in_awss_words(text: str, reason: str, column: int) -> None:
    with pytest.raises(PatternError) as refusal:
        parse_pattern(text)
    place = f'\n at [Source: (String)"{text}"; line: 1, column: {column}]' if column else ""
    assert refusal.value.reason == reason + place


# Recorded: what a list of anything-but refuses names the place twice.
TWICE = [
    (
        '{"detail": {"state": [{"anything-but": ["stopped", null]}]}}',
        "Inside anything but list, start|null|boolean is not supported.",
        56,
    ),
    (
        '{"detail": {"FileName": [{"anything-but": {"suffix": [123, ".txt"]}}]}}',
        "prefix/suffix match pattern must be a string",
        58,
    ),
    (
        '{"detail": {"state": [{"anything-but": {"wildcard": [123, "*/dir/*"]}}]}}',
        "wildcard match pattern must be a string",
        57,
    ),
]


@pytest.mark.parametrize(("text", "reason", "column"), TWICE, ids=[row[0] for row in TWICE])
def test_a_list_of_anything_but_names_the_place_twice(text: str, reason: str, column: int) -> None:
    with pytest.raises(PatternError) as refusal:
        parse_pattern(text)
    assert refusal.value.reason == reason + 2 * f'\n at [Source: (String)"{text}"; line: 1, column: {column}]'


def test_the_place_counts_lines() -> None:
    with pytest.raises(PatternError, match=r"line: 3, column: 16\]"):
        parse_pattern('{\n  "detail": {\n      "slug": "x"\n  }\n}')


def test_a_long_source_is_cut_at_500_characters() -> None:
    text = '{"a": "' + "x" * 600 + '"}'
    with pytest.raises(PatternError) as refusal:
        parse_pattern(text)
    assert f'(String)"{text[:500]}"[truncated 109 chars]; line: 1, column: 8]' in refusal.value.reason


def test_or_multiplies_up_to_a_thousand() -> None:
    pairs: dict[str, object] = {"$or": [{"a": ["1"]}, {"b": ["1"]}]}
    nested = pairs
    for _ in range(9):
        nested = {"x": nested, **pairs}
    with pytest.raises(PatternError, match="more than 1000 combinations"):
        parse_pattern(nested)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(PatternError, match="nesting depth"):
        parse_pattern('{"a":' * 1001 + "1")


def test_the_last_word_about_a_path_counts() -> None:
    assert len(parse_pattern('{"a": ["1"], "a": ["2"]}').alternatives[0]) == 1
