"""The forms in which a function can be named.

A name, ``account:function:name``, or an ARN; each may end in a qualifier (``$LATEST``, a version's number or an alias).

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax (FunctionName)
"""

import re

import msgspec

from interstate.base.arn import Caller

_FORM = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9-_.]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?\Z"
)


class FunctionName(msgspec.Struct, frozen=True):
    """A function's ARN without qualifier, its name, and the qualifier if one was given."""

    arn: str
    name: str
    qualifier: str | None = None


def parse_function_name(text: str, caller: Caller) -> FunctionName | None:
    """Read any form; None when the text is none. An ARN that ends early names a function as well: ``arn:...:function``.

    >>> parse_function_name("arn:aws:lambda:us-east-1:000000000000:function:Pay:live", Caller())
    FunctionName(arn='arn:aws:lambda:us-east-1:000000000000:function:Pay', name='Pay', qualifier='live')
    """
    match = _FORM.match(text)
    if match is None:
        return None
    region, account, name = match["region"] or caller.region, match["account"] or caller.account, match["name"]
    return FunctionName(f"arn:aws:lambda:{region}:{account}:function:{name}", name, match["qualifier"])
