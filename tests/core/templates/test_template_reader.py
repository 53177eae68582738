import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.json import JSON, dumps
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.reader import read_template, read_yaml

YAML = [
    ("!Ref Queue", {"Ref": "Queue"}),
    ("!Condition IsProd", {"Condition": "IsProd"}),
    ("!GetAtt Queue.Arn", {"Fn::GetAtt": ["Queue", "Arn"]}),
    ("!GetAtt Nested.Outputs.Url", {"Fn::GetAtt": ["Nested", "Outputs.Url"]}),
    ("!GetAtt [Queue, Arn]", {"Fn::GetAtt": ["Queue", "Arn"]}),
    ("!Sub '${A}-b'", {"Fn::Sub": "${A}-b"}),
    ("!Join ['-', [a, !Ref B]]", {"Fn::Join": ["-", ["a", {"Ref": "B"}]]}),
    ("Fn::Base64: !Sub x", {"Fn::Base64": {"Fn::Sub": "x"}}),
    ("2012-10-17", "2012-10-17"),
    ("'30'", "30"),
    ("30", 30),
    ("-5", -5),
    ("0.5", 0.5),
    ("1e3", "1e3"),
    ("1.0e+3", 1000.0),
    ("1.0e+999", "1.0e+999"),
    ("010", "010"),
    ("0x1F", "0x1F"),
    ("12:30:45", "12:30:45"),
    ("99999999999999999999", "99999999999999999999"),
    ("yes", True),
    ("Off", False),
    ("~", None),
    ("", None),
    ("000000000000: {on: 1}", {"000000000000": {"on": 1}}),
    ("! x", "x"),
    ("! [x]", ["x"]),
]


@pytest.mark.parametrize(("text", "expected"), YAML)
def test_yaml_reads_as_cloudformation_reads_it(text: str, expected: JSON) -> None:
    assert read_yaml(text) == expected


REFUSED = [
    ("a: [", "Template format error: YAML not well-formed. (line 2, column 1)"),
    ("a: 1\na: 2", "Template format error: YAML not well-formed: the key a stands twice. (line 2, column 1)"),
    ("? [a]\n: b", "Template format error: YAML not well-formed. (line 1, column 3)"),
    ("a: &x {b: 1}\nc: *x", "Template error: YAML aliases are not allowed in CloudFormation templates"),
    ("- a", "Template format error: unsupported structure."),
    ("a: \x00", "Template format error: YAML not well-formed."),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_no_template_is_refused_in_cloudformations_words(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        read_template(text)
    assert (refused.value.code, refused.value.message) == ("ValidationError", message)


def test_broken_json_is_called_json() -> None:
    with pytest.raises(TemplateError, match=r"^Template format error: JSON not well-formed\. \("):
        read_template('{"Resources": {')


def test_flow_style_yaml_is_a_template_too() -> None:
    assert read_template("{Resources: {Q: {Type: AWS::SQS::Queue}}}") == {
        "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}
    }


def test_depth_has_a_bound() -> None:
    assert read_yaml("[" * 100 + "]" * 100)
    with pytest.raises(TemplateError, match="nested deeper than 100"):
        read_yaml("[" * 102 + "]" * 102)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("abc:- ", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON_VALUES)
def test_json_is_read_the_same_by_either_reader(value: JSON) -> None:
    assert read_yaml(dumps(value)) == value
