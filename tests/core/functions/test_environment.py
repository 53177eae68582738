import msgspec

from interstate.core.functions.configuration import FunctionSpec
from interstate.core.functions.environment import Surroundings, environment_of, reserved_names, size_bytes

SPEC = FunctionSpec(
    function="arn:aws:lambda:ap-northeast-2:111122223333:function:Pay", version="7", revision="r", handler="app.handler",
    runtime="python3.12", code="dir:/code", timeout_s=3, memory_mb=256, log_group="/aws/lambda/Pay",
    environment=(("TABLE", "orders"), ("AWS_REGION", "never"), ("AWS_ENDPOINT_URL", "http://elsewhere")),
)  # fmt: skip
AROUND = Surroundings("http://localhost:4566", "s", "127.0.0.1:9001", "/code", "/site", "/tmp/w", "stream")


def test_lambdas_own_variables_win_and_the_endpoint_can_be_set() -> None:
    environment = environment_of(SPEC, AROUND)
    assert environment["AWS_REGION"] == "ap-northeast-2"
    assert environment["AWS_ACCESS_KEY_ID"] == "111122223333"
    assert environment["AWS_ENDPOINT_URL"] == "http://elsewhere"
    assert environment["TABLE"] == "orders"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "Pay"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.12"
    assert environment["AWS_SESSION_TOKEN"], "code that signs requests itself reads it"
    assert "AWS_LAMBDA_LOG_FORMAT" not in environment


def test_names_know_their_parts() -> None:
    assert SPEC.name == "Pay"
    assert SPEC.arn.region == "ap-northeast-2"


def test_what_a_configuration_may_not_set_is_named() -> None:
    assert reserved_names({"A": "1", "AWS_REGION": "x", "_HANDLER": "y"}) == ["AWS_REGION", "_HANDLER"]
    assert size_bytes({"AB": "주"}) == len('{"AB":"주"}'.encode())


def test_addresses_of_ours_lead_to_the_port_where_the_server_listens_now() -> None:
    queue = "http://sqs.ap-northeast-2.localhost:{}/111122223333/orders"
    spec = msgspec.structs.replace(
        SPEC, environment=(("QUEUE", queue.format(4566)), ("OTHER", "http://localhost:4566"))
    )
    environment = environment_of(spec, msgspec.structs.replace(AROUND, endpoint_url="http://127.0.0.1:4577"))
    assert (environment["QUEUE"], environment["OTHER"]) == (queue.format(4577), "http://localhost:4566")
