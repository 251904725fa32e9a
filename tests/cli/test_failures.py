# SPDX-License-Identifier: Apache-2.0
"""Bad input: each gets a clear error or is that item's alone, and nothing is lost."""
import os
import socket
import sqlite3
import subprocess

import pytest

from buckets import LocalBucket
from conftest import Machine
from servers import free_port


def test_missing_local_folder(machine):
    machine.root.rmdir()
    for command in ("upload", "sync"):
        result = machine.run(command, check=2)
        assert str(machine.root) in result.stderr


@pytest.mark.parametrize("text, words", [
    ("storage: [", ["cloudsync.yaml"]),
    ("storage:\n  provider: local\n  pth: x\n", ["storage.pth", "storage.path", ":3"]),
    ("storage:\n  provider: floppy\n", ["floppy", "local"]),
    ("storage:\n  provider: s3\n", ["storage.bucket"]),
    ("storage:\n  provider: local\n  path: ${NOT_SET_ANYWHERE}\n", ["NOT_SET_ANYWHERE"]),
    ("storage:\n  provider: local\n  path: x\nmax_workers: many\n", ["max_workers", "many"]),
    ("storage:\n  provider: local\n  path: x\nconflict_strategy: coin\n", ["timestamp_wins"]),
])
def test_bad_configuration_is_named(machine, text, words):
    machine.config_file.write_text(text)
    result = machine.run("upload", check=2)
    for word in words:
        assert word in result.stderr


def test_unknown_flag_and_command(machine):
    machine.run("upload", "--frobnicate", check=2)
    machine.run("uplod", check=2)


def test_missing_bucket(minio_bucket, tmp_path):
    machine = Machine(tmp_path / "m", minio_bucket)
    machine.configure(storage={"bucket": "no-such-bucket-here"})
    machine.write("f")
    result = machine.run("upload", check=2)
    assert "no-such-bucket-here" in result.stderr


def test_wrong_credentials(minio_bucket, tmp_path):
    machine = Machine(tmp_path / "m", minio_bucket)
    secret = "wrong-secret-value-123456"
    machine.configure(storage={"credentials": {"aws_access_key_id": "minio-test-user",
                                               "aws_secret_access_key": secret}})
    machine.write("f")
    result = machine.run("upload", "-v", check=10)
    everything = result.stdout + result.stderr.encode()
    for path in machine.folder.glob("state.db*"):
        everything += path.read_bytes()
    assert secret.encode() not in everything


def test_no_credentials_at_all(minio_bucket, tmp_path):
    machine = Machine(tmp_path / "m", minio_bucket)
    storage = minio_bucket.storage()
    del storage["credentials"]
    minio_bucket.storage = lambda: storage
    machine.configure()
    machine.write("f")
    assert "AWS_ACCESS_KEY_ID" in machine.run("upload", check=10).stderr


def test_unreachable_endpoint(minio_bucket, tmp_path):
    machine = Machine(tmp_path / "m", minio_bucket)
    machine.configure(storage={"endpoint_url": f"http://127.0.0.1:{free_port()}"},
                      retry_attempts=1)
    machine.write("f")
    result = machine.run("upload", check=11)
    assert "127.0.0.1" in result.stderr


def test_keys_that_would_leave_the_root_stay_in_the_bucket(minio_bucket, tmp_path):
    machine = Machine(tmp_path / "m", minio_bucket)
    minio_bucket.write("data/good", b"good")
    for key in ("data/back\\slash", "data/new\nline", "data/.cloudsync/x"):
        minio_bucket.write(key, b"bad")
    result = machine.run("sync", check=3)
    assert machine.contents() == {"good": b"good"}
    assert len(result.actions("unsafe")) == result.summary["unsafe"] == 2
    assert machine.run("sync", "--ignore-unsafe", check=0).summary["deleted_remote"] == 0
    machine.configure(ignore_unsafe=True)
    machine.run("sync", check=0)

    left_out = {"back\\slash", "new\nline"}
    records = machine.run("status", "-v", check=0).lines
    assert {line["path"] for line in records if line["type"] == "unsafe"} == left_out
    assert not any("unsafe_paths" in str(line) for line in records)
    text = machine.run("status", "-v", json_output=False, check=0).stdout.decode()
    assert "back\\slash" in text.split("not to be held by the other side")[1]
    assert "other side" not in machine.run("status", json_output=False).stdout.decode()
    for key in ("data/back\\slash", "data/new\nline"):
        minio_bucket.delete(key)
    machine.run("sync", check=0)
    assert not any(line["type"] == "unsafe" for line in machine.run("status", "-v").lines)


