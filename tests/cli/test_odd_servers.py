# SPDX-License-Identifier: Apache-2.0
"""Gateways and emulators that lack conditions, checksums, versions, batches or headers: what is
optional never blocks what is asked for."""
import json
import urllib.parse

import pytest

from buckets import GcsBucket, MinioBucket
from conftest import Machine
from gates import Loopback, as_json
from servers import GcpEmulatorServer, MotoServer, RcloneServer, S3ProxyServer

PART = 5 << 20
SERVERS = {"moto": (MotoServer, MinioBucket), "s3proxy": (S3ProxyServer, MinioBucket),
           "rclone": (RcloneServer, MinioBucket), "gcp_emulator": (GcpEmulatorServer, GcsBucket)}


@pytest.fixture(params=SERVERS, scope="module")
def server(request):
    kind, bucket = SERVERS[request.param]
    running = kind.wanted()()
    yield running, bucket
    running.stop()


def machine_at(folder, bucket):
    machine = Machine(folder, bucket)
    machine.configure(storage={"multipart_threshold": "5MiB", "chunk_size": "5MiB"}, max_workers=4)
    return machine


def test_a_day_of_two_machines(server, tmp_path):
    """Upload, sync, change, delete, download on a second machine; a large file in parts."""
    running, kind = server
    bucket = kind(running)
    one, two = machine_at(tmp_path / "a", bucket), machine_at(tmp_path / "b", bucket)
    one.write("plain.txt", "first")
    one.write("folder/deep.txt", "deep")
    one.write("empty", "")
    one.write("gone.txt", "to be deleted")
    one.write("large.bin", bytes(range(256)) * (2 * PART // 256 + 77))
    one.run("upload", check=0)
    assert one.run("sync", check=0).actions() == []
    two.run("download", check=0)
    assert two.contents() == one.contents()

    two.write("plain.txt", "second, and longer")
    two.write("new.txt", "new")
    (two.root / "gone.txt").unlink()
    two.run("sync", check=0)
    one.run("sync", check=0)
    assert one.contents() == two.contents()
    assert "gone.txt" not in one.contents()
    assert bucket.read("data/plain.txt") == b"second, and longer"
    one.write("gone.txt", "created again")
    one.run("sync", check=0)
    two.run("sync", check=0)
    assert two.read("gone.txt") == b"created again"
    assert two.run("sync", check=0).actions() == []


class SparseGcs:
    """Leaves out of its JSON what has its default value, as ProtoJSON may."""

    def __init__(self):
        self.objects = {"data/empty": b"", "data/full": b"some bytes"}
        self.loopback = Loopback(self.answer)

    def resource(self, name):
        item = {"kind": "storage#object", "name": name, "bucket": "b", "generation": "7",
                "updated": "2026-11-26T10:00:00Z", "storageClass": "STANDARD"}
        if self.objects[name]:
            item["size"] = str(len(self.objects[name]))
        return item

    def answer(self, method, target, headers, body):
        path, _, query = target.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if path.endswith("/o"):
            found = [self.resource(name) for name in sorted(self.objects)
                     if name.startswith(query.get("prefix", ""))]
            return as_json(200, {"kind": "storage#objects", "items": found})
        if "/o/" not in path:
            return as_json(200, {"kind": "storage#bucket", "name": "b"})
        name = urllib.parse.unquote(path.rpartition("/o/")[2])
        if name not in self.objects:
            return as_json(404, {"error": {"code": 404, "message": "Not Found"}})
        if query.get("alt") != "media":
            return as_json(200, self.resource(name))
        return 200, {"x-goog-generation": "7", "x-goog-stored-content-length":
                     str(len(self.objects[name]))}, self.objects[name]


def test_gcs_that_leaves_out_the_size_of_empty_objects(tmp_path):
    service = SparseGcs()

    class Bucket:
        provider = "gcs"

        def storage(self):
            return {"provider": "gcs", "bucket": "b", "endpoint_url": service.loopback.url,
                    "credentials": {"anonymous": True}}

    machine = Machine(tmp_path / "m", Bucket())
    machine.run("download", check=0)
    assert machine.contents() == {"empty": b"", "full": b"some bytes"}
    service.loopback.stop()
