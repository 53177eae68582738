from botocore.exceptions import ClientError, EndpointConnectionError

from interstate.cli.refusals import told


def test_a_refusal_is_told_in_the_services_words() -> None:
    error = ClientError({"Error": {"Code": "X", "Message": "There is no such queue."}}, "GetQueueUrl")
    assert told(error, "u") == "There is no such queue."


def test_a_server_that_is_not_there_is_said_to_be_so() -> None:
    assert told(EndpointConnectionError(endpoint_url="u"), "http://h:1").startswith(
        "nobody answers at http://h:1. Start"
    )
