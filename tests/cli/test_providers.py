# SPDX-License-Identifier: Apache-2.0
"""Times and properties across stores: what cloudsync writes, and what rclone, gsutil and azcopy wrote."""
import os
import re

import pytest

from conftest import REMOTE, Machine

NS = 1_700_000_000_123_456_789
RFC_3339 = "2023-11-14T22:13:20.123456789Z"
SECONDS = 1_700_000_000


def set_time(path, time_ns):
    os.utime(path, ns=(time_ns, time_ns))


def warm_up(machine):
    """Lets the first run's questions to the server pass, so that the next one's requests count."""
    machine.write("warm-up", b"warm-up")
    machine.run("upload", prefix="warm/", check=0)
    (machine.root / "warm-up").unlink()


def test_another_machine_gets_contents_and_times(machine, other):
    times = {"ns": NS, "whole-second": SECONDS * 10**9, "tenth": SECONDS * 10**9 + 100_000_000,
             "before-1970": -1_500_000_000, "first": 1, "far": 4_102_444_800_000_000_001}
    for name, time_ns in times.items():
        set_time(machine.write(f"times/{name}", name.encode()), time_ns)
    set_time(machine.write("empty", b""), NS)
    set_time(machine.write("in-parts", os.urandom(25_000_000)), NS + 1)
    for one in (machine, other):
        one.configure(storage={"multipart_threshold": "8MiB"})
    machine.run("upload", check=0)
    other.run("download", check=0)
    assert other.tree() == machine.tree()
    assert {path: time for path, (_, time) in other.tree().items() if path.startswith("times/")} == {
        f"times/{name}": time_ns for name, time_ns in times.items()}
    for one in (machine, other):
        assert one.run("sync", check=0).actions("upload", "download") == []


# store, writer, what it writes for NS, the time that can be read back from it
CONVENTIONS = [
    ("minio", "rclone", {"mtime": "1700000000.123456789"}, NS),
    ("minio", "rclone-short", {"mtime": "1700000000.5"}, SECONDS * 10**9 + 500_000_000),
    ("minio", "s3fs", {"mtime": "1700000000"}, SECONDS * 10**9),
    ("fake_gcs", "rclone", {"mtime": RFC_3339, "goog-reserved-file-mtime": str(SECONDS)}, NS),
    ("fake_gcs", "rclone-short", {"mtime": "2023-11-14T22:13:20.5Z",
                                  "goog-reserved-file-mtime": str(SECONDS)},
     SECONDS * 10**9 + 500_000_000),
    ("fake_gcs", "gsutil", {"goog-reserved-file-mtime": str(SECONDS)}, SECONDS * 10**9),
    ("azurite", "rclone", {"mtime": RFC_3339}, NS),
    ("azurite", "rclone-zone", {"mtime": "2023-11-14T23:13:20.123456789+01:00"}, NS),
    ("azurite", "azcopy", {"modtime": str(NS)}, NS),
]


@pytest.fixture(params=CONVENTIONS, ids=lambda case: f"{case[0]}-{case[1]}")
def foreign(request, tmp_path):
    """A machine whose bucket another tool has filled, and the time that the tool wrote."""
    store, _, metadata, time_ns = request.param
    bucket = REMOTE[store](request.getfixturevalue(store))
    bucket.write("data/file.txt", b"written by another tool", metadata)
    bucket.write("data/empty", b"", metadata)
    return Machine(tmp_path / "m", bucket), time_ns


def test_files_of_other_tools_are_recognised_as_unchanged(foreign):
    machine, time_ns = foreign
    warm_up(machine)
    set_time(machine.write("file.txt", b"written by another tool"), time_ns)
    set_time(machine.write("empty", b""), time_ns)
    result = machine.run("sync", check=0)
    assert result.actions() == [("adopt", "empty"), ("adopt", "file.txt")]
    assert result.summary["adopted"] == 2
    assert result.summary["requests"]["get"] == result.summary["requests"]["put"] == 0
    assert machine.run("sync", check=0).summary["unchanged"] == 2


def test_times_of_other_tools_come_down(foreign):
    machine, time_ns = foreign
    machine.run("download", check=0)
    assert machine.tree() == {"file.txt": (b"written by another tool", time_ns),
                              "empty": (b"", time_ns)}


