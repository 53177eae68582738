"""A customer who counts: it sends numbered messages all the time, remembers what was acknowledged, and looks for all of it at the end.

Also what it is told when a call is refused: everything that is not a broken connection has a code and a status.
"""

import threading
import time
from collections import Counter
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_PAUSE_S = 0.05
_PATIENCE_S = 60.0


def client(url: str, service: str, *, timeout_s: float = 10) -> Any:
    """One that repeats nothing by itself."""
    make: Any = boto3.session.Session().client
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=timeout_s)
    words = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return make(service, endpoint_url=url, config=config, **words)


class Probe:
    """Sends until it is asked what became of it."""

    def __init__(self, url: str, *, pad_bytes: int = 0) -> None:
        self._pad = " " + "x" * pad_bytes
        self._sqs = client(url, "sqs")
        self._queue = self._sqs.create_queue(QueueName="probe", Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]
        self._acknowledged: set[str] = set()
        self._refused: Counter[str] = Counter()
        self.last_refusal = ""
        self._longest = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        number, answered = 0, time.monotonic()
        while not self._stop.wait(_PAUSE_S):
            number += 1
            try:
                self._sqs.send_message(QueueUrl=self._queue, MessageBody=str(number) + self._pad)
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                self._refused[f"{status} {error.response['Error']['Code']}"] += 1
                self.last_refusal = str(error.response["Error"].get("Message"))
            except BotoCoreError as error:
                self._refused[type(error).__name__] += 1
            else:
                self._acknowledged.add(str(number))
                self._longest = max(self._longest, time.monotonic() - answered)
                answered = time.monotonic()

    def verdict(self) -> dict[str, Any]:
        """What was acknowledged and is not there, or is there twice; ``held``: nothing of either, and all refusals may be repeated."""
        self._stop.set()
        self._thread.join(_PATIENCE_S)
        found: Counter[str] = Counter()
        ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends:
            try:
                answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            except (ClientError, BotoCoreError):
                time.sleep(1)
                continue
            if not answer.get("Messages"):
                break
            found.update(message["Body"].partition(" ")[0] for message in answer["Messages"])
        lost = sorted(self._acknowledged - found.keys(), key=int)
        twice = sorted(body for body, times in found.items() if times > 1)
        final = [kind for kind in self._refused if kind[0].isdigit() and not kind.startswith("5")]
        return {
            "acknowledged": len(self._acknowledged),
            "lost": lost[:10],
            "twice": twice[:10],
            "refused": dict(self._refused),
            "lastRefusal": self.last_refusal,
            "longestWithoutAnAnswer": round(self._longest, 2),
            "held": not (lost or twice or final),
        }
