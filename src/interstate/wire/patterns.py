"""The models' regular expressions, which are written for Java, in Python's dialect.

Source: https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html
"""

import re
from functools import lru_cache

# Java's classes as ranges that may stand inside a bracket. The Unicode categories are wider than these in no way
# that matters for names and tags: \\w is letters, digits and the underscore of every script.
_CLASSES = {
    r"\p{ASCII}": r"\x00-\x7f",
    r"\p{Print}": r"\x20-\x7e",
    r"\p{Alnum}": r"A-Za-z0-9",
    r"\p{Alpha}": r"A-Za-z",
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": r"\s",
}
_CLASS = re.compile(r"\\p\{\w+\}")
# Patterns that take exponential time on texts that they refuse, and what says the same in linear time: their repeated class
# holds the blank that separates its repetitions. (Headers of EventBridge connections.) The last one names nearly all of
# Unicode, class by class; what it leaves out is said instead.
_REWRITTEN = {
    r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$": r"\t*[^\x00-\x1F:\x7F](?:\t|[^\x00-\x1F:\x7F])*",
    r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$": r"\t*[\x20-\x7E][\t\x20-\x7E]*",
    r"[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]+": r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+",
}
# A pair of surrogate escapes describes the characters above U+FFFF, which Python counts as one.
_SURROGATES = "\\uD800\\uDC00-\\uDBFF\\uDFFF"


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> re.Pattern[str] | None:
    """A pattern that must match the whole value; None when Python cannot read it (then it is not checked)."""
    try:
        return re.compile(_translated(pattern))
    except re.error:
        return None


def _translated(pattern: str) -> str:
    if pattern in _REWRITTEN:
        return _REWRITTEN[pattern]
    pattern = pattern.replace(_SURROGATES, "\U00010000-\U0010ffff").replace(r"[\w-_]", r"[\w\-_]")
    return _CLASS.sub(lambda found: _bracketed(pattern, found), pattern)


def _bracketed(pattern: str, found: re.Match[str]) -> str:
    """The class as ranges, in brackets of its own unless it stands inside some."""
    ranges = _CLASSES.get(found[0])
    if ranges is None:
        return found[0]
    before = pattern[: found.start()].replace(r"\[", "").replace(r"\]", "")
    return ranges if before.count("[") > before.count("]") else f"[{ranges}]"
