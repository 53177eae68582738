from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.services.lambda_.invoke import task_answer
from interstate.services.lambda_.locate import version_of
from interstate.store.records.lambda_ import Invocation, InvocationResult

ARN = "arn:aws:lambda:us-east-1:000000000000:function:Pay"


def fail(event: Any) -> Any:
    raise ValueError("no money")


def invoke(cloud: Any, payload: bytes = b'{"a":1}', **parameters: Any) -> Any:
    return cloud.call("Invoke", FunctionName="Pay", Payload=payload, **parameters)


def test_a_caller_gets_the_answer_and_the_log_is_kept(cloud: Any) -> None:
    cloud.create("Pay", lambda event: {"got": event})
    answer = invoke(cloud, LogType="Tail")
    assert answer == {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "Payload": b'{"got":{"a":1}}',
        "LogResult": b64encode(b"the tail").decode(),
    }
    found = cloud.world.call("logs", "FilterLogEvents", {"logGroupName": "/aws/lambda/Pay"})
    assert [event["message"][:5] for event in found["events"]] == ["START"]


def test_a_failure_of_the_function_is_an_answer(cloud: Any) -> None:
    cloud.create("Pay", fail)
    answer = invoke(cloud)
    assert answer["FunctionError"] == "Unhandled"
    assert loads(answer["Payload"]) == {"errorMessage": "no money", "errorType": "ValueError"}


def test_a_dry_run_calls_nobody(cloud: Any) -> None:
    cloud.create("Pay", fail)
    assert invoke(cloud, InvocationType="DryRun") == {"StatusCode": 204}
    assert cloud.calls == []


def test_a_client_context_is_decoded(cloud: Any) -> None:
    cloud.create("Pay", lambda event: event)
    invoke(cloud, ClientContext=b64encode(b'{"custom":\n {}}').decode())
    assert cloud.calls[0].client_context == '{"custom":{}}'
    with pytest.raises(ServiceError) as refused:
        invoke(cloud, ClientContext="%%%")
    assert refused.value.code == "InvalidParameterValueException"


REFUSALS = [
    (b"{", {}, "InvalidRequestContentException"),
    (b"1" * 6_291_457, {}, "RequestTooLargeException"),
    (b"1" * 1_048_577, {"InvocationType": "Event"}, "RequestTooLargeException"),
    (b"{}", {"Qualifier": "7"}, "ResourceNotFoundException"),
    (b"{}", {"TenantId": "t"}, "NotImplemented"),
]


