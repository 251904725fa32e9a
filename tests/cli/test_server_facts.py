# SPDX-License-Identifier: Apache-2.0
"""What a server honours is asked once a run, remembered for a week at most, and never a reason not
to do what was asked for."""
import email.utils
import json
import re
import time

import pytest

from buckets import MinioBucket
from conftest import Machine, stop
from gates import HOP_HEADERS, Loopback, forward
from servers import VersitygwServer, await_condition

PROBE = "/.cloudsync/probe/"
ERROR = "<Error><Code>{}</Code><Message>injected</Message></Error>"


class Gate:
    """A server behind a gate that may answer in its place: `refuse(method, target, headers)` gives
    a status, or nothing."""

    def __init__(self, server):
        self.server = server
        self.refuse = lambda *_: None
        self.change = lambda method, target, reply: reply
        self.user, self.secret = server.user, server.secret
        self.loopback = Loopback(self.answer)
        self.endpoint = self.loopback.url
        self.place = server.endpoint.removeprefix("http://")

    def client(self):
        return self.server.client()

    def answer(self, method, target, headers, body):
        status = self.refuse(method, target, headers)
        if status is None:
            kept = {k: v for k, v in headers.items()
                    if k not in ("connection", "expect", "transfer-encoding")}
            return self.change(method, target,
                               forward(self.server.endpoint, method, target, kept, body))
        if isinstance(status, tuple):
            return status
        return status, {}, b"" if method == "HEAD" else ERROR.format(f"E{status}").encode()

    def probing(self, method=None):
        return [r for r in self.loopback.requests
                if PROBE.strip("/") in r[1] and (method is None or r[0] == method)]

    def stop(self):
        self.loopback.stop()


@pytest.fixture
def gate(minio):
    gate = Gate(minio)
    yield gate
    gate.stop()


@pytest.fixture
def machine(gate, tmp_path):
    return Machine(tmp_path / "m", MinioBucket(gate))


def in_probe(target):
    return PROBE in target


def facts(machine):
    (text,), = machine.query("SELECT v FROM meta WHERE k LIKE 'capabilities:%'")
    return json.loads(text)


def age_facts(machine, days):
    import sqlite3
    document = facts(machine)
    document["learnt_ns"] -= days * 86400 * 10**9
    with sqlite3.connect(machine.database) as database:
        database.execute("UPDATE meta SET v = ? WHERE k LIKE 'capabilities:%'",
                         (json.dumps(document),))


def write_many(machine, count=40):
    for i in range(count):
        machine.write(f"f{i}", f"content {i}")


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_a_refused_probe_is_asked_once_a_run(gate, machine, status):
    """For 40 files by several workers; and the writes themselves are guarded by looks."""
    gate.refuse = lambda method, target, headers: status if in_probe(target) else None
    write_many(machine)
    result = machine.run("upload", check=0)
    assert len(gate.probing()) <= 6, [r[:2] for r in gate.probing()]
    assert len(machine.bucket.keys("data/")) == 40
    puts = [r for r in gate.loopback.requests if r[0] == "PUT" and not in_probe(r[1])]
    assert all(r[2].get("if-none-match") == "*" for r in puts)
    heads = {r[1] for r in gate.loopback.requests if r[0] == "HEAD"}
    assert {r[1] for r in puts} <= heads
    # It holds for that run only.
    gate.refuse = lambda *_: None
    machine.write("more", "more")
    machine.run("upload", check=0)
    assert facts(machine)["conditional_put"] == "honoured"


def test_an_unknown_server_never_satisfies_the_requirement(gate, machine):
    gate.refuse = lambda method, target, headers: 503 if in_probe(target) else None
    machine.configure(require_conditional_writes=True)
    write_many(machine)
    result = machine.run("upload")
    assert result.code not in (0,)
    assert "require_conditional_writes" in result.stderr
    assert machine.bucket.keys("data/") == []
    assert len(gate.probing()) <= 6


def test_no_is_remembered_for_a_week_and_yes_no_longer(gate, machine):
    def refuse(method, target, headers):
        copying = "x-amz-copy-source" in headers
        return 501 if in_probe(target) and copying else None
    gate.refuse = refuse
    machine.write("a", "1")
    machine.run("upload", check=0)
    assert facts(machine)["conditional_copy_destination"] == "refused"
    first = len(gate.probing())
    machine.write("b", "2")
    machine.run("upload", check=0)
    assert len(gate.probing()) == first
    age_facts(machine, 8)
    gate.refuse = lambda *_: None
    machine.write("c", "3")
    machine.run("upload", check=0)
    assert len(gate.probing()) > first
    assert facts(machine)["conditional_copy_destination"] == "ignored"  # as MinIO does


