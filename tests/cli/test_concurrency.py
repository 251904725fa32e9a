# SPDX-License-Identifier: Apache-2.0
"""How many requests are in flight: found by `auto`, and found again after the service said no."""
import threading
import time

import pytest

from buckets import MinioBucket
from conftest import Machine
from gates import HOP_HEADERS, Loopback, forward

pytestmark = pytest.mark.alone

SLOW_DOWN = (503, {"Content-Type": "application/xml"}, (
    b'<?xml version="1.0"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"))


class SlowServer:
    """MinIO behind a long line: each upload takes `latency` seconds, and those for which `refuses`
    is true are refused as too many."""

    def __init__(self, server, latency):
        self.bucket = MinioBucket(server)
        self.latency = latency
        self.refuses = lambda number: False
        self.lock = threading.Lock()
        self.number = self.running = self.most = 0
        self.loopback = Loopback(self.answer)

    def __getattr__(self, name):
        return getattr(self.bucket, name)

    def storage(self):
        return {**self.bucket.storage(), "endpoint_url": self.loopback.url}

    def answer(self, method, target, headers, body):
        upload = method == "PUT" and "/data/" in target and ".cloudsync" not in target
        if not upload:
            return self.passed_on(method, target, headers, body)
        with self.lock:
            self.number += 1
            number = self.number
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            time.sleep(self.latency)
            if self.refuses(number):
                return SLOW_DOWN
            return self.passed_on(method, target, headers, body)
        finally:
            with self.lock:
                self.running -= 1

    def passed_on(self, method, target, headers, body):
        kept = {name: value for name, value in headers.items()
                if name not in HOP_HEADERS or name == "host"}
        return forward(self.bucket.server.endpoint, method, target, kept, body)


@pytest.fixture
def slow(minio):
    server = SlowServer(minio, 0.1)
    yield server
    server.loopback.stop()


def write_files(machine, count):
    for number in range(count):
        machine.write(f"d{number % 5}/f{number}", f"content {number}")


def test_auto_finds_more_than_it_began_with(slow, tmp_path):
    machine = Machine(tmp_path / "a", slow, max_workers="auto")
    write_files(machine, 240)
    result = machine.run("upload", "-v", check=0)
    found = result.summary["concurrency"]
    assert found["mode"] == "auto"
    assert found["most"] >= 16 and slow.most > 8, (found, slow.most)
    assert len(slow.keys("data/")) == 240
    fixed = Machine(tmp_path / "b", slow, max_workers=4)
    write_files(fixed, 240)
    four = fixed.run("upload", prefix="data/four/", check=0)
    assert result.summary["seconds"] < four.summary["seconds"], (result, four)


def test_text_says_how_many(slow, tmp_path):
    machine = Machine(tmp_path / "a", slow, max_workers=3)
    write_files(machine, 6)
    result = machine.run("upload", json_output=False, check=0)
    assert b"up to 3 requests at once" in result.stdout, result
    assert slow.most == 3


@pytest.mark.parametrize("workers", ["16", "auto"])
def test_recovers_after_throttling(slow, tmp_path, workers):
    """A service that refuses for a moment does not slow the rest of the run down."""
    slow.latency = 0.03
    slow.refuses = lambda number: 40 <= number < 60
    # One file may be refused several times by chance.
    machine = Machine(tmp_path / "a", slow, max_workers=workers, retry_attempts=10)
    write_files(machine, 700)
    result = machine.run("upload", check=0)
    found = result.summary["concurrency"]
    assert found["throttled"] > 0
    assert result.summary["failed"] == 0
    if workers == "16":
        assert found["last"] == found["most"] == 16, found
    else:
        assert found["last"] > 4, found
    assert len(slow.keys("data/")) == 700
