# SPDX-License-Identifier: Apache-2.0
"""What was on its way when a run ended: answers that never came, and an edit after it."""
import os
import signal
import threading

import pytest

from buckets import AzuriteBucket, GcsBucket, LocalBucket, MinioBucket
from conftest import Machine, stop
from gates import HOP_HEADERS, Loopback, forward
from servers import await_condition


class SilentGate:
    """Before a real server: `hold` says of each request whether its answer is kept back. The server
    has carried it out by then; the client never hears of it."""

    def __init__(self, bucket):
        self.bucket = bucket
        self.hold = lambda method, target: False
        self.held = []
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.loopback = Loopback(self.answer)

    def stop(self):
        self.released.set()
        self.loopback.stop()

    def storage(self):
        storage = dict(self.bucket.storage())
        upstream = self.bucket.server.endpoint
        storage["endpoint_url"] = storage["endpoint_url"].replace(upstream, self.loopback.url)
        return storage

    def answer(self, method, target, headers, body):
        kept = {name: value for name, value in headers.items()
                if name not in HOP_HEADERS or name == "host"}
        status, reply, content = forward(self.bucket.server.endpoint, method, target, kept, body)
        if self.hold(method, target) and status < 300:
            with self.lock:
                self.held.append((method, target))
            self.released.wait(60)
        upstream = self.bucket.server.endpoint
        return status, {n: v.replace(upstream, self.loopback.url) for n, v in reply.items()}, content


class Gated:
    """A bucket whose requests go through a gate."""

    def __init__(self, bucket, gate):
        self.bucket = bucket
        self.gate = gate

    def __getattr__(self, name):
        return getattr(self.bucket, name)

    def storage(self):
        return self.gate.storage()


@pytest.fixture(params=["minio", "fake_gcs", "azurite"])
def gated(request):
    server = request.getfixturevalue(request.param)
    kind = {"minio": MinioBucket, "fake_gcs": GcsBucket, "azurite": AzuriteBucket}[request.param]
    bucket = kind(server)
    gate = SilentGate(bucket)
    yield Gated(bucket, gate)
    gate.stop()


on_minio = pytest.mark.parametrize("gated", ["minio"], indirect=True)


def warmed(machine):
    """With what a run finds out about a server once."""
    machine.write("warm", b"warm")
    machine.run("sync", check=0)
    return machine


@pytest.fixture
def silent(gated, tmp_path):
    return warmed(Machine(tmp_path / "a", gated, max_workers=4))


def writes_of(provider):
    """Requests that make an object of a user's file."""
    def is_write(method, target):
        if ".cloudsync" in target or "uploadId=" in target or "uploads" in target.partition("?")[2]:
            return False
        if provider == "gcs":
            return method == "POST" and "/upload/" in target and "/batch" not in target
        return method == "PUT" and "data%2F" in target or method == "PUT" and "/data/" in target
    return is_write


def end(process, how):
    code = stop(process, how)  # in two seconds: test_signals.py
    if how != signal.SIGKILL:
        assert code == 128 + how
    process.communicate()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_upload_whose_answer_was_lost_and_an_edit(silent, how):
    gate, provider = silent.bucket.gate, silent.bucket.provider
    silent.write("old", b"first")
    silent.run("sync", check=0)
    silent.write("old", b"second, longer")
    silent.write("new", b"created")
    gate.hold = writes_of(provider)
    process = silent.start("sync")
    await_condition(lambda: len(gate.held) >= 2, "two uploads that arrived")
    end(process, how)
    gate.hold = lambda *_: False
    silent.write("old", b"third, longer still")
    silent.write("new", b"created, then edited")
    result = silent.run("sync", check=0)
    assert result.summary["conflicts"] == 0, result
    assert result.actions("upload") == [("upload", "new"), ("upload", "old")]
    assert silent.read("old") == b"third, longer still"
    assert silent.read("new") == b"created, then edited"
    assert silent.bucket.read("data/old") == b"third, longer still"
    assert silent.bucket.read("data/new") == b"created, then edited"
    assert silent.bucket.keys("data/") == ["data/new", "data/old", "data/warm"]
    assert silent.query("SELECT count(*) FROM intents") == [(0,)]
    assert silent.run("sync", check=0).actions() == []


@on_minio
def test_upload_whose_answer_was_lost_is_not_sent_again(silent):
    gate = silent.bucket.gate
    silent.write("one", b"content")
    gate.hold = writes_of(silent.bucket.provider)
    process = silent.start("sync")
    await_condition(lambda: gate.held, "an upload that arrived")
    end(process, signal.SIGKILL)
    gate.hold = lambda *_: False
    result = silent.run("sync", check=0)
    assert result.summary["bytes_uploaded"] == result.summary["bytes_downloaded"] == 0
    assert silent.run("sync", check=0).actions() == []


