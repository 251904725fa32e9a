# SPDX-License-Identifier: Apache-2.0
"""A cloudsync program, buckets to run it against, and machines that run it.

Every test that takes `bucket` runs once on the embedded `local` provider and once on MinIO, started
here as a child on a free loopback port. Buckets are written and read behind cloudsync's back: files
for `local`, boto3 for MinIO.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("CLOUDSYNC_BINARY", ROOT / "build/dev/cloudsync"))
MINIO = os.environ.get("CLOUDSYNC_MINIO", "")
ACCESS, SECRET = "minio-test-user", "minio-test-secret-0123456789"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def await_condition(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def port_open(port):
    with socket.socket() as sock:
        sock.settimeout(0.2)
        return sock.connect_ex(("127.0.0.1", port)) == 0


class MinioServer:
    def __init__(self, certs=None):
        self.port = free_port()
        self.data = tempfile.mkdtemp(prefix="minio-")
        self.scheme = "https" if certs else "http"
        self.certs = certs
        command = [MINIO, "server", "--quiet", "--address", f"127.0.0.1:{self.port}"]
        if certs:
            command += ["--certs-dir", str(certs)]
        environment = dict(os.environ, MINIO_ROOT_USER=ACCESS, MINIO_ROOT_PASSWORD=SECRET,
                           MINIO_BROWSER="off", MINIO_UPDATE="off", MINIO_CI_CD="on")
        self.process = subprocess.Popen(command + [self.data], env=environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await_condition(lambda: port_open(self.port), "MinIO's port", 60)
        await_condition(self.ready, "MinIO to answer", 60)

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def client(self):
        import boto3
        from botocore.config import Config
        return boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id=ACCESS,
                            aws_secret_access_key=SECRET, region_name="us-east-1",
                            verify=str(self.certs / "public.crt") if self.certs else None,
                            config=Config(retries={"max_attempts": 2}))

    def ready(self):
        from botocore.exceptions import BotoCoreError, ClientError
        try:
            self.client().list_buckets()
            return True
        except (BotoCoreError, ClientError):
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)


@pytest.fixture(scope="session")
def minio():
    if not MINIO:
        pytest.skip("CLOUDSYNC_MINIO does not name the MinIO program (tools/minio prints it)")
    server = MinioServer()
    yield server
    server.stop()


class LocalBucket:
    provider = "local"

    def __init__(self, folder):
        self.folder = folder
        self.name = "bucket"
        self.path = folder / self.name

    def storage(self):
        return {"provider": "local", "path": str(self.folder), "bucket": self.name}

    def write(self, key, content):
        target = self.path / key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def read(self, key):
        return (self.path / key).read_bytes()

    def delete(self, key):
        (self.path / key).unlink()

    def keys(self, prefix=""):
        found = []
        for folder, folders, names in os.walk(os.fsencode(self.path)):
            folders[:] = [f for f in folders if f not in (b".cloudsync-store",)]
            for name in names:
                key = os.path.relpath(os.path.join(folder, name), os.fsencode(self.path))
                found.append(os.fsdecode(key))
        return sorted(k for k in found if k.startswith(prefix) and ".cloudsync/" not in k)


class MinioBucket:
    provider = "s3"

    def __init__(self, server):
        self.server = server
        self.name = f"b{uuid.uuid4().hex[:12]}"
        self.client = server.client()
        self.client.create_bucket(Bucket=self.name)

    def storage(self):
        return {"provider": "s3", "bucket": self.name, "region": "us-east-1",
                "endpoint_url": self.server.endpoint,
                "credentials": {"aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET}}

    def write(self, key, content):
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def read(self, key):
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def delete(self, key):
        self.client.delete_object(Bucket=self.name, Key=key)

    def keys(self, prefix=""):
        found = []
        pages = self.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.name, Prefix=prefix):
            found += [entry["Key"] for entry in page.get("Contents", [])]
        return sorted(k for k in found if ".cloudsync/" not in k)

    def uploads(self):
        return self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])


@pytest.fixture(params=["local", "minio"])
def bucket(request, tmp_path):
    if request.param == "local":
        return LocalBucket(tmp_path / "cloud")
    return MinioBucket(request.getfixturevalue("minio"))


@pytest.fixture
def minio_bucket(minio):
    return MinioBucket(minio)


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
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CLOUDSYNC_"))}
        return dict(keep, HOME=str(self.folder))

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