def test_names_that_are_not_utf8_are_reported_alone(machine):
    machine.write("good", b"good")
    with open(os.path.join(os.fsencode(machine.root), b"bad\xff\xfename"), "wb") as file:
        file.write(b"x")
    result = machine.run("upload", check=3)
    assert machine.bucket.keys() == ["data/good"]
    [line] = [one for one in result.lines if one.get("action") == "unsafe"]
    assert "path_base64" in line
    [again] = [one for one in machine.run("status", "-v", check=0).lines
               if one["type"] == "unsafe"]
    assert again["path_base64"] == line["path_base64"]


def test_symlinks_and_special_files_are_left_alone(machine):
    machine.write("good", b"good")
    os.symlink("/etc/passwd", machine.root / "link")
    os.symlink("link", machine.root / "loop")
    os.mkfifo(machine.root / "fifo")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(machine.root / "sock"))
        machine.run("sync", check=0)
    assert machine.bucket.keys() == ["data/good"]


def test_links_follow_and_preserve(machine, other):
    machine.write("target", b"content")
    os.symlink("target", machine.root / "inside")
    os.symlink("/etc/passwd", machine.root / "outside")
    machine.configure(links="follow")
    machine.run("upload", check=0)
    assert machine.bucket.keys() == ["data/inside", "data/target"]
    machine.configure(links="preserve")
    other.configure(links="preserve")
    os.unlink(machine.root / "inside")
    os.symlink("target", machine.root / "kept-link")
    machine.run("sync", prefix="links/", check=0)
    other.run("sync", prefix="links/", check=0)
    assert os.readlink(other.root / "kept-link") == "target"
    assert not (other.root / "outside").is_symlink()
    assert machine.run("sync", prefix="links/", check=0).actions() == []


@pytest.mark.parametrize("durability", ["batch", "full", "none"])
def test_each_durability_places_files_and_links(tmp_path, durability):
    bucket = LocalBucket(tmp_path / "cloud")
    one, other = (Machine(tmp_path / name, bucket, links="preserve", durability=durability)
                  for name in "ab")
    one.write("d/target", b"content")
    os.symlink("target", one.root / "d/link")
    one.run("sync", check=0)
    other.run("sync", check=0)
    assert os.readlink(other.root / "d/link") == "target"
    assert other.contents() == {"d/target": b"content"}
    (other.root / "d/target").unlink()
    other.run("sync", check=0)
    one.run("sync", check=0)
    assert one.contents() == {} and one.run("sync", check=0).actions() == []


def test_downloads_never_write_through_a_symlink(machine, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    machine.bucket.write("data/d/f", b"content")
    machine.bucket.write("data/ok", b"ok")
    os.symlink(outside, machine.root / "d")
    machine.run("download")
    assert list(outside.iterdir()) == []
    assert machine.read("ok") == b"ok"


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place]).returncode != 0:
        pytest.skip("this machine does not let tests mount")
    yield place
    subprocess.run(["umount", place], check=True)


def test_full_disk_keeps_the_old_file(machine, small_disk):
    machine.root = small_disk / "root"
    machine.root.mkdir()
    machine.write("f", b"old")
    machine.run("sync", check=0)
    machine.bucket.write("data/f", os.urandom(4 << 20))
    machine.bucket.write("data/g", b"fits")
    result = machine.run("sync", check=3)
    assert machine.read("f") == b"old"
    assert machine.read("g") == b"fits"
    [line] = [one for one in result.lines if one.get("status") == "failed"]
    assert line["error"]["code"] == "disk_full"


