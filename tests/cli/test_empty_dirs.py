# SPDX-License-Identifier: Apache-2.0
"""Folders that are synced: children before parents, and a removal counts only when it happened."""
import os
import shutil

import pytest

from buckets import LocalBucket
from conftest import Machine

DEEP = [f"t/{a}/{b}/{c}" for a in "ab" for b in "cd" for c in "ef"]


def folders(machine):
    return sorted(str(p.relative_to(machine.root)) for p in machine.root.rglob("*")
                  if p.is_dir() and ".cloudsync" not in p.parts)


def two(tmp_path, bucket):
    one, other = (Machine(tmp_path / name, bucket, empty_dirs=True) for name in "ab")
    for folder in DEEP:
        (one.root / folder).mkdir(parents=True)
        one.write(f"{folder}/f", folder)
    for number in range(20):
        one.write(f"stays/f{number}", str(number))
    one.run("sync", check=0)
    other.run("sync", check=0)
    assert folders(other) == folders(one)
    return one, other


@pytest.fixture
def embedded(tmp_path):
    return two(tmp_path, LocalBucket(tmp_path / "cloud"))


def test_a_deleted_tree_goes_everywhere_and_stays_gone(bucket, tmp_path):
    one, other = two(tmp_path, bucket)
    shutil.rmtree(one.root / "t")
    one.run("sync", check=0)
    other.run("sync", check=0)
    assert folders(other) == folders(one) == ["stays"]
    for machine in (one, other):
        assert machine.run("sync", check=0).actions() == []
    assert not [key for key in bucket.keys() if key.startswith("data/t/")]


def test_folders_are_no_files_for_the_brake(embedded):
    """8 of 28 files go, with 15 folders: below the limit, on both sides of the line."""
    one, other = embedded
    shutil.rmtree(one.root / "t")
    one.run("sync", check=0)
    other.run("sync", check=0)
    shutil.rmtree(other.root / "stays")
    other.write("one", b"left")
    result = other.run("sync", "--max-delete", "90%", check=5)
    assert "20 of 20 known files (100.0 %)" in result.stderr


def test_a_folder_that_is_not_empty_fails_and_keeps_its_row(embedded):
    one, other = embedded
    other.configure(empty_dirs=True, filters=["- *.tmp"])
    other.write("t/a/c/mine.tmp", b"not synced")
    shutil.rmtree(one.root / "t")
    one.run("sync", check=0)
    result = other.run("sync", check=3)
    failed = result.actions("delete_local", status="failed")
    assert failed == [("delete_local", path) for path in ("t/", "t/a/", "t/a/c/")]
    [line] = [line for line in result.lines if line.get("path") == "t/a/c/"]
    assert "mine.tmp" in line["error"]["message"]
    assert folders(other) == ["stays", "t", "t/a", "t/a/c"]
    assert one.run("sync", check=0).actions() == []
    (other.root / "t/a/c/mine.tmp").unlink()
    other.run("sync", check=0)
    assert folders(other) == ["stays"]
    assert one.run("sync", check=0).actions() == []


def test_a_new_file_keeps_its_folder(embedded):
    one, other = embedded
    shutil.rmtree(one.root / "t")
    other.write("t/a/c/new", b"new")
    one.run("sync", check=0)
    other.run("sync", check=0)
    one.run("sync", check=0)
    assert one.read("t/a/c/new") == b"new"
    for machine in (other, one):
        assert machine.run("sync", check=0).actions() == []
    assert folders(one) == folders(other) == ["stays", "t", "t/a", "t/a/c"]


def test_a_child_that_cannot_go_keeps_its_parents(embedded):
    if os.geteuid() == 0 and shutil.which("chattr") is None:
        pytest.skip("root removes everything")
    one, other = embedded
    shutil.rmtree(one.root / "t")
    one.run("sync", check=0)
    stuck = other.root / "t/a/c/e"
    held = os.geteuid() == 0 and os.system(f"chattr +i '{stuck}' 2>/dev/null") == 0
    if os.geteuid() == 0 and not held:
        pytest.skip("this file system has no immutable files")
    if not held:
        stuck.chmod(0o555)
    try:
        result = other.run("sync", check=3)
        failed = {path for _, path in result.actions("delete_local", status="failed")}
        assert {"t/a/c/e/f", "t/a/c/e/", "t/a/c/", "t/a/", "t/"} <= failed
    finally:
        os.system(f"chattr -i '{stuck}' 2>/dev/null") if held else stuck.chmod(0o755)
    assert one.run("sync", check=0).actions() == []
    other.run("sync", check=0)
    assert folders(other) == ["stays"]
