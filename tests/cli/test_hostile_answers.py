# SPDX-License-Identifier: Apache-2.0
"""What may be asked of us: endless answers, YAML bombs, tokens in the clear, files that are not needed.
Memory and time stay bounded, and what the user reads names the cause."""
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

from conftest import Machine
from gates import GcsGate, GcsServiceAccount

MOST_MEMORY = 600 << 20  # bytes; what the sanitizers keep aside is in it


class Flood:
    """Answers each GET with `head`, then with `more` until the client hangs up."""

    def __init__(self, head, more):
        self.head, self.more = head, more
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                if connection.recv(65536).startswith(b"HEAD"):  # what has no body is no flood
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                                       b"Connection: close\r\n\r\n")
                    return
                connection.sendall(self.head)
                while True:
                    connection.sendall(self.more)
            except OSError:
                pass

    def stop(self):
        self.listener.close()


def peak_memory(pid):
    """Of the program alone; what wait4 tells begins with the memory of these tests."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(peak[1]) << 10 if peak else 0


def run_measured(machine, *command):
    """Exit code, what it said, and the largest memory that it held."""
    said = machine.folder / "said"
    with open(said, "wb") as output:
        process = subprocess.Popen(machine.command(*command), cwd=machine.folder,
                                   env=machine.environment(), stdout=output, stderr=output)
    peak = 0
    while process.poll() is None:
        peak = max(peak, peak_memory(process.pid))
        time.sleep(0.002)
    return process.returncode, said.read_text(errors="replace"), peak


class Served:
    def __init__(self, provider, **storage):
        self.provider = provider
        self.document = {"provider": provider, "bucket": "team", **storage}

    def storage(self):
        return self.document


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "trailers": (CHUNKED + b"1\r\n<\r\n0\r\n", b"X-Trailer: 0123456789abcdef\r\n" * 4000),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-Header: 0123456789abcdef\r\n" * 4000),
    "interim": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 2000),
    "error_body": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 99999999999\r\n\r\n<Error>"
                   b"<Code>AccessDenied</Code></Error>", b" " * 100_000),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_an_endless_answer_ends_and_takes_no_memory(tmp_path, flood):
    server = Flood(*FLOODS[flood])
    try:
        machine = Machine(tmp_path / "m", Served(
            "s3", endpoint_url=f"http://127.0.0.1:{server.port}", region="us-east-1",
            credentials={"aws_access_key_id": "AKIDEXAMPLE",
                         "aws_secret_access_key": "secret-0123456789"}),
            retry_attempts=1)
        code, text, memory = run_measured(machine, "ls")
        assert code in (10, 11), text
        assert memory < MOST_MEMORY
        assert "object store" in text or "AccessDenied" in text
    finally:
        server.stop()


@pytest.mark.parametrize("mebibytes, code", [(20, 0), (70, 11)])
def test_a_page_of_a_listing_may_be_64_mebibytes(tmp_path, passage, mebibytes, code):
    passage.bucket.write("data/file", b"content")

    def padded(request):
        if not request.is_listing:
            return None
        status, reply, content = passage.upstream(request)
        return status, reply, content.rstrip() + b" " * (mebibytes << 20)

    passage.answer = padded
    machine = Machine(tmp_path / "m", passage, retry_attempts=1)
    seen, text, memory = run_measured(machine, "ls")
    assert seen == code, text[-2000:]
    assert ("data/file" in text) == (code == 0)
    assert ("64 MiB" in text) == (code != 0)
    assert memory < MOST_MEMORY


@pytest.mark.parametrize("written", ["99999999999999999999", "-99999999999999999999",
                                     "0000-06-01T00:00:00Z", "10000-06-01T00:00:00Z"])
def test_a_time_outside_the_years_1_to_9999_is_none(tmp_path, passage, written):
    """The object's own time stands in for it."""
    passage.bucket.write("data/file", b"content", metadata={"mtime": written})
    machine = Machine(tmp_path / "m", passage)
    machine.run("download", check=0)
    assert abs((machine.root / "file").stat().st_mtime - time.time()) < 86400
    assert machine.run("sync", check=0).actions() == []


LAST_SECOND = (2**63 - 1) // 10**9  # that nanoseconds in 64 bits can hold


@pytest.mark.parametrize("written, second", [("9999-06-01T00:00:00Z", LAST_SECOND),
                                             ("0001-06-01T00:00:00Z", -LAST_SECOND - 1)])
def test_a_time_that_nanoseconds_cannot_hold_becomes_the_nearest(tmp_path, passage, written,
                                                                 second):
    passage.bucket.write("data/file", b"content", metadata={"mtime": written})
    machine = Machine(tmp_path / "m", passage)
    machine.run("download", check=0)
    seen = (machine.root / "file").stat().st_mtime_ns // 10**9
    assert seen == second or -2**31 <= seen < 2**34  # what this file system has at most
    assert machine.run("sync", check=0).actions() == []