def test_failed_file_is_listed_and_retried(machine, small_disk):
    machine.root = small_disk / "root"
    machine.root.mkdir()
    machine.bucket.write("data/fits", b"fits")
    machine.bucket.write("data/too-large", os.urandom(4 << 20))
    machine.run("download", check=3)
    status = machine.run("status", "--verbose", json_output=False, check=0)
    assert b"too-large" in status.stdout and b"fits" not in status.stdout
    assert machine.run("retry").code == 3
    subprocess.run(["mount", "-o", "remount,size=32m", small_disk], check=True)
    result = machine.run("retry", check=0)
    assert result.actions("download") == [("download", "too-large")]
    assert b"too-large" not in machine.run("status", "-v", json_output=False, check=0).stdout
    machine.run("retry", json_output=False, check=0)


def test_corrupt_database_is_set_aside(machine):
    machine.write("f", b"x")
    machine.run("sync", check=0)
    machine.database.write_bytes(b"this is not a database" * 500)
    result = machine.run("sync", check=0)
    assert "set aside" in result.stderr
    assert result.summary["adopted"] == 1
    assert any("corrupt" in path.name for path in machine.folder.iterdir())


def test_newer_database_is_refused(machine):
    import sqlite3
    machine.write("f", b"x")
    machine.run("sync", check=0)
    with sqlite3.connect(machine.database) as db:
        db.execute("PRAGMA user_version=999")
    assert "999" in machine.run("sync", check=2).stderr


def test_overlapping_pairs_at_other_offsets_are_refused(machine):
    machine.write("sub/f", b"x")
    machine.run("upload", check=0)
    machine.root = machine.root / "sub"
    machine.run("upload", prefix="data/sub/", check=0)
    machine.run("upload", prefix="data/", check=2)


def test_read_only_root(machine, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a read-only file system needs root")
    machine.bucket.write("data/f", b"x")
    place = tmp_path / "ro"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", place]).returncode != 0:
        pytest.skip("this machine does not let tests mount")
    try:
        machine.root = place
        result = machine.run("download")
        assert result.code in (2, 3), result
        assert "ead-only" in result.stderr
        assert machine.bucket.keys() == ["data/f"]
    finally:
        subprocess.run(["umount", place], check=True)


def fail_folder(machine, key):
    """The failure of a folder that could not be read once."""
    with sqlite3.connect(machine.database, timeout=5) as db:
        db.execute("INSERT INTO retry SELECT pair_id, ?, ?, 1, 1, 'permission_denied', 'x', 0 FROM pairs",
                   (key.encode(), key.encode()))


def in_step(tmp_path, bucket):
    machine = Machine(tmp_path / "a", bucket)
    for name in ("a/b/x", "a/b/y", "z"):
        machine.write(name, name.encode())
    machine.run("sync", check=0)
    return machine


@pytest.mark.parametrize("folder", ["a/", "a/b/"])
def test_retry_of_a_folder_whose_place_is_taken_deletes_nothing(tmp_path, folder):
    bucket = LocalBucket(tmp_path / "cloud")
    machine = in_step(tmp_path, bucket)
    place = bucket.path / "data/a"
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    fail_folder(machine, folder)
    before = machine.contents()
    result = machine.run("retry", check=3)
    assert result.actions("delete_local") == []
    assert machine.contents() == before
    place.unlink()
    (tmp_path / "elsewhere").rename(place)
    assert machine.run("retry", check=0).actions() == []


@pytest.mark.parametrize("folder", ["a/", "a/b/"])
def test_retry_of_a_folder_that_an_object_hides_deletes_nothing(minio_bucket, tmp_path, folder):
    machine = in_step(tmp_path, minio_bucket)
    minio_bucket.write("data/a", b"an object of the folder's name")
    assert "data/a/b/x" not in minio_bucket.keys("data/")
    fail_folder(machine, folder)
    before = machine.contents()
    assert machine.run("retry").actions("delete_local") == []
    assert machine.contents() == before
