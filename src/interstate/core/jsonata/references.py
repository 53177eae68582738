"""What an expression mentions: the variables that it takes from outside, and the members of ``$states``.

Only what is mentioned is handed over to the library, so that an expression over one small variable does not pay for
a large input. A name is counted as mentioned too often rather than too seldom where the text alone cannot tell.

Source: https://docs.jsonata.org/overview (grammar: strings, comments, regular expressions, names in backticks).
"""

import re
from typing import NamedTuple

_WORDS = re.compile(
    r"""(?P<skip>/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
      | (?P<variable>\$(?!\$)[^\W\d]\w*)
      | (?P<plain>\w+|\$+)
      | (?P<sign>:=|[^\s\w$])""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\n]|\\.)+/[im]*")
_MEMBER = re.compile(r"\s*\.\s*(?:(\w+)|`([^`]*)`)")
_STATES = "$states"


class References(NamedTuple):
    """``variables`` without the dollar sign; ``states``: members of ``$states``, None when it is used as a whole.

    ``paths`` go further down: of ``$states.input.a.b[0]`` the names input, a, b. Nothing else of ``$states`` is looked at. ``local`` are names that the expression binds itself (``$x := ...``, parameters of functions). ``uses_root`` tells of ``$$``.
    """

    variables: frozenset[str]
    states: frozenset[str] | None
    local: frozenset[str]
    uses_root: bool = False
    paths: tuple[tuple[str, ...], ...] = ()


def references_of(text: str) -> References:
    """What the expression mentions."""
    variables: set[str] = set()
    chains: set[tuple[str, ...]] = set()
    local: set[str] = set()
    position, before = 0, ""
    parameters = uses_root = False
    while (match := _WORDS.search(text, position)) is not None:
        position = match.end()
        word = match[0]
        if word == "/" and _may_begin_regex(before) and (regex := _REGEX.match(text, match.start())) is not None:
            position, word = regex.end(), "//"
        elif word == _STATES:
            chains.add(_chain(text, position))
        elif match["variable"] is not None:
            (local if parameters else variables).add(word[1:])
        elif word == "$$":
            uses_root = True
        elif word == ":=" and before.startswith("$"):
            local.add(before[1:])
        if match["skip"] is None or not word.startswith("/*"):
            parameters = (word == "(" and before in _FUNCTION) or (parameters and word != ")")
            before = word
    if "%" in text:  # It may be the operator that goes back up to a parent: then all of a member is wanted.
        chains = {chain[:1] for chain in chains}
    members = None if () in chains else frozenset(chain[0] for chain in chains)
    return References(frozenset(variables), members, frozenset(local), uses_root, tuple(sorted(chains)))


CHAIN_LENGTH_MAX = 4


def _chain(text: str, position: int) -> tuple[str, ...]:
    """The names that follow one another by dots."""
    names: list[str] = []
    while len(names) < CHAIN_LENGTH_MAX and (found := _MEMBER.match(text, position)) is not None:
        names.append(found[1] or found[2])
        position = found.end()
    return tuple(names)


_FUNCTION = ("function", "λ")


def _may_begin_regex(before: str) -> bool:
    """A slash after an operand divides; anywhere else it opens a regular expression."""
    return before == "" or before in {"(", ",", "[", "{", "~>", "=", ":", ":=", ";", "?", "and", "or", "in", "&", ">"}
