#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole-process comparisons with s5cmd and rclone against one S3 server.

Prints wall seconds, CPU seconds and peak memory of each tool, and cloudsync's ratios to the others.
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLOUDSYNC = ROOT / "build/release/cloudsync"
ACCESS, SECRET = "bench-user", "bench-secret-0123456789"
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
# The peers' usual settings for many small files; see their documentation.
RCLONE_TRANSFERS = "64"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    def __init__(self, work):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        null = os.environ.get("NULLS3")
        self.is_null = bool(null)
        if null:
            command = [null, "-addr", f"127.0.0.1:{self.port}"]
        else:
            minio = subprocess.run([ROOT / "tools/server", "minio"], capture_output=True, text=True,
                                   check=True).stdout.strip()
            command = [minio, "server", "--quiet", "--address", f"127.0.0.1:{self.port}",
                       str(work / "minio")]
        self.process = subprocess.Popen(command, env=dict(os.environ, MINIO_ROOT_USER=ACCESS,
                                                          MINIO_ROOT_PASSWORD=SECRET,
                                                          MINIO_BROWSER="off", MINIO_CI_CD="on"),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", self.port)) != 0:
            if time.monotonic() > deadline:
                raise SystemExit("the server did not start")
            time.sleep(0.05)

    def make_bucket(self, name):
        if self.is_null:
            return
        import boto3
        client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1",
                              aws_access_key_id=ACCESS, aws_secret_access_key=SECRET)
        deadline = time.monotonic() + 30
        while True:
            try:
                client.create_bucket(Bucket=name)
                return
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def post(self, path):
        urllib.request.urlopen(urllib.request.Request(self.endpoint + path, method="POST")).read()

    def stop(self):
        self.process.kill()
        self.process.wait()


def measure(command, environment):
    begin = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{command} failed: {errors.decode(errors='replace')[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def median(values):
    return sorted(values)[len(values) // 2]


class Bench:
    def __init__(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
        self.server = Server(self.work)
        self.bucket_number = 0
        self.environment = dict(os.environ, AWS_ACCESS_KEY_ID=ACCESS, AWS_SECRET_ACCESS_KEY=SECRET,
                                AWS_REGION="us-east-1", S3_ENDPOINT_URL=self.server.endpoint,
                                HOME=str(self.work))

    def fresh_bucket(self):
        self.bucket_number += 1
        if self.server.is_null:
            self.server.post("/_reset?all=1")  # it knows objects by key alone
        name = f"bench{self.bucket_number}"
        self.server.make_bucket(name)
        return name

    def cloudsync(self, command, tree, bucket, *flags, fresh=True):
        database = self.work / "state.db"
        if fresh:
            for path in self.work.glob("state.db*"):
                path.unlink()
        config = self.work / "cloudsync.yaml"
        config.write_text(json.dumps({
            "storage": {"provider": "s3", "bucket": bucket, "endpoint_url": self.server.endpoint,
                        "region": "us-east-1"}, "sync_state_db": str(database)}))
        return [str(CLOUDSYNC), command, "--config", str(config), "--local-dir", str(tree),
                "--cloud-prefix", "p/", "--quiet", *flags]

    def s5cmd(self, *args):
        return [shutil.which("s5cmd"), "--endpoint-url", self.server.endpoint, *map(str, args)]

    def rclone(self, *args):
        remote = (f":s3,provider=Minio,env_auth=true,endpoint='{self.server.endpoint}',"
                  "region=us-east-1:")
        return [shutil.which("rclone"), "--config", "/dev/null",
                *(str(a).replace("REMOTE:", remote) for a in args)]

    def table(self, title, tools):
        """tools: name -> function that prepares a run and gives its command."""
        print(f"\n{title}")
        results = {name: [] for name in tools}
        for _ in range(RUNS):
            for name, prepare in tools.items():
                results[name].append(measure(prepare(), self.environment))
        medians = {name: [median(column) for column in zip(*runs)]
                   for name, runs in results.items()}
        own = medians["cloudsync"]
        for name, (wall, cpu, memory) in medians.items():
            ratio = "" if name == "cloudsync" else (
                f"   cloudsync takes {own[0] / wall:.2f} x its wall, {own[1] / cpu:.2f} x its CPU")
            print(f"  {name:10} {wall:7.2f} s wall {cpu:7.2f} s CPU {memory:7.0f} MB{ratio}")

    def small(self):
        tree = self.work / "small"
        for number in range(10_000):
            path = tree / f"d{number // 100:03}" / f"f{number:05}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(10 * 1024))
        tools = {"cloudsync": lambda: self.cloudsync("upload", tree, self.fresh_bucket())}
        if shutil.which("s5cmd"):
            tools["s5cmd cp"] = lambda: self.s5cmd("cp", f"{tree}/", f"s3://{self.fresh_bucket()}/p/")
        if shutil.which("rclone"):
            tools["rclone"] = lambda: self.rclone("copy", "--transfers", RCLONE_TRANSFERS, tree,
                                                  f"REMOTE:{self.fresh_bucket()}/p")
        self.table("upload 10,000 files of 10 KiB", tools)

    def large(self):
        tree = self.work / "large"
        tree.mkdir()
        block = os.urandom(1 << 20)
        for number in range(4):
            with open(tree / f"big{number}.bin", "wb") as file:
                for part in range(512):
                    file.write(number.to_bytes(4, "big") + part.to_bytes(4, "big") + block[8:])
        tools = {"cloudsync": lambda: self.cloudsync("upload", tree, self.fresh_bucket())}
        if shutil.which("s5cmd"):
            tools["s5cmd cp"] = lambda: self.s5cmd("cp", f"{tree}/", f"s3://{self.fresh_bucket()}/p/")
        if shutil.which("rclone"):
            tools["rclone"] = lambda: self.rclone("copy", tree, f"REMOTE:{self.fresh_bucket()}/p")
        self.table("upload 4 x 512 MiB", tools)
        shutil.rmtree(tree)

    def idle(self):
        if not self.server.is_null:
            print("\nnothing to do over 1,000,000 files: needs NULLS3")
            return
        tree = self.work / "million"
        for folder in range(1000):
            path = tree / f"d{folder:04}"
            path.mkdir(parents=True)
            for number in range(1000):
                (path / f"f{number:04}.bin").touch()
        bucket = self.fresh_bucket()
        self.server.post("/_fill?prefix=p/&dirs=1000&files=1000&size=0")
        # The first run compares and adopts; the second looks once more at what was too fresh.
        measure(self.cloudsync("upload", tree, bucket), self.environment)
        measure(self.cloudsync("upload", tree, bucket, fresh=False), self.environment)
        tools = {"cloudsync": lambda: self.cloudsync("upload", tree, bucket, fresh=False)}
        if shutil.which("rclone"):
            tools["rclone"] = lambda: self.rclone("sync", "--size-only", tree, f"REMOTE:{bucket}/p")
        self.table("nothing to do over 1,000,000 empty files", tools)

    def close(self):
        self.server.stop()
        shutil.rmtree(self.work, ignore_errors=True)


def main():
    bench = Bench()
    try:
        for name in sys.argv[1:] or ["small", "large", "idle"]:
            getattr(bench, name)()
    finally:
        bench.close()


if __name__ == "__main__":
    main()
