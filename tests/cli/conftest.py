# SPDX-License-Identifier: Apache-2.0
"""A cloudsync program, buckets to run it against, and machines that run it.

Every test that takes `bucket` runs on the embedded `local` provider, on MinIO, on fake-gcs-server and
on Azurite, started once as children on free loopback ports.
"""
import json
import os
import pathlib
import signal
import sqlite3
import subprocess

import pytest

from buckets import AzuriteBucket, GcsBucket, LocalBucket, MinioBucket
from gates import ResumingGcs
from mounts import odd_mount  # noqa: F401 (a fixture)
from passage import Passage
from servers import AzuriteServer, FakeGcsServer, MinioServer

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("CLOUDSYNC_BINARY", ROOT / "build/dev/cloudsync"))
# Settings of the person who runs the tests that would change what the program does.
FOREIGN = ("AWS_", "CLOUDSYNC_", "GOOGLE_", "CLOUDSDK_", "GCE_", "NO_GCE", "STORAGE_EMULATOR",
           "AZURE_", "IDENTITY_", "MSI_", "IMDS_", "http_proxy", "https_proxy", "all_proxy",
           "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def served(kind):
    server = kind.wanted()()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def minio():
    yield from served(MinioServer)


@pytest.fixture(scope="session")
def fake_gcs():
    yield from served(FakeGcsServer)


@pytest.fixture(scope="session")
def resuming_gcs():
    server = ResumingGcs(FakeGcsServer.wanted()())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def azurite():
    yield from served(AzuriteServer)


REMOTE = {"minio": MinioBucket, "fake_gcs": GcsBucket, "resuming_gcs": GcsBucket,
          "azurite": AzuriteBucket}
STORES = ("local", "minio", "fake_gcs", "azurite")


def make_bucket(request, tmp_path):
    """The bucket of a parametrised fixture: `local` or the name of a server's fixture."""
    if request.param == "local":
        return LocalBucket(tmp_path / "cloud")
    return REMOTE[request.param](request.getfixturevalue(request.param))


@pytest.fixture(params=STORES)
def bucket(request, tmp_path):
    return make_bucket(request, tmp_path)


@pytest.fixture
def minio_bucket(minio):
    return MinioBucket(minio)


@pytest.fixture
def gcs_bucket(fake_gcs):
    return GcsBucket(fake_gcs)


@pytest.fixture
def azure_bucket(azurite):
    return AzuriteBucket(azurite)


@pytest.fixture(params=["minio_bucket", "gcs_bucket", "azure_bucket"])
def passage(request):
    """Each server behind something that may change what it says."""
    passage = Passage(request.getfixturevalue(request.param))
    yield passage
    passage.stop()


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.stdout = process.stdout
        self.stderr = process.stderr.decode(errors="replace")
        self.lines = []
        for line in process.stdout.splitlines():
            if line.startswith(b"{"):
                self.lines.append(json.loads(line))

    @property
    def summary(self):
        summaries = [line for line in self.lines if line.get("type") == "summary"]
        assert len(summaries) == 1, (self.stdout, self.stderr)
        return summaries[0]

    def actions(self, *names, status="done"):
        return sorted((line["action"], line["path"]) for line in self.lines
                      if line.get("type") == "action" and line["status"] == status
                      and (not names or line["action"] in names))

    def __repr__(self):
        return f"exit {self.code}\n{self.stdout.decode(errors='replace')}\n{self.stderr}"


class Machine:
    """One computer: a root, a state database, a configuration."""

    def __init__(self, folder, bucket, **config):
        self.folder = folder
        self.bucket = bucket
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self.database = folder / "state.db"
        self.config_file = folder / "cloudsync.yaml"
        self.extra_environment = {}
        self.configure(**config)

    def configure(self, storage=None, **settings):
        document = {"storage": {**self.bucket.storage(), **(storage or {})},
                    "sync_state_db": str(self.database), "retry_delay_seconds": 0.05, **settings}
        self.config_file.write_text(json.dumps(document))  # JSON is YAML

    def command(self, name, *args, prefix="data/"):
        command = [str(BINARY), name, *map(os.fspath, args), "--config", str(self.config_file)]
        if name in ("upload", "download", "sync"):
            command += ["--local-dir", str(self.root), "--cloud-prefix", prefix]
        return command

    def environment(self):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        return dict(keep, HOME=str(self.folder), **self.extra_environment)

    def run(self, name, *args, json_output=True, prefix="data/", check=None, timeout=300):
        if json_output:
            args = (*args, "--json")
        process = subprocess.run(self.command(name, *args, prefix=prefix), capture_output=True,
                                 cwd=self.folder, env=self.environment(), timeout=timeout)
        result = Result(process)
        if check is not None:
            assert result.code == check, result
        return result

    def start(self, name, *args, prefix="data/"):
        return subprocess.Popen(self.command(name, *args, "--json", prefix=prefix),
                                cwd=self.folder, env=self.environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def write(self, path, content=b"content"):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target

    def read(self, path):
        return (self.root / path).read_bytes()

    def query(self, sql, *args):
        try:
            with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5) as db:
                return db.execute(sql, args).fetchall()
        except sqlite3.OperationalError:
            return []

    def tree(self):
        """path -> (content, mtime_ns) of every file but cloudsync's own."""
        files = {}
        for folder, folders, names in os.walk(os.fsencode(self.root)):
            folders[:] = [f for f in folders if f != b".cloudsync"]
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    content = file.read()
                files[os.fsdecode(os.path.relpath(path, os.fsencode(self.root)))] = (
                    content, os.stat(path).st_mtime_ns)
        return files

    def contents(self):
        return {path: content for path, (content, _) in self.tree().items()}


@pytest.fixture
def machine(tmp_path, bucket):
    return Machine(tmp_path / "a", bucket)


@pytest.fixture
def other(tmp_path, bucket):
    return Machine(tmp_path / "b", bucket)


def stop(process, how=signal.SIGKILL):
    process.send_signal(how)
    return process.wait(timeout=30)
