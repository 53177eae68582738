"""Where the order system is: AWS clients, and its HTTP API with a breath long enough for a restart."""

import http.client
import json
import os
import random
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

LOCAL = "http://127.0.0.1:4566"
STACK = "orders"
CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=3, read_timeout=30, max_pool_connections=16
)
REQUEST_TIMEOUT_S = 40
PAUSE_S = 0.1
PAUSE_S_MAX = 3.0


class Unreachable(Exception):
    """Nobody answered for as long as we were told to wait."""


class NotDeployed(Exception):
    """There is no order system at the endpoint."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: Any


class System:
    """One deployed order system."""

    def __init__(self, endpoint: str, stack: str = STACK, patience_s: float = 60) -> None:
        self.endpoint = None if endpoint == "aws" else endpoint.rstrip("/")
        self.patience_s = patience_s
        self.outputs = self._outputs(stack)
        self.api = Api(self._api_address(), patience_s)

    def client(self, service: str) -> Any:
        """A boto3 client. Where nothing says who we are, the local server gets a name of its own."""
        session = boto3.Session()
        known = session.get_credentials() is not None
        make: Any = session.client
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name=session.region_name or "us-east-1",
            config=CONFIG,
            **(
                {}
                if known or self.endpoint is None
                else {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
            ),
        )

    def _outputs(self, stack: str) -> dict[str, str]:
        ends = time.monotonic() + min(self.patience_s, 60)
        client = self.client("cloudformation")
        while True:
            try:
                answer = client.describe_stacks(StackName=stack)
            except ClientError as fault:
                raise NotDeployed(f"there is no stack {stack!r} at {self.endpoint}: {fault}") from fault
            except BotoCoreError as fault:
                if time.monotonic() > ends:
                    raise Unreachable(f"nobody answers at {self.endpoint}: {fault}") from fault
                time.sleep(PAUSE_S_MAX)
                continue
            client.close()
            return {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0].get("Outputs", [])}

    def _api_address(self) -> str:
        if self.endpoint is None:
            return self.outputs["OrdersApiUrl"]
        return f"{self.endpoint}/_apis/{self.outputs['OrdersApiId']}"


class Api:
    """Requests that are repeated until they are answered: every one of them may be, by the order's id."""

    def __init__(self, address: str, patience_s: float) -> None:
        self.address = address
        self.patience_s = patience_s
        self.repeats = 0
        self.failures = 0
        self.calls = 0
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """End every thread's connection."""
        for connection in self._connections:
            connection.close()

    def place(self, order: dict[str, Any]) -> Response:
        return self.call("POST", "/orders", order)

    def cancel(self, order_id: str) -> Response:
        return self.call("POST", f"/orders/{quote(order_id, safe='')}/cancel")

    def show(self, order_id: str) -> Response:
        return self.call("GET", f"/orders/{quote(order_id, safe='')}")

    def find(self, **query: str) -> Response:
        return self.call("GET", f"/orders?{urlencode(query)}")

    def call(self, method: str, path: str, body: Any = None) -> Response:
        """The first answer that is one: not a broken connection, not a 5xx, not "slow down".

        Raises:
            Unreachable: none came within the patience.
        """
        ends, pause = time.monotonic() + self.patience_s, PAUSE_S
        while True:
            self.calls += 1
            try:
                response = self._once(method, path, body)
            except (OSError, http.client.HTTPException, ValueError) as fault:
                self._drop()
                reason = f"{type(fault).__name__}: {fault}"
            else:
                if response.status < 500 and response.status != 429:
                    return response
                reason = f"status {response.status}"
                self.failures += 1
            if time.monotonic() > ends:
                raise Unreachable(f"{method} {self.address}{path}: {reason} for {self.patience_s:.0f} s")
            self.repeats += 1
            time.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, PAUSE_S_MAX)

    def _once(self, method: str, path: str, body: Any) -> Response:
        parts = urlsplit(self.address)
        connection = getattr(self._local, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            connection = kind(parts.hostname or "", parts.port, timeout=REQUEST_TIMEOUT_S)
            self._local.connection = connection
            self._connections.append(connection)
        content = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
        connection.request(method, f"{parts.path}{path}", content, {"content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        return Response(answer.status, json.loads(text or b"null"))

    def _drop(self) -> None:
        if connection := getattr(self._local, "connection", None):
            connection.close()
            self._connections.remove(connection)
            self._local.connection = None


def endpoint_of_environment() -> str:
    return os.environ.get("AWS_ENDPOINT_URL") or LOCAL
