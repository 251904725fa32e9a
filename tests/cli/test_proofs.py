# SPDX-License-Identifier: Apache-2.0
"""A base row is a proof of equal content: equal sizes write none, and rows of the first schema, which
may rest on them, are believed only where the object's own hash agrees."""
import sqlite3

import pytest

from buckets import md5_base64
from conftest import Machine

UNPROVEN, TRANSFERRED, COMPARED = 8, 32, 64


@pytest.fixture
def pair(machine, tmp_path):
    """Two machines whose files have the same name and size and nothing else in common."""
    other = Machine(tmp_path / "b", machine.bucket)
    machine.write("f", b"AAAA")
    other.write("f", b"BBBB")
    machine.run("sync", check=0)
    return machine, other


def everywhere(*machines):
    """Every version that still exists: live, in a conflict copy, or in a trash."""
    found = set()
    for machine in machines:
        found |= {p.read_bytes() for p in machine.root.rglob("*") if p.is_file()}
        found |= {machine.bucket.read(key) for key in machine.bucket.keys()}
        found |= {machine.bucket.read(ref.decode())
                  for (ref,) in machine.query("SELECT trash_ref FROM operations")
                  if ref.startswith(b"data/.cloudsync/trash/")}
    return found


def flags(machine, key="f"):
    return [row[0] for row in machine.query("SELECT flags FROM entries WHERE key = ?", key.encode())]


def test_equal_sizes_move_nothing_and_prove_nothing(pair):
    machine, other = pair
    result = other.run("sync", "--size-only", check=0)
    assert result.actions() == [] and flags(other) == []
    result = other.run("sync", "--conflict-strategy", "version_preserve", check=0)
    assert result.summary["conflicts"] == 1
    machine.run("sync", check=0)
    assert machine.contents() == other.contents()
    assert set(machine.contents().values()) == {b"AAAA", b"BBBB"}


@pytest.mark.parametrize("edit", ["here", "there"])
def test_after_size_only_an_edit_overwrites_nothing_unseen(pair, edit):
    machine, other = pair
    other.run("sync", "--size-only", check=0)
    if edit == "here":
        other.write("f", b"BBBB and more")
    else:
        machine.write("f", b"AAAA and more")
        machine.run("sync", check=0)
    other.run("sync", "--conflict-strategy", "local_wins", check=0)
    machine.run("sync", check=0)
    assert machine.contents() == other.contents()
    assert everywhere(machine, other) >= ({b"AAAA", b"BBBB and more"} if edit == "here"
                                          else {b"AAAA and more", b"BBBB"})


def test_size_only_secures_a_side_that_only_its_size_vouches_for(machine):
    machine.write("f", b"base")
    machine.run("sync", check=0)
    machine.write("f", b"edit")  # as long as before
    machine.bucket.write("data/f", b"written there, and longer")
    result = machine.run("sync", "--size-only", "--conflict-strategy", "cloud_wins", check=0)
    assert result.summary["conflicts"] == 1
    assert everywhere(machine) >= {b"edit", b"written there, and longer"}


def test_size_only_deletes_no_object_that_was_written_again(machine):
    machine.write("f", b"base")
    machine.write("stays", b"x")
    machine.run("sync", check=0)
    (machine.root / "f").unlink()
    machine.bucket.write("data/f", b"BASE")
    machine.run("sync", "--size-only", check=0)
    assert machine.read("f") == b"BASE"


def test_what_wrote_a_row_is_in_the_row(machine, tmp_path):
    machine.write("up", b"1")
    machine.run("sync", check=0)
    other = Machine(tmp_path / "b", machine.bucket)
    other.write("up", b"1")
    machine.bucket.write("data/down", b"2")
    result = other.run("sync", check=0)
    assert ("adopt", "up") in result.actions()
    assert flags(machine, "up")[0] & (TRANSFERRED | COMPARED) == TRANSFERRED
    assert flags(other, "up")[0] & (TRANSFERRED | COMPARED) == COMPARED
    assert flags(other, "down")[0] & (TRANSFERRED | COMPARED) == TRANSFERRED


def make_unproven(machine, content):
    """As the version before left it: a run with --size-only had taken `content` for the object's."""
    import hashlib
    with sqlite3.connect(machine.database) as db:
        db.execute("UPDATE entries SET flags = ?, md5 = ? WHERE key = ?",
                   (UNPROVEN, hashlib.md5(content).digest(), b"f"))


def adopted(pair):
    """The state after the old version's --size-only on the second machine."""
    machine, other = pair
    (other.root / "f").write_bytes(b"AAAA")
    other.run("sync", check=0)
    # In place and with everything put back, as far as anybody can tell from stat.
    (other.root / "f").write_bytes(b"BBBB")
    stat = (other.root / "f").stat()
    make_unproven(other, b"BBBB")
    with sqlite3.connect(other.database) as db:
        db.execute("UPDATE entries SET l_mtime = ?, l_ctime = ?, l_ino = ? WHERE key = ?",
                   (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, b"f"))
    return machine, other


def test_poisoned_rows_of_the_first_schema_are_found_out(pair):
    machine, other = adopted(pair)
    result = other.run("sync", "--conflict-strategy", "version_preserve", check=0)
    assert result.summary["conflicts"] == 1
    assert set(other.contents().values()) == {b"AAAA", b"BBBB"}
    assert other.run("sync", check=0).actions() == []


def test_a_poisoned_row_deletes_nothing_and_overwrites_nothing(pair):
    machine, other = adopted(pair)
    (other.root / "f").unlink()
    other.run("sync", check=0)
    assert other.read("f") == b"AAAA"


def test_true_rows_of_the_first_schema_stay_quiet(pair):
    machine, other = pair
    (other.root / "f").write_bytes(b"AAAA")
    other.run("sync", check=0)
    make_unproven(other, b"AAAA")
    result = other.run("sync", check=0)
    assert [action for action in result.actions() if action[0] != "adopt"] == []
    assert result.summary["requests"]["get"] == 0
    assert flags(other)[0] & UNPROVEN == 0
    (other.root / "f").unlink()
    other.write("keeps the side from being empty", b"x")
    assert ("delete_remote", "f") in other.run("sync", check=0).actions()


def test_with_sha256_nothing_that_a_writer_says_proves_equality(tmp_path, minio_bucket):
    """The object carries the MD5 of our file and its size, and other bytes; it came in parts, so
    that its ETag tells nothing."""
    machine = Machine(tmp_path / "a", minio_bucket)
    machine.configure(content_hash="sha256")
    machine.write("f", b"mine")
    client, bucket, key = minio_bucket.client, minio_bucket.name, "data/f"
    upload = client.create_multipart_upload(
        Bucket=bucket, Key=key, Metadata={"md5chksum": md5_base64(b"mine")})["UploadId"]
    part = client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"evil")
    client.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    result = machine.run("sync", "--conflict-strategy", "manual", check=4)
    assert result.summary["conflicts"] == 1
    assert everywhere(machine) >= {b"mine", b"evil"}