@pytest.mark.parametrize(("payload", "parameters", "code"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_call_that_cannot_be_is_refused(cloud: Any, payload: bytes, parameters: dict[str, Any], code: str) -> None:
    cloud.create("Pay", fail)
    with pytest.raises(ServiceError) as refused:
        invoke(cloud, payload, **parameters)
    assert refused.value.code == code
    assert cloud.calls == []


def test_throttling_is_a_refusal(cloud: Any) -> None:
    def throttle(event: Any) -> Any:
        raise InterruptedError("TooManyRequestsException")

    cloud.create("Pay", throttle)
    with pytest.raises(ServiceError) as refused:
        invoke(cloud)
    assert refused.value.code == "TooManyRequestsException"
    assert refused.value.message == "Rate Exceeded."


def test_a_weighted_alias_splits_its_calls(cloud: Any) -> None:
    cloud.create("Pay", Publish=True)
    cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", Timeout=4)
    cloud.call("PublishVersion", FunctionName="Pay")
    routing = {"AdditionalVersionWeights": {"2": 0.25}}
    cloud.call("CreateAlias", FunctionName="Pay", Name="live", FunctionVersion="1", RoutingConfig=routing)

    def chosen(choice: float) -> str:
        version = cloud.world.run(lambda work: version_of(work, ARN, "live", choice))
        return str(version.version)

    assert [chosen(choice) for choice in (0.0, 0.24, 0.25, 0.99)] == ["2", "2", "1", "1"]


# The asynchronous queue -------------------------------------------------------------------------------------------


def accept(cloud: Any, payload: bytes = b'{"a":1}') -> None:
    assert invoke(cloud, payload, InvocationType="Event") == {"StatusCode": 202}


def test_an_accepted_event_is_tried_three_times_under_one_request_id(cloud: Any) -> None:
    times = []

    def handler(event: Any) -> Any:
        times.append(cloud.world.now)
        raise ValueError

    cloud.create("Pay", handler)
    start = cloud.world.now
    accept(cloud)
    cloud.world.run_until_idle()
    # Source: Lambda Developer Guide, "Error handling for an asynchronous invocation".
    assert [time - start for time in times] == [timedelta(0), timedelta(minutes=1), timedelta(minutes=3)]
    assert len({call.request_id for call in cloud.calls}) == 1
    assert [call.attempt for call in cloud.calls] == [1, 2, 3]


def test_a_retry_that_succeeds_is_the_last(cloud: Any) -> None:
    answers = iter([ValueError(), "fine"])

    def handler(event: Any) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    cloud.create("Pay", handler)
    accept(cloud)
    cloud.world.run_until_idle()
    assert len(cloud.calls) == 2


def test_what_is_given_up_goes_to_the_dead_letters_and_the_destination(cloud: Any) -> None:
    dead, failed = cloud.queue("dead"), cloud.queue("failed")
    cloud.create("Pay", fail, DeadLetterConfig={"TargetArn": dead})
    cloud.call(
        "PutFunctionEventInvokeConfig", FunctionName="Pay", MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": failed}},
    )  # fmt: skip
    accept(cloud)
    cloud.world.run_until_idle()
    request_id = cloud.calls[0].request_id
    (letter,) = cloud.received("dead")
    assert letter["Body"] == '{"a":1}'
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": "no money"}
    (record,) = cloud.received("failed")
    # Source: Lambda Developer Guide, "Example: failure record".
    assert loads(record["Body"]) == {
        "version": "1.0",
        "timestamp": "2026-01-01T00:01:00.000Z",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{ARN}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 2,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "no money", "errorType": "ValueError"},
    }


def test_success_goes_to_its_destination(cloud: Any) -> None:
    cloud.create("Next", lambda _event: None)
    cloud.create("Pay", lambda _event: {"paid": True})
    target = "arn:aws:lambda:us-east-1:000000000000:function:Next"
    cloud.call(
        "PutFunctionEventInvokeConfig", FunctionName="Pay", DestinationConfig={"OnSuccess": {"Destination": target}}
    )
    accept(cloud)
    cloud.world.run_until_idle()
    first, second = cloud.calls
    assert second.function == target
    record: Any = loads(second.payload)
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"paid": True}
    assert second.request_id != first.request_id


def test_a_throttled_event_waits_in_the_queue_without_losing_attempts(cloud: Any) -> None:
    def throttle(event: Any) -> Any:
        raise InterruptedError("TooManyRequestsException")

    cloud.create("Pay", throttle)
    dead = cloud.queue("dead")
    cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", DeadLetterConfig={"TargetArn": dead})
    accept(cloud)
    cloud.world.advance(timedelta(hours=1))
    assert {call.attempt for call in cloud.calls} == {1}
    assert len(cloud.calls) > 10
    cloud.world.advance(timedelta(hours=6))
    assert len(cloud.received("dead")) == 1
    assert len(cloud.calls) < 120


def test_an_event_that_would_be_too_old_is_given_up(cloud: Any) -> None:
    cloud.create("Pay", fail)
    cloud.call("PutFunctionEventInvokeConfig", FunctionName="Pay", MaximumEventAgeInSeconds=60)
    accept(cloud)
    cloud.world.run_until_idle()
    assert len(cloud.calls) == 2, "the second retry would come three minutes after the event"


