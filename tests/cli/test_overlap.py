# SPDX-License-Identifier: Apache-2.0
"""Pairs whose folders lie in each other: the specification's own sequence, and what stays refused."""

import pytest

from buckets import LocalBucket
from conftest import Machine


class Inner:
    """The same computer and database, with a folder inside the other's root as its root."""

    def __init__(self, machine, folder):
        self.machine = machine
        self.root = machine.root / folder
        self.root.mkdir(parents=True, exist_ok=True)

    def run(self, *args, **kwargs):
        outer, self.machine.root = self.machine.root, self.root
        try:
            return self.machine.run(*args, **kwargs)
        finally:
            self.machine.root = outer

    def files(self):
        return {str(path.relative_to(self.root)): path.read_bytes()
                for path in sorted(self.root.rglob("*"))
                if path.is_file() and ".cloudsync" not in path.parts}


@pytest.fixture
def here(tmp_path):
    return Machine(tmp_path / "a", LocalBucket(tmp_path / "cloud"))


def test_sync_then_download_into_a_folder_inside(machine):
    machine.write("a", b"1")
    machine.write("d/b", b"2")
    inner = Inner(machine, "local")
    for turn in range(3):
        outer = machine.run("sync", "-v", check=0)
        down = inner.run("download", check=0)
        moved = outer.actions("upload", "download") + down.actions("upload", "download")
        assert bool(moved) == (turn == 0), (turn, moved)
        assert str(machine.root) in down.stderr and "data/" in down.stderr
    assert outer.actions("skip") == [("skip", "local/")]
    assert machine.bucket.keys() == ["data/a", "data/d/b"]
    assert inner.files() == {"a": b"1", "d/b": b"2"}


def test_what_lies_in_the_inner_target_is_unknown_to_the_enclosing_pair(here):
    """Sent there before the download began, deleted since, new since: nothing of it travels."""
    here.write("local/old", b"o")
    here.write("a", b"1")
    here.run("sync", check=0)
    inner = Inner(here, "local")
    assert inner.run("download", check=0).actions("download") == [("download", "a")]
    (inner.root / "old").unlink()
    (inner.root / "new").write_bytes(b"n")
    result = here.run("sync", "-v", check=0)
    assert result.actions() == [("skip", "local/")]
    assert here.bucket.keys() == ["data/a", "data/local/old"]
    inner.run("download", check=0)
    assert inner.files() == {"a": b"1", "new": b"n"}
    here.run("upload", "--mirror", check=0)
    assert here.bucket.keys() == ["data/a", "data/local/old"]


def test_the_order_of_first_runs_does_not_matter(here):
    here.bucket.write("data/a", b"1")
    inner = Inner(here, "local")
    inner.run("download", check=0)
    here.run("sync", check=0)
    inner.run("download", check=0)
    assert here.run("sync", check=0).actions("upload", "download") == []
    assert here.bucket.keys() == ["data/a"]


def test_two_way_runs_that_would_see_their_own_output_are_refused(here):
    here.write("a", b"1")
    here.run("sync", check=0)
    inner = Inner(here, "local")
    for _ in range(2):
        result = inner.run("sync", check=2)
        assert str(here.root) in result.stderr
        assert inner.files() == {}
        inner.run("download", check=0)
        for path in inner.root.glob("a"):
            path.unlink()


def test_an_upload_out_of_a_folder_inside(here):
    here.write("raw/f", b"1")
    here.run("sync", check=0)
    inner = Inner(here, "raw")
    result = inner.run("upload", prefix="data/copy/", check=0)
    assert str(here.root) in result.stderr
    for _ in range(2):
        assert here.run("sync", check=0).actions("upload", "download") == []
        assert inner.run("upload", prefix="data/copy/", check=0).actions("upload") == []
    assert here.bucket.keys() == ["data/copy/f", "data/raw/f"]
    assert here.contents() == {"raw/f": b"1"}
