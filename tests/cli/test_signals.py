# SPDX-License-Identifier: Apache-2.0
"""A signal ends whatever the program waits for."""
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from buckets import MinioBucket
from conftest import Machine
from gates import HOP_HEADERS, Loopback, forward
from servers import await_condition

pytestmark = pytest.mark.alone

STOPS = [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
SOON = 2.4  # two seconds, and the machine's own time


class Silence:
    """MinIO, until `silent` says of a request that it is never answered, or `late` that its answer
    has to wait."""

    def __init__(self, server):
        self.bucket = MinioBucket(server)
        self.silent = self.late = lambda method, target: False
        self.waiting = []
        self.over = threading.Event()
        self.loopback = Loopback(self.answer)

    def __getattr__(self, name):
        return getattr(self.bucket, name)

    def storage(self):
        return {**self.bucket.storage(), "endpoint_url": self.loopback.url}

    def answer(self, method, target, headers, body):
        if self.silent(method, target):
            self.waiting.append((method, target))
            self.over.wait(60)
            return 500, {}, b""
        kept = {name: value for name, value in headers.items()
                if name not in HOP_HEADERS or name == "host"}
        reply = forward(self.bucket.server.endpoint, method, target, kept, body)
        if self.late(method, target):
            self.waiting.append((method, target))
            self.over.wait(60)
        return reply


@pytest.fixture
def bucket(minio):
    server = Silence(minio)
    yield server
    server.over.set()
    server.loopback.stop()


def signalled(process, how):
    """Exit code, output and seconds after a signal."""
    begin = time.monotonic()
    process.send_signal(how)
    output, _ = process.communicate(timeout=30)
    return process.returncode, output, time.monotonic() - begin


def is_upload(method, target):
    return method == "PUT" and "/data/" in target and ".cloudsync" not in target


@pytest.mark.parametrize("how, code", STOPS)
def test_stops_while_uploads_wait_for_their_answers(bucket, machine, how, code):
    for number in range(20):
        machine.write(f"f{number}")
    machine.configure(max_workers=4)
    bucket.silent = is_upload
    process = machine.start("upload")
    await_condition(lambda: len(bucket.waiting) == 4, "uploads without an answer")
    ended, output, seconds = signalled(process, how)
    assert (ended, seconds < SOON) == (code, True), (ended, seconds)
    summary = json.loads(output.splitlines()[-1])
    assert summary["exit_code"] == code
    # No new work after the signal.
    assert len(bucket.waiting) == 4


def test_answers_that_come_in_time_are_kept(bucket, machine):
    for number in range(4):
        machine.write(f"f{number}")
    machine.configure(max_workers=4)
    bucket.late = is_upload
    process = machine.start("upload")
    await_condition(lambda: len(bucket.waiting) == 4, "four uploads that arrived")
    threading.Timer(0.5, bucket.over.set).start()
    code, _, seconds = signalled(process, signal.SIGTERM)
    assert code == 143 and seconds < SOON
    assert machine.query("SELECT count(*) FROM entries") == [(4,)]


def test_second_signal_ends_at_once(bucket, machine):
    machine.write("f")
    bucket.silent = is_upload
    process = machine.start("upload")
    await_condition(lambda: bucket.waiting, "an upload without an answer")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    code, _, seconds = signalled(process, signal.SIGINT)
    assert code == 130 and seconds < 1


def test_hangup_is_ignored_under_nohup(bucket, machine):
    for number in range(4):
        machine.write(f"f{number}")
    bucket.silent = is_upload
    process = subprocess.Popen(
        machine.command("upload", "--json"), cwd=machine.folder, env=machine.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    await_condition(lambda: bucket.waiting, "an upload")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    assert signalled(process, signal.SIGTERM)[0] == 143


@pytest.mark.parametrize("what", ["connect", "list", "download", "delete"])
def test_stops_whatever_it_waits_for(bucket, machine, what):
    machine.write("f")
    machine.write("g")
    machine.run("sync", check=0)
    asks = {"connect": lambda method, target: True,
            "list": lambda method, target: method == "GET" and "list-type=2" in target,
            "download": lambda method, target: method == "GET" and "/data/theirs" in target,
            "delete": lambda method, target: method in ("DELETE", "POST")}
    if what == "download":
        bucket.write("data/theirs", b"content")
    if what == "delete":
        (machine.root / "f").unlink()
    bucket.silent = asks[what]
    process = machine.start("sync")
    await_condition(lambda: bucket.waiting, what)
    code, _, seconds = signalled(process, signal.SIGTERM)
    assert code == 143 and seconds < SOON, (code, seconds)
    bucket.silent = lambda *_: False
    machine.run("sync", check=0)


def test_stops_while_credentials_are_awaited(bucket, machine):
    """A program that gives credentials and hangs, the second time that it is asked."""
    helper = machine.folder / "helper.sh"
    asked = machine.folder / "asked"
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    document = json.dumps({"Version": 1, "AccessKeyId": bucket.server.user,
                           "SecretAccessKey": bucket.server.secret, "Expiration": end})
    helper.write_text(f"#!/bin/sh\necho x >> {asked}\nexec sleep 60\necho '{document}'\n")
    helper.chmod(0o700)
    (machine.folder / "config").write_text(f"[default]\nregion = us-east-1\n"
                                           f"credential_process = {helper}\n")
    machine.extra_environment = {"AWS_CONFIG_FILE": str(machine.folder / "config")}
    machine.configure(storage={"credentials": None})
    machine.write("f")
    process = machine.start("upload")
    await_condition(asked.exists, "the program to be asked")
    code, _, seconds = signalled(process, signal.SIGTERM)
    assert code == 143 and seconds < SOON, (code, seconds)


# A file that is never read to its end, and a name that is never found once $HANG is there.
BLOCKING = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>
static void block(void) {
  close(open(getenv("REACHED"), O_CREAT | O_WRONLY, 0600));
  for (;;) pause();
}
typedef int lookup(const char*, const char*, const struct addrinfo*, struct addrinfo**);
int getaddrinfo(const char* node, const char* service, const struct addrinfo* hints,
                struct addrinfo** found) {
  lookup* real = (lookup*)dlsym(RTLD_NEXT, "getaddrinfo");
  if (node && !strcmp(node, "bucket.test")) {
    if (!access(getenv("HANG"), F_OK)) block();
    node = "127.0.0.1";
  }
  return real(node, service, hints, found);
}
ssize_t pread64(int fd, void* out, size_t size, off64_t offset) {
  static ssize_t (*real)(int, void*, size_t, off64_t);
  if (!real) real = (ssize_t (*)(int, void*, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
  char link[64], name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, name, sizeof name - 1);
  if (n > 0 && (name[n] = 0, strstr(name, "never-read"))) block();
  return real(fd, out, size, offset);
}
ssize_t pread(int fd, void* out, size_t size, off_t offset) { return pread64(fd, out, size, offset); }
"""


@pytest.fixture
def blocked(machine, tmp_path):
    """The machine with a disk and a resolver that can hang; the file that says that they do."""
    (tmp_path / "blocking.c").write_text(BLOCKING)
    library = tmp_path / "blocking.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "blocking.c"), "-ldl"],
                   check=True)
    machine.extra_environment = {"LD_PRELOAD": str(library), "REACHED": str(tmp_path / "reached"),
                                 "HANG": str(tmp_path / "hang"),
                                 "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
    return tmp_path / "reached"


def test_stops_while_a_name_is_looked_up(bucket, machine, blocked, tmp_path):
    machine.configure(storage={"endpoint_url": f"http://bucket.test:{bucket.loopback.port}"})
    machine.write("f")
    machine.run("upload", check=0)
    for number in range(8):
        machine.write(f"g{number}")

    def hang(method, target):
        if is_upload(method, target) or "list-type=2" in target:
            (tmp_path / "hang").touch()
        return False

    bucket.silent = hang
    process = machine.start("upload")
    await_condition(blocked.exists, "a look-up that never ends")
    code, _, seconds = signalled(process, signal.SIGTERM)
    assert code == 143 and seconds < SOON, (code, seconds)


def test_stops_while_a_disk_does_not_answer(bucket, machine, blocked):
    reached = blocked
    machine.write("never-read", os.urandom(5000))
    process = machine.start("upload")
    await_condition(reached.exists, "a read that never ends")
    code, _, seconds = signalled(process, signal.SIGTERM)
    assert code == 143 and seconds < SOON, (code, seconds)
