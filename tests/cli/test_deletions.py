# SPDX-License-Identifier: Apache-2.0
"""Deletions travel, stay recoverable, and stop at the brakes."""
import os
import shutil

import pytest


def fill(machine, count):
    for number in range(count):
        machine.write(f"f{number:03}", f"content {number}".encode())


def trashed(machine):
    trash = machine.root / ".cloudsync" / "trash"
    return sorted(path.name for path in trash.rglob("*") if path.is_file())


def test_sync_propagates_deletions_both_ways(machine, other):
    fill(machine, 6)
    machine.run("sync", check=0)
    other.run("sync", check=0)
    (machine.root / "f000").unlink()
    (other.root / "f001").unlink()
    assert machine.run("sync", check=0).actions() == [("delete_remote", "f000")]
    result = other.run("sync", check=0)
    assert sorted(result.actions()) == [("delete_local", "f000"), ("delete_remote", "f001")]
    machine.run("sync", check=0)
    assert machine.contents() == other.contents()
    assert sorted(machine.contents()) == ["f002", "f003", "f004", "f005"]
    assert trashed(other) == ["f000"]
    assert trashed(machine) == ["f001"]


def test_one_way_keeps_unless_told(machine):
    fill(machine, 3)
    machine.run("upload", check=0)
    (machine.root / "f000").unlink()
    assert machine.run("upload", check=0).actions() == []
    assert machine.run("upload", "--delete", check=0).actions() == [("delete_remote", "f000")]
    assert machine.bucket.keys() == ["data/f001", "data/f002"]


def test_mirror_removes_what_was_never_ours(machine):
    fill(machine, 3)
    machine.bucket.write("data/foreign", b"x")
    machine.run("upload", "--delete", check=0)
    assert "data/foreign" in machine.bucket.keys()
    machine.run("upload", "--mirror", check=0)
    assert "data/foreign" not in machine.bucket.keys()


def test_too_many_deletions_stop(machine):
    fill(machine, 30)
    machine.run("sync", check=0)
    for number in range(16):
        (machine.root / f"f{number:03}").unlink()
    machine.write("new", b"still uploaded")
    result = machine.run("sync", check=5)
    assert result.summary["brake"] == "max-delete"
    assert result.summary["deleted_remote"] == 0
    assert "--force max-delete" in result.stderr
    assert len(machine.bucket.keys()) == 31
    machine.run("sync", "--max-delete", "60%", check=0)
    assert len(machine.bucket.keys()) == 15


def test_force_lifts_one_brake_for_one_run(machine):
    fill(machine, 30)
    machine.run("sync", check=0)
    for number in range(16):
        (machine.root / f"f{number:03}").unlink()
    machine.run("sync", "--force", "max-delete", check=0)
    assert len(machine.bucket.keys()) == 14


def test_renames_do_not_count_as_deletions(machine):
    fill(machine, 30)
    machine.run("sync", check=0)
    (machine.root / "moved").mkdir()
    for number in range(25):
        name = f"f{number:03}"
        (machine.root / name).rename(machine.root / "moved" / name)
    machine.run("sync", check=0)
    assert len(machine.bucket.keys("data/moved/")) == 25
    assert len(machine.bucket.keys()) == 30


def test_emptied_root_deletes_nothing(machine):
    fill(machine, 5)
    machine.run("sync", check=0)
    for path in machine.root.glob("f*"):
        path.unlink()
    result = machine.run("sync", check=5)
    assert result.summary["brake"] == "emptied"
    assert len(machine.bucket.keys()) == 5
    machine.run("sync", "--force", "emptied", check=0)
    assert machine.bucket.keys() == []


def test_emptied_bucket_deletes_nothing(machine):
    fill(machine, 5)
    machine.run("sync", check=0)
    for key in machine.bucket.keys():
        machine.bucket.delete(key)
    result = machine.run("sync", check=5)
    assert result.summary["brake"] == "emptied"
    assert len(machine.contents()) == 5


def test_missing_root_is_refused(machine):
    fill(machine, 3)
    machine.run("sync", check=0)
    shutil.rmtree(machine.root)
    machine.run("sync", check=2)
    machine.run("upload", check=2)
    result = machine.run("download", check=5)
    assert result.summary["brake"] == "root"
    assert len(machine.bucket.keys()) == 3
    machine.run("download", "--force", "root", check=0)
    assert len(machine.contents()) == 3


def test_exchanged_root_is_refused(machine):
    fill(machine, 3)
    machine.run("sync", check=0)
    machine.root.rename(machine.folder / "aside")
    machine.root.mkdir()
    machine.write("something", b"else")
    result = machine.run("sync", check=5)
    assert result.summary["brake"] == "root"
    assert result.actions() == []
    assert len(machine.bucket.keys()) == 3


def test_restored_backup_does_not_overwrite_the_cloud(machine):
    machine.write("f", b"old content")
    machine.run("sync", check=0)
    backup = machine.folder / "backup"
    shutil.copytree(machine.root, backup)
    for content in (b"newer", b"newest"):
        machine.write("f", content)
        machine.run("sync", check=0)
    shutil.rmtree(machine.root)
    shutil.copytree(backup, machine.root)
    result = machine.run("sync")
    assert machine.bucket.read("data/f") == b"newest", result
    assert result.code == 5
    machine.run("sync", "--force", "restored-cloud", check=0)
    assert machine.read("f") == b"newest"


def test_unreadable_folder_deletes_nothing_below(machine):
    if os.geteuid() == 0:
        pytest.skip("root reads everything; the engine's own test covers this")
    machine.write("d/f", b"x")
    machine.run("sync", check=0)
    (machine.root / "d").chmod(0)
    machine.run("sync", check=3)
    (machine.root / "d").chmod(0o755)
    assert machine.bucket.keys() == ["data/d/f"]


def test_folder_in_a_files_place(machine, other):
    machine.write("a", b"file")
    machine.write("z", b"z")
    machine.run("sync", check=0)
    other.run("sync", check=0)
    (machine.root / "a").unlink()
    machine.write("a/b", b"nested")
    machine.run("sync", check=0)
    machine.run("sync", check=0)
    other.run("sync")
    other.run("sync", check=0)
    assert other.contents() == machine.contents() == {"a/b": b"nested", "z": b"z"}


def test_emptied_folders_that_sync_made_go_with_their_files(machine, other):
    machine.write("made/by/sync/f", b"x")
    machine.write("stays", b"x")
    machine.run("sync", check=0)
    other.run("sync", check=0)
    shutil.rmtree(machine.root / "made")
    machine.run("sync", check=0)
    other.run("sync", check=0)
    assert not (other.root / "made").exists()