def test_a_listing_with_a_time_of_the_year_9999(tmp_path, passage):
    passage.bucket.write("data/file", b"content")
    passage.answer = lambda request: passage.page(
        request.prefix, [passage.dated(item, 9999) for item in passage.items(request)]
    ) if request.is_listing and request.prefix == "data/" else None
    machine = Machine(tmp_path / "m", passage)
    machine.run("sync", check=0)
    assert machine.contents() == {"file": b"content"}
    assert machine.run("sync", check=0).actions() == []
    machine.write("file", "changed")
    machine.run("sync", check=0)
    assert passage.bucket.read("data/file") == b"changed"


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))


@pytest.mark.parametrize("text", [",", "--- ,\n", BOMB, "a: " + "[" * 500_000, "a: 1\n---\nb: 2\n",
                                  "x" * (1 << 21)],
                         ids=["comma", "comma_after_dashes", "aliases", "nesting", "documents",
                              "size"])
def test_a_configuration_file_cannot_take_the_memory(tmp_path, text):
    machine = Machine(tmp_path / "m", Served("local", path=str(tmp_path / "cloud")))
    machine.config_file.write_text(text)
    code, said, memory = run_measured(machine, "sync")
    assert code == 2, said
    assert "cloudsync.yaml" in said
    assert memory < MOST_MEMORY


def test_a_retention_needs_its_unit(tmp_path):
    machine = Machine(tmp_path / "m", Served("local", path=str(tmp_path / "cloud")),
                      trash_retention="30")
    refused = machine.run("sync", check=2)
    assert "30d" in refused.stderr


@pytest.mark.parametrize("storage", [
    {"provider": "gcs", "credentials": {"service_account_file": "key.json"}},
    {"provider": "azure", "account": "acc", "credentials": {"sas_token": "sv=2020&sig=abcdef0123"}},
    {"provider": "azure", "account": "acc", "credentials": {
        "tenant_id": "t", "client_id": "c", "client_secret": "very-secret-value"}},
], ids=["gcs", "azure_sas", "azure_entra"])
def test_tokens_do_not_travel_in_the_clear(tmp_path, storage):
    machine = Machine(tmp_path / "m", Served(**storage, endpoint_url="http://host.invalid:9000"),
                      retry_attempts=0)
    (machine.folder / "key.json").write_text("{}")
    refused = machine.run("ls", json_output=False)
    assert refused.code == 2 and "allow_http" in refused.stderr, refused
    machine.configure(storage={"allow_http": True}, retry_attempts=0)
    allowed = machine.run("ls", json_output=False)
    assert "anybody on the way" in allowed.stderr, allowed


def test_signed_requests_over_plain_http_are_warned_of_once(tmp_path):
    machine = Machine(tmp_path / "m", Served(
        "s3", endpoint_url="http://host.invalid:9000", region="us-east-1",
        credentials={"aws_access_key_id": "AKIDEXAMPLE",
                     "aws_secret_access_key": "secret-0123456789"}), retry_attempts=0)
    result = machine.run("ls", json_output=False, check=11)
    assert result.stderr.count("anybody on the way can read") == 1


def test_a_file_of_credentials_that_is_not_needed_stands_in_nobodys_way(tmp_path, minio_bucket):
    machine = Machine(tmp_path / "m", minio_bucket)
    machine.write("f", b"x")
    (machine.folder / ".aws/credentials").mkdir(parents=True)
    machine.run("upload", check=0)
    machine.extra_environment["AWS_PROFILE"] = "default"
    assert machine.run("upload").code != 0


@pytest.fixture
def tls_issuer(tmp_path, gcs_bucket, request):
    """Google's token endpoint behind TLS with an authority of its own."""
    certs = tmp_path / "certs"
    certs.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-keyout", certs / "key.pem", "-out", certs / "ca.pem",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    gate = GcsGate(gcs_bucket)
    issuer = GcsServiceAccount(gate, tmp_path / "issuer")
    request.addfinalizer(gate.stop)
    request.addfinalizer(issuer.stop)
    issuer.loopback.use_tls(certs / "ca.pem", certs / "key.pem")
    issuer.prepare()
    return gate, issuer, certs / "ca.pem"


def test_token_services_are_verified_whatever_the_storage_endpoint_is(tls_issuer, tmp_path):
    gate, issuer, authority = tls_issuer
    machine = Machine(tmp_path / "m", gate.bucket)
    storage = {**gate.storage(), **issuer.storage}  # the endpoint of the gate itself is plain
    machine.configure(storage={**storage, "verify_tls": False}, retry_attempts=0)
    refused = machine.run("ls")
    assert refused.code in (10, 11) and "certificate" in refused.stderr, refused
    machine.configure(storage={**storage, "ca_bundle": str(authority)}, retry_attempts=0)
    assert "certificate" in machine.run("ls").stderr
    machine.configure(storage={**storage, "auth_ca_bundle": str(authority)}, retry_attempts=0)
    machine.run("ls", check=0)
