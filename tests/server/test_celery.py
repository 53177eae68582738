"""A celery worker runs its jobs on queues of ours, unchanged but for the broker's address.

Source: https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/sqs.html
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

JOBS = 30
APPLICATION = """
import os
from celery import Celery

app = Celery("jobs", broker=os.environ["QUEUES"])
app.conf.update(
    broker_transport_options={
        "region": "us-east-1", "is_secure": False,
        "wait_time_seconds": 5, "polling_interval": 0.1, "visibility_timeout": 3600,
    },
    task_default_queue="jobs", worker_send_task_events=False, worker_enable_remote_control=False,
    task_acks_late=True, broker_connection_retry_on_startup=True,
)


@app.task(bind=True, max_retries=3)
def double(self, number):
    if number % 10 == 3 and self.request.retries == 0:
        raise self.retry(countdown=0.1)
    with open(os.environ["DONE"], "a") as file:
        file.write(f"{number} {2 * number}\\n")
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data")
    server.start()
    yield server
    server.stop()


def test_a_celery_worker_runs_every_job_once_and_tries_again_what_asks_for_it(
    server: ServerProcess, tmp_path: Path
) -> None:
    (tmp_path / "jobs.py").write_text(APPLICATION)
    done = tmp_path / "done"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "QUEUES": f"sqs://test:test@127.0.0.1:{server.port}", "DONE": str(done), "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    send = f"import jobs\nfor n in range({JOBS}): jobs.double.delay(n)"
    subprocess.run([sys.executable, "-c", send], cwd=tmp_path, env=environment, check=True, timeout=120)
    worker = [sys.executable, "-m", "celery", "-A", "jobs", "worker", "--pool", "solo", "--loglevel", "INFO",
              "--without-gossip", "--without-mingle", "--without-heartbeat"]  # fmt: skip
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            worker, cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            until = time.monotonic() + 120
            while time.monotonic() < until and (not done.exists() or len(done.read_text().splitlines()) < JOBS):
                assert process.poll() is None, (tmp_path / "worker.log").read_text()[-3000:]
                time.sleep(0.1)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
    lines = done.read_text().splitlines()
    assert sorted(lines) == sorted(f"{number} {2 * number}" for number in range(JOBS))
    sqs = server.client("sqs")
    url = sqs.get_queue_url(QueueName="jobs")["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert set(left.values()) == {"0"}
