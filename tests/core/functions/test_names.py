import pytest

from interstate.base.arn import Caller
from interstate.core.functions.names import FunctionName, parse_function_name

HERE = "arn:aws:lambda:us-east-1:000000000000:function:Pay"
THERE = "arn:aws:lambda:ap-northeast-2:111122223333:function:Pay"

# Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (FunctionName)
FORMS = [
    ("Pay", FunctionName(HERE, "Pay")),
    ("Pay:live", FunctionName(HERE, "Pay", "live")),
    ("Pay:$LATEST", FunctionName(HERE, "Pay", "$LATEST")),
    ("function:Pay", FunctionName(HERE, "Pay")),
    ("111122223333:function:Pay", FunctionName(THERE.replace("ap-northeast-2", "us-east-1"), "Pay")),
    (THERE, FunctionName(THERE, "Pay")),
    (f"{THERE}:7", FunctionName(THERE, "Pay", "7")),
    ("", None),
    ("not a name", None),
    ("arn:aws:sqs:us-east-1:000000000000:Pay", None),
    ("arn:aws:lambda:us-east-1:000000000000:Pay", FunctionName(HERE, "Pay")),
]


@pytest.mark.parametrize(("text", "name"), FORMS, ids=[form[0] for form in FORMS])
def test_every_form_of_a_name_leads_to_the_function(text: str, name: FunctionName | None) -> None:
    assert parse_function_name(text, Caller()) == name