def test_a_fact_is_dropped_when_an_answer_contradicts_it(gate, machine):
    machine.write("a", "1")
    machine.run("upload", check=0)
    assert facts(machine)["conditional_put"] == "honoured"
    gate.refuse = lambda method, target, headers: (
        501 if method == "PUT" and "if-none-match" in headers else None)
    machine.write("b", "2")
    machine.run("upload", check=0)
    assert machine.bucket.read("data/b") == b"2"
    assert facts(machine).get("conditional_put") != "honoured"


def test_batches_that_fail_inside_are_done_without(gate, machine):
    gate.refuse = lambda method, target, headers: (
        500 if method == "POST" and "delete" in target.partition("?")[2] else None)
    write_many(machine, 5)
    machine.run("sync", check=0)
    for i in range(4):
        (machine.root / f"f{i}").unlink()
    machine.run("sync", check=0)
    assert machine.bucket.keys("data/") == ["data/f4"]


def test_the_leftovers_of_a_killed_probe_go_with_a_later_run(gate, machine):
    """Objects and uploads in parts, an hour old by the server's time."""
    machine.write("a", "1")
    stopped = []

    def refuse(method, target, headers):
        if in_probe(target) and method == "PUT" and "partNumber" in target and not stopped:
            stopped.append(target)
            stop(process)
            return 500
        return None
    gate.refuse = refuse
    process = machine.start("upload")
    process.wait(timeout=60)
    client = gate.client()
    name = machine.bucket.name
    old_id = re.search(PROBE + "([0-9a-f]{32})/", stopped[0])[1]
    folder = "data/.cloudsync/probe/"
    assert client.list_objects_v2(Bucket=name, Prefix=folder)["KeyCount"] > 0
    # MinIO lists the uploads of a whole key only.
    assert client.list_multipart_uploads(Bucket=name, Prefix=f"{folder}{old_id}/c")["Uploads"]
    # Foreign things beside them are nobody's leftovers.
    client.put_object(Bucket=name, Key=folder + "notes.txt", Body=b"keep")
    gate.refuse = lambda *_: None

    def two_hours_old(method, target, reply):
        status, headers, content = reply
        if method == "GET" and "prefix=" in target:
            then = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 7200))
            for element in (b"LastModified", b"Initiated"):
                content = re.sub(b"<%s>[^<]*<" % element,
                                 b"<%s>%s<" % (element, then.encode()), content)
        return status, headers, content
    gate.change = two_hours_old
    machine.run("upload", check=0)
    found = client.list_objects_v2(Bucket=name, Prefix=folder).get("Contents", [])
    assert [entry["Key"] for entry in found] == [folder + "notes.txt"]
    assert not client.list_multipart_uploads(
        Bucket=name, Prefix=f"{folder}{old_id}/c").get("Uploads")


def test_young_leftovers_may_be_at_work(gate, machine):
    client = gate.client()
    key = "data/.cloudsync/probe/" + "ab" * 16 + "/c"
    client.put_object(Bucket=machine.bucket.name, Key=key, Body=b"probe")
    machine.write("a", "1")
    machine.run("upload", check=0)
    client.head_object(Bucket=machine.bucket.name, Key=key)


FAILING_PARTS = {
    "403": 403, "501": 501,
    "other root": (200, {}, b"<Parts><IsTruncated>false</IsTruncated></Parts>"),
    "no XML": (200, {}, b"all is well"),
}


@pytest.mark.parametrize("answer", FAILING_PARTS.values(), ids=FAILING_PARTS)
def test_an_upload_whose_parts_are_not_told_begins_anew(gate, machine, answer):
    machine.configure(storage={"multipart_threshold": "5MiB", "chunk_size": "5MiB"}, max_workers=2)
    machine.write("big", bytes(range(256)) * (16 << 12))
    parts = []

    def kill_at_the_second(method, target, headers):
        if "partNumber" in target and not in_probe(target):
            parts.append(target)
            if len(parts) >= 3:
                stop(process)
                return 500
        return None
    gate.refuse = kill_at_the_second
    process = machine.start("upload")
    process.wait(timeout=60)
    assert machine.query("SELECT COUNT(*) FROM transfers") == [(1,)]
    gate.refuse = lambda method, target, headers: (
        answer if method == "GET" and "uploadId" in target else None)
    result = machine.run("upload", check=0)
    assert machine.bucket.read("data/big") == machine.read("big")
    assert result.stderr.count("begins anew") == 1, result


