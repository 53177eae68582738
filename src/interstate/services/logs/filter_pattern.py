"""Filter patterns of unstructured events: terms, phrases, exclusions, alternatives.

``ERROR timeout`` has both words, ``?ERROR ?WARN`` one of them, ``ERROR -debug`` one and not the other, ``"out of stock"``
the phrase. Terms that begin with ``?`` are ignored beside others, as on AWS.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForLogFilters.html
"""

import re

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.logs.errors import InvalidParameterException

_TERM = re.compile(r'\s*(?P<sign>[?-]?)(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<word>[^\s"]+))')


class FilterPattern(msgspec.Struct, frozen=True):
    """What an event must have, may not have, or must have one of."""

    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()

    def matches(self, message: str) -> bool:
        """Whether an event is wanted; words are compared with their case."""
        return (
            all(term in message for term in self.required)
            and not any(term in message for term in self.excluded)
            and (not self.alternatives or any(term in message for term in self.alternatives))
        )


def parse_filter_pattern(text: str) -> FilterPattern:
    """Read a pattern; an empty one matches everything.

    Raises:
        InvalidParameterException: a phrase has no end.
        NotImplementedHere: a pattern for JSON or space-delimited events, or a regular expression.
    """
    text = text.strip()
    if text.startswith(("{", "[", "%")):
        raise NotImplementedHere("filter patterns for JSON or space-delimited log events, and regular expressions")
    terms: dict[str, list[str]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise InvalidParameterException("Invalid filter pattern")
        phrase = match["phrase"]
        terms[match["sign"]].append(match["word"] if phrase is None else re.sub(r"\\(.)", r"\1", phrase))
        position = match.end()
    alternatives = () if terms[""] or terms["-"] else tuple(terms["?"])
    return FilterPattern(tuple(terms[""]), tuple(terms["-"]), alternatives)
