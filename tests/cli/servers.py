# SPDX-License-Identifier: Apache-2.0
"""Real servers as children: a free loopback port and a data folder each, gone with the tests."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest

PR_SET_PDEATHSIG = 1


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


def die_with_the_tests():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    variable = ""  # the environment variable that names the program
    ready_path = "/"
    ready_status = 200
    scheme = "http"
    context = None  # of TLS

    def __init__(self):
        self.port = free_port()
        self.data = tempfile.mkdtemp(prefix="cloudsync-server-")
        self.process = subprocess.Popen(
            [*self.program(), *self.arguments()], env=dict(os.environ, **self.environment()),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=die_with_the_tests)
        await_condition(self.ready, f"{type(self).__name__} to answer", 180)

    @classmethod
    def wanted(cls):
        """Skips the test that asks where this machine does without the server."""
        if not os.environ.get(cls.variable):
            pytest.skip(f"{cls.variable} does not name a program (tools/server prints it)")
        return cls

    def program(self):
        program = os.environ[self.variable]
        return ["node", program] if program.endswith(".js") else [program]

    def environment(self):
        return {}

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def ready(self):
        assert self.process.poll() is None, f"{type(self).__name__} ended at once"
        try:
            with urllib.request.urlopen(self.endpoint + self.ready_path, timeout=5,
                                        context=self.context) as answer:
                return answer.status == self.ready_status
        except urllib.error.HTTPError as error:
            return error.code == self.ready_status
        except OSError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)


class MinioServer(Server):
    variable = "CLOUDSYNC_MINIO"
    ready_path = "/minio/health/cluster"
    user, secret = "minio-test-user", "minio-test-secret-0123456789"

    def __init__(self, certs=None):
        self.certs = certs
        if certs:
            import ssl
            self.scheme = "https"
            self.context = ssl.create_default_context(cafile=str(certs / "public.crt"))
        super().__init__()

    def arguments(self):
        certs = ["--certs-dir", str(self.certs)] if self.certs else []
        return ["server", "--quiet", "--address", f"127.0.0.1:{self.port}", *certs, self.data]

    def environment(self):
        return {"MINIO_ROOT_USER": self.user, "MINIO_ROOT_PASSWORD": self.secret,
                "MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "MINIO_CI_CD": "on"}

    def client(self):
        import boto3
        from botocore.config import Config
        return boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id=self.user,
                            aws_secret_access_key=self.secret, region_name="us-east-1",
                            verify=str(self.certs / "public.crt") if self.certs else None,
                            config=Config(retries={"max_attempts": 2}))


class FakeGcsServer(Server):
    """Keeps everything in memory. A status query makes an object of an unfinished upload, so tests of
    interrupted uploads take `resuming_gcs`."""
    variable = "CLOUDSYNC_FAKE_GCS"
    ready_path = "/storage/v1/b"

    def arguments(self):
        place = f"127.0.0.1:{self.port}"
        return ["-scheme", "http", "-host", "127.0.0.1", "-port", str(self.port), "-public-host",
                place, "-external-url", f"http://{place}", "-backend", "memory"]


class AzuriteServer(Server):
    variable = "CLOUDSYNC_AZURITE"
    ready_status = 400
    # Published by Microsoft for every emulator.
    account = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def arguments(self):
        return ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--location", self.data,
                "--blobHost", "127.0.0.1", "--blobPort", str(self.port)]


class OddS3Server(Server):
    """S3 gateways and emulators that lack much."""
    user, secret = "odd-test-user", "odd-test-secret-0123456789"

    def client(self):
        import boto3
        from botocore.config import Config
        quiet = {"request_checksum_calculation": "when_required",
                 "response_checksum_validation": "when_required"}
        try:
            config = Config(retries={"max_attempts": 2}, **quiet)
        except TypeError:  # one from before it sent checksums unasked
            config = Config(retries={"max_attempts": 2})
        return boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id=self.user,
                            aws_secret_access_key=self.secret, region_name="us-east-1",
                            config=config)


class MotoServer(OddS3Server):
    variable = "CLOUDSYNC_MOTO"
    ready_path = "/moto-api/"

    def arguments(self):
        return ["-H", "127.0.0.1", "-p", str(self.port)]


class S3ProxyServer(OddS3Server):
    variable = "CLOUDSYNC_S3PROXY"
    ready_status = 403

    def arguments(self):
        return [str(self.port), self.data]

    def environment(self):
        return {"S3PROXY_IDENTITY": self.user, "S3PROXY_CREDENTIAL": self.secret}


class RcloneServer(OddS3Server):
    variable = "CLOUDSYNC_RCLONE"
    ready_status = 400

    def arguments(self):
        return ["serve", "s3", "--config", "/dev/null", "--vfs-cache-mode", "off", "--auth-key",
                f"{self.user},{self.secret}", "--addr", f"127.0.0.1:{self.port}", self.data]


class VersitygwServer(OddS3Server):
    """With versions of what is replaced or deleted."""
    variable = "CLOUDSYNC_VERSITYGW"
    ready_path = "/health"

    def arguments(self):
        for folder in ("buckets", "versions", "attributes"):
            os.makedirs(os.path.join(self.data, folder), exist_ok=True)
        return ["--port", f"127.0.0.1:{self.port}", "--health", "/health", "posix",
                "--versioning-dir", os.path.join(self.data, "versions"),
                os.path.join(self.data, "buckets")]

    def environment(self):
        return {"ROOT_ACCESS_KEY": self.user, "ROOT_SECRET_KEY": self.secret}


class GcpEmulatorServer(Server):
    variable = "CLOUDSYNC_GCP_EMULATOR"

    def arguments(self):
        return ["-d", self.data, "start", "-q", "--host", "127.0.0.1", "--port", str(self.port)]