def test_a_destination_that_is_gone_loses_the_record_and_the_log_says_so(cloud: Any) -> None:
    cloud.create("Pay", fail, DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:000000000000:nowhere"})
    accept(cloud)
    cloud.world.run_until_idle()
    found = cloud.world.call("logs", "FilterLogEvents", {"logGroupName": "/aws/lambda/Pay", "filterPattern": "nowhere"})
    assert len(found["events"]) == 1


def test_the_queue_of_a_deleted_function_goes_with_it(cloud: Any) -> None:
    cloud.create("Pay", fail)
    accept(cloud)
    cloud.world.run_due()
    cloud.call("DeleteFunction", FunctionName="Pay")
    cloud.handlers["Pay"] = fail
    cloud.world.run_until_idle()
    assert len(cloud.calls) == 2


# Tasks ------------------------------------------------------------------------------------------------------------


def test_the_answer_of_a_task_goes_to_the_state_machine_in_the_same_commit(cloud: Any) -> None:
    cloud.create("Pay", lambda event: {"paid": event})
    place = {"execution": 3, "frame": 7, "visit": 1}
    body = Invocation("r-1", ARN, '{"a":1}', origin="states.task", origin_data=place)
    cloud.world.run(lambda work: work.later("lambda.invoke", body))
    cloud.world.run_due()
    (answer,) = cloud.answers
    assert (answer.ok, answer.payload, answer.origin_data, answer.request_id) == (
        True,
        '{"paid":{"a":1}}',
        place,
        "r-1",
    )


# Result of the call, and error and cause as Catch sees them.
FAILURES = [
    (InvocationResult('{"errorType":"PaymentDeclined","errorMessage":"m"}', function_error="Unhandled"),
     "PaymentDeclined", '{"errorType":"PaymentDeclined","errorMessage":"m"}'),
    (InvocationResult('{"errorMessage":"m"}', function_error="Unhandled"), "Lambda.Unknown",
     ("The cause could not be determined because Lambda did not return an error type. Returned payload: "
      '{"errorMessage":"m"}')),
    (InvocationResult("Rate Exceeded.", refused="TooManyRequestsException"), "Lambda.TooManyRequestsException",
     "Rate Exceeded. (Service: Lambda, Status Code: 429, Request ID: r-1)"),
    (InvocationResult("gone", refused="ResourceNotFoundException"), "Lambda.ResourceNotFoundException",
     "gone (Service: Lambda, Status Code: 404, Request ID: r-1)"),
    (InvocationResult("NaN"), "Lambda.Unknown", "The function's answer is not JSON: unexpected character, expected a JSON value: line 1 column 1 (char 0)"),
]  # fmt: skip


@pytest.mark.parametrize(("result", "error", "cause"), FAILURES, ids=range(len(FAILURES)))
def test_a_failed_task_has_an_error_that_catch_can_name(result: InvocationResult, error: str, cause: str) -> None:
    answer = task_answer(Invocation("r-1", ARN), result)
    assert (answer.ok, answer.error, answer.cause) == (False, error, cause)


def test_an_answer_that_no_state_can_hold_is_left_to_the_workflow() -> None:
    answer = task_answer(Invocation("r-1", ARN), InvocationResult("x" * 262_145))
    assert (answer.ok, len(answer.payload)) == (True, 262_145)


def test_events_of_a_function_that_is_switched_off_go_to_the_dead_letters_at_once(cloud: Any) -> None:
    """Source: invocation-async-retain-records.html: reserved concurrency of zero, "without any retries"."""

    def refuse(_event: Any) -> None:
        raise InterruptedError("TooManyRequestsException")

    dead, failures = cloud.queue("dead"), cloud.queue("failures")
    cloud.create("Off", refuse, DeadLetterConfig={"TargetArn": dead})
    cloud.call("PutFunctionConcurrency", FunctionName="Off", ReservedConcurrentExecutions=0)
    cloud.call(
        "PutFunctionEventInvokeConfig", FunctionName="Off", DestinationConfig={"OnFailure": {"Destination": failures}}
    )
    cloud.call("Invoke", FunctionName="Off", InvocationType="Event", Payload=b'{"a": 1}')
    cloud.world.run_due()
    (letter,) = cloud.received("dead")
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"
    record: Any = loads(cloud.received("failures")[0]["Body"])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in record