def test_gsutil_kept_only_the_seconds_of_a_file_that_has_more(gcs_bucket, tmp_path):
    gcs_bucket.write("data/f", b"content", {"goog-reserved-file-mtime": str(SECONDS)})
    machine = Machine(tmp_path / "m", gcs_bucket)
    set_time(machine.write("f", b"content"), NS)
    assert machine.run("sync", check=0).actions() == [("adopt", "f")]
    assert machine.tree()["f"][1] == NS


WRITTEN = {
    "s3": {"mtime": "1700000000.123456789"},
    "gcs": {"mtime": RFC_3339, "goog-reserved-file-mtime": str(SECONDS)},
    "azure": {"mtime": RFC_3339},
}


@pytest.mark.parametrize("size", [1000, 20_000_000])
def test_what_is_written_has_the_names_and_forms_of_rclone(machine, size):
    if machine.bucket.provider == "local":
        pytest.skip("the local store is a folder of ordinary files")
    machine.configure(storage={"multipart_threshold": "8MiB"})
    set_time(machine.write("f", os.urandom(size)), NS)
    machine.run("upload", check=0)
    written = machine.bucket.metadata("data/f")
    expected = WRITTEN[machine.bucket.provider]
    assert {name: written.get(name) for name in expected} == expected
    assert set(written) - set(expected) <= {"md5chksum"}


def test_whole_seconds_are_written_in_the_same_form(machine):
    if machine.bucket.provider == "local":
        pytest.skip("the local store is a folder of ordinary files")
    set_time(machine.write("f", b"x"), SECONDS * 10**9)
    machine.run("upload", check=0)
    mtime = machine.bucket.metadata("data/f")["mtime"]
    if machine.bucket.provider == "s3":
        assert mtime == "1700000000"
    else:
        assert re.fullmatch(r"2023-11-14T22:13:20(\.0{1,9})?Z", mtime)


@pytest.mark.parametrize("store, storage_class, seen", [
    ("minio", "REDUCED_REDUNDANCY", "REDUCED_REDUNDANCY"), ("fake_gcs", "NEARLINE", "NEARLINE"),
    ("azurite", "cool", "Cool")])
@pytest.mark.parametrize("size", [1000, 20_000_000])
def test_storage_class_of_uploads(request, tmp_path, store, storage_class, seen, size):
    bucket = REMOTE[store](request.getfixturevalue(store))
    machine = Machine(tmp_path / "m", bucket)
    machine.configure(storage={"storage_class": storage_class, "multipart_threshold": "8MiB"})
    machine.write("f", os.urandom(size))
    machine.run("upload", check=0)
    assert bucket.storage_class("data/f") == seen
    assert machine.run("sync", check=0).actions() == []


def test_archived_blob_is_reported_and_left(azure_bucket, tmp_path):
    azure_bucket.write("data/cold", b"archived")
    azure_bucket.write("data/warm", b"here")
    azure_bucket.call("PUT", "data/cold", {"comp": "tier"}, headers={"x-ms-access-tier": "Archive"})
    machine = Machine(tmp_path / "m", azure_bucket)
    result = machine.run("download", check=3)
    assert machine.contents() == {"warm": b"here"}
    assert result.summary["archived"] == 1
    assert result.actions("archived") or result.actions("archived", status="failed")
    assert azure_bucket.keys() == ["data/cold", "data/warm"]


def test_keys_in_utf16_order_are_merged_without_loss(machine, other):
    names = ["a", "z", "Ａ", "\ue000", "\ufffc", "😀", "𝒜/x", "Ａ/y".replace("/", "-"), "퟿"]
    for name in names:
        machine.write(name, name.encode())
    machine.run("sync", check=0)
    assert machine.run("sync", check=0).actions() == []
    other.run("sync", check=0)
    assert other.contents() == machine.contents()
    (machine.root / "Ａ").unlink()
    other.write("😀", b"edited")
    assert machine.run("sync", check=0).actions() == [("delete_remote", "Ａ")]
    assert other.run("sync", check=0).actions() == [("delete_local", "Ａ"), ("upload", "😀")]
    assert other.run("sync", check=0).actions() == []