@on_minio
def test_upload_whose_answer_was_lost_and_a_deletion(silent):
    """A file that went after the kill does not come back."""
    gate = silent.bucket.gate
    for name in ("one", "two", "three"):
        silent.write(name, name.encode())
    silent.run("sync", check=0)
    silent.write("new", b"content")
    gate.hold = writes_of(silent.bucket.provider)
    process = silent.start("sync")
    await_condition(lambda: gate.held, "an upload that arrived")
    end(process, signal.SIGKILL)
    gate.hold = lambda *_: False
    (silent.root / "new").unlink()
    silent.run("sync", check=0)
    assert "new" not in silent.contents()
    assert "data/new" not in silent.bucket.keys("data/")


@on_minio
def test_foreign_content_beside_a_lost_answer_is_a_conflict(silent):
    """Only exactly what was sent is one's own."""
    gate, bucket = silent.bucket.gate, silent.bucket
    silent.write("one", b"mine")
    gate.hold = writes_of(bucket.provider)
    process = silent.start("sync")
    await_condition(lambda: gate.held, "an upload that arrived")
    end(process, signal.SIGKILL)
    gate.hold = lambda *_: False
    bucket.write("data/one", b"hers")
    silent.write("one", b"mine, edited")
    result = silent.run("sync", "--conflict-strategy", "manual", check=4)
    assert result.summary["conflicts_open"] == 1
    assert bucket.read("data/one") == b"hers"
    assert silent.read("one") == b"mine, edited"


def test_deletion_whose_answer_was_lost_and_a_new_file(silent):
    gate, provider = silent.bucket.gate, silent.bucket.provider
    for number in range(4):
        silent.write(f"f{number}", b"content")
    silent.run("sync", check=0)
    (silent.root / "f0").unlink()

    def is_deletion(method, target):
        if ".cloudsync" in target:
            return False
        return method == "DELETE" or method == "POST" and ("?delete" in target or "batch" in target)

    gate.hold = is_deletion
    process = silent.start("sync")
    await_condition(lambda: gate.held, "a deletion that arrived")
    end(process, signal.SIGKILL)
    gate.hold = lambda *_: False
    silent.write("f0", b"made again")
    result = silent.run("sync", "--conflict-strategy", "manual", check=0)
    assert result.summary["conflicts"] == 0, result
    assert silent.bucket.read("data/f0") == b"made again"
    assert silent.run("sync", check=0).actions() == []


@on_minio
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_download_in_flight_and_an_edit_elsewhere(silent, how):
    gate, bucket = silent.bucket.gate, silent.bucket
    silent.write("mine", b"first")
    silent.run("sync", check=0)
    bucket.write("data/theirs", b"from elsewhere")
    gate.hold = lambda method, target: method == "GET" and "theirs" in target and "prefix=" not in target
    process = silent.start("sync")
    await_condition(lambda: gate.held, "a download on its way")
    end(process, how)
    gate.hold = lambda *_: False
    silent.write("mine", b"second")
    result = silent.run("sync", check=0)
    assert result.summary["conflicts"] == 0, result
    assert silent.contents() == {"mine": b"second", "theirs": b"from elsewhere", "warm": b"warm"}
    assert bucket.read("data/mine") == b"second"


@pytest.fixture(params=["minio", "azurite"])
def parts(request, tmp_path):
    server = request.getfixturevalue(request.param)
    bucket = {"minio": MinioBucket, "azurite": AzuriteBucket}[request.param](server)
    gate = SilentGate(bucket)
    yield warmed(Machine(tmp_path / "a", Gated(bucket, gate), max_workers=4,
                         storage={"multipart_threshold": "8MiB"}))
    gate.stop()


def test_completed_parts_whose_answer_was_lost_and_an_edit(parts):
    gate = parts.bucket.gate
    content = os.urandom(12 << 20)
    parts.write("big", content)

    def is_completion(method, target):
        query = target.partition("?")[2]
        return ("data" in target and ".cloudsync" not in target and
                (method == "POST" and "uploadId=" in query or
                 method == "PUT" and "comp=blocklist" in query))

    gate.hold = is_completion
    process = parts.start("sync")
    await_condition(lambda: gate.held, "an upload that was completed")
    end(process, signal.SIGKILL)
    gate.hold = lambda *_: False
    edited = content[:-1] + b"!"
    parts.write("big", edited)
    result = parts.run("sync", check=0)
    assert result.summary["conflicts"] == 0, result
    assert result.summary["downloaded"] == 0
    assert parts.bucket.read("data/big") == edited
    assert parts.query("SELECT count(*) FROM transfers") == [(0,)]
    assert parts.query("SELECT count(*) FROM intents") == [(0,)]


def test_killed_at_any_moment_and_everything_edited(tmp_path):
    """The local provider answers at once, so the kill comes at many moments instead."""
    machine = Machine(tmp_path / "a", LocalBucket(tmp_path / "cloud"), max_workers=8)
    for number in range(8):
        for name in range(60):
            machine.write(f"f{name}", f"{number} of {name}".encode())
        process = machine.start("sync")
        try:
            process.wait(timeout=0.02 * number + 0.05)
        except Exception:
            stop(process)
        process.communicate()
    for name in range(60):
        machine.write(f"f{name}", f"last of {name}".encode())
    result = machine.run("sync", check=0)
    assert result.summary["conflicts"] == 0, result
    assert all(machine.bucket.read(f"data/{path}") == content
               for path, content in machine.contents().items())
    assert len(machine.contents()) == 60
