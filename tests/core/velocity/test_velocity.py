"""Source: https://velocity.apache.org/engine/1.7/vtl-reference.html"""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.core.velocity.java import MISSING, Open, from_json
from interstate.core.velocity.parse import BrokenTemplate, UnknownDirective, parse_template
from interstate.core.velocity.render import Object, TooMuch, render

ROWS = from_json([{"id": 1, "type": "dog", "price": 249.99}, {"id": 2, "type": "cat", "price": 124.99}])
VARIABLES: dict[str, Any] = {
    "rows": ROWS,
    "text": "a,b,,",
    "three": 3,
    "map": {"a": 1, "b": [1, "x"]},
    "none": None,
    "gone": MISSING,
    "context": Open(stage="prod"),
    "util": Object({"twice": lambda text: text * 2}),
}

RENDERED = [
    ("plain $ # text $5 #x", "plain $ # text $5 #x"),
    ("$text ${text}x $!text $!{text}", "a,b,, a,b,,x a,b,, a,b,,"),
    ("$unknown ${unknown.a} $!unknown $!{unknown}.", "$unknown ${unknown.a}  ."),
    ("\\$text \\#set \\n", "$text #set \\n"),
    ("a## said\nb#* more\n *#c #[[ $text #if ]]#", "ab" + "c  $text #if "),
    ("#set($x = 1)\n  $x", "  1"),
    ("#set( $x = 'a $text' )$x #set($y = \"b $text\")$y", "a $text b a,b,,"),
    ('#set($x = "say ""hi""")$x', 'say "hi"'),
    ("#if($three == 3)yes#{else}no#end", "yes"),
    ("#if($three > 3)a#elseif($three >= 3 && !$none)b#else c#end", "b"),
    ("#if($none || $gone)a#{else}b#end", "b"),
    ("#if($gone == '')a#end#if($gone != \"\")b#end", "a"),
    ("#if($unknown)a#{else}b#end", "b"),
    ("#if(('' + $three) eq '3' and not (1 ne 1))a#end", "a"),
    ("$rows[0].type $rows.get(1).id $rows.size() $rows[9] $rows[-1].id.", "dog 2 2  2."),
    ("#foreach($row in $rows)$row.id:$foreach.index/$velocityCount#if($foreach.hasNext),#end#end", "1:0/1,2:1/2"),
    ("#foreach($n in [3..1])$n#end #foreach($v in $map)$v;#end#foreach($x in $none)x#end", "321 1;[1, x];"),
    ("#foreach($a in [1,2])#foreach($b in [1,2])$foreach.parent.index$b#if($b == 1)#break#end#end#end", "0111"),
    ("#foreach($n in [1..3])$n#end$n", "123$n"),
    (
        "$map $rows {$map.b}",
        '{a=1, b=[1, x]} [{"id":1,"type":"dog","price":249.99},{"id":2,"type":"cat","price":124.99}] {[1, x]}',
    ),
    ("#set($m = {'k': 1, 'l': [true, null]})$m.k$m.l $m", "1[true, null] {k=1, l=[true, null]}"),
    (
        "#set($m = {})#set($m.a = 1)#set($m['b'] = 2)#set($d = $m.put('c', 3))$m $m.keySet() $m.size()",
        "{a=1, b=2, c=3} [a, b, c] 3",
    ),
    ("#foreach($e in $map.entrySet())$e.key=$e.value;#end", "a=1;b=[1, x];"),
    ("#set($l = [])#set($d = $l.add('x'))#set($l[0] = 'y')$l $l.isEmpty() $l.contains('y')", "[y] false true"),
    ("#set($x = 7 / 2)$x #set($x = -7 / 2)$x #set($x = -7 % 2)$x #set($x = 7.0 / 2)$x", "3 -3 -1 3.5"),
    ("#set($x = 1 + 2 * 3 - (4 - 1))$x #set($y = 1)#set($y = 1 / 0)$y", "4 1"),
    (
        "$text.split(',') $text.length() $text.substring(2) $text.substring(0, 1) $text.toUpperCase()",
        "[a, b] 5 b,, a A,B,,",
    ),
    (
        "$text.replaceAll('(a),', '$1;') $text.replace(',', '') $text.indexOf('b') $text.matches('a.*')",
        "a;b,, ab 2 true",
    ),
    ("$text.substring(99) $text.getClass() $text.__class__ $map.nothing", "   "),
    ("$context.stage $context.nothing.more ${context}", "prod  {stage=prod}"),
    ("$util.twice('ab') $util.none() $util", "abab  "),
    ("$three.parseInt('7') $text.equals('a') $three.toString()", "7 false 3"),
    ("#set($x = 9223372036854775807 + 1)$x", "-9223372036854775808"),
    ("a#stop b", "a"),
    ("$rows.", '[{"id":1,"type":"dog","price":249.99},{"id":2,"type":"cat","price":124.99}].'),
]


@pytest.mark.parametrize(("template", "written"), RENDERED)
def test_a_template_writes(template: str, written: str) -> None:
    assert render(parse_template(template), VARIABLES) == written


BROKEN = [
    "#if(true)",
    "#end",
    "#else",
    "#foreach(1 in [])#end",
    "#set($x 1)",
    "#if()#end",
    "#set($x = 'a)",
    "#* x",
    "#set(1 = 2)",
]


@pytest.mark.parametrize("template", BROKEN)
def test_what_is_no_template_is_refused_with_its_place(template: str) -> None:
    with pytest.raises(BrokenTemplate, match="at line 1, column"):
        parse_template(template)


@pytest.mark.parametrize("template", ["#macro(a)#end", "#include('x')", "#define($x)#end"])
def test_directives_that_are_not_served_are_named(template: str) -> None:
    with pytest.raises(UnknownDirective, match=template[1:4]):
        parse_template(template)


def test_a_loop_ends_after_a_thousand_rounds() -> None:
    assert render(parse_template("#foreach($n in [1..5000])x#end"), {}) == "x" * 1_000


@pytest.mark.parametrize(
    "template",
    [
        "#foreach($a in [1..1000])#foreach($b in [1..1000])#end#set($x = 1)#end"
        + "#foreach($a in [1..1000])" * 3
        + "x"
        + "#end" * 3,
        "#set($x = 'aaaaaaaaaa')#foreach($n in [1..30])#set($x = \"$x$x\")#end",
        "#set($x = 'aaaaaaaaaa')#foreach($n in [1..30])#set($x = $x + $x)#end",
    ],
)
def test_a_template_cannot_run_or_write_for_ever(template: str) -> None:
    with pytest.raises(TooMuch):
        render(parse_template(template), {})


@given(st.text(alphabet="$#{}()[]!.ab \n\"'=ifsetnd", max_size=60))
def test_any_text_is_rendered_or_refused(text: str) -> None:
    with suppress(BrokenTemplate):
        render(parse_template(text), {"a": {"b": 1}})


@given(st.text().filter(lambda text: not set(text) & {"$", "#", "\\"}))
def test_text_without_marks_stands_as_it_is(text: str) -> None:
    assert render(parse_template(text), {}) == text


@pytest.mark.parametrize(
    "template",
    ["#if(" + "(" * 500 + "1" + ")" * 500 + ")#end", "#if(true)" * 500 + "#end" * 500, "#if(" + "!" * 500 + "1)#end"],
)
def test_nesting_is_bounded(template: str) -> None:
    with pytest.raises(BrokenTemplate, match="too deeply"):
        parse_template(template)