@pytest.mark.parametrize("answer", [
    (200, {}, b"<html><body>versions?</body></html>"), (200, {}, b"{}"), 500, 404])
def test_an_unreadable_answer_about_versions_ends_nothing(gate, machine, answer):
    gate.refuse = lambda method, target, headers: (
        answer if method == "GET" and "versioning" in target.partition("?")[2] else None)
    machine.write("a", "1")
    machine.run("sync", check=0)
    machine.write("a", "changed")
    machine.bucket.write("data/a", b"changed elsewhere, too")
    machine.run("sync", "--conflict-strategy", "local_wins")
    (machine.root / "a").unlink()
    machine.run("sync")


def rename_root(method, target, reply):
    status, headers, content = reply
    for root in (b"CompleteMultipartUploadResult", b"InitiateMultipartUploadResult",
                 b"CopyObjectResult", b"DeleteResult", b"VersioningConfiguration"):
        content = content.replace(root + b">", b"Answer>").replace(root + b" ", b"Answer ")
    return status, headers, content


def test_answers_are_read_by_what_they_contain(gate, machine):
    gate.change = rename_root
    machine.configure(storage={"multipart_threshold": "5MiB", "chunk_size": "5MiB"})
    machine.write("big", bytes(range(256)) * (12 << 12))
    write_many(machine, 3)
    machine.run("sync", check=0)
    (machine.root / "f0").unlink()
    (machine.root / "f1").unlink()
    machine.run("sync", check=0)
    assert machine.bucket.keys("data/") == ["data/big", "data/f2"]


def test_an_answer_that_cannot_be_read_is_no_outage(gate, machine):
    """The write was carried out: what the key holds tells. It is not sent again."""
    machine.configure(storage={"multipart_threshold": "5MiB", "chunk_size": "5MiB"})
    machine.write("warm", "up")
    machine.run("upload", check=0)
    machine.write("big", bytes(range(256)) * (12 << 12))

    def spoil(method, target, reply):
        status, headers, content = reply
        if method == "POST" and "uploadId" in target:
            content = b"<html>done</html>"
        return status, headers, content
    gate.change = spoil
    machine.run("upload", check=0)
    sent = [r for r in gate.loopback.requests if r[0] == "POST" and "uploadId" in r[1]
            and "/big" in r[1]]
    assert len(sent) == 1
    assert machine.run("upload", check=0).actions() == []


def test_a_checksum_header_that_is_refused_is_left_out_from_then_on(gate, machine):
    gate.refuse = lambda method, target, headers: (
        501 if method in ("HEAD", "GET") and "x-amz-checksum-mode" in headers else None)
    write_many(machine, 5)
    machine.run("upload", check=0)
    other = Machine(machine.folder.parent / "other", machine.bucket)
    first = other.run("download", check=0)
    assert other.contents() == machine.contents()
    asked = len([r for r in gate.loopback.requests if "x-amz-checksum-mode" in r[2]])
    (other.root / "f0").unlink()
    machine.write("f9", "new")
    machine.run("upload", check=0)
    other.run("download", check=0)
    later = len([r for r in gate.loopback.requests if "x-amz-checksum-mode" in r[2]])
    assert later == asked


def test_a_deleted_key_can_be_created_again_in_a_versioned_bucket(tmp_path):
    """versitygw takes a delete marker for an object: If-None-Match is refused there."""
    server = VersitygwServer.wanted()()
    try:
        bucket = MinioBucket(server)
        server.client().put_bucket_versioning(
            Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
        machine = Machine(tmp_path / "m", bucket)
        machine.configure(storage={"multipart_threshold": "5MiB", "chunk_size": "5MiB"})
        machine.write("a", "first")
        machine.write("stays", "stays")
        machine.write("big", bytes(range(256)) * (24 << 10))
        machine.run("sync", check=0)
        for name in ("a", "big"):
            (machine.root / name).unlink()
        machine.run("sync", check=0)
        assert bucket.keys("data/") == ["data/stays"]
        machine.write("a", "again")
        machine.write("big", bytes(range(255, -1, -1)) * (24 << 10))
        machine.run("sync", check=0)
        assert bucket.read("data/a") == b"again"
        assert bucket.read("data/big") == machine.read("big")
    finally:
        server.stop()
