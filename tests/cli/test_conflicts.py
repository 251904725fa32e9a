# SPDX-License-Identifier: Apache-2.0
"""Both sides changed: what each strategy keeps, and how people settle what is left open."""
import os
import time

import pytest


def both_changed(machine, ours=b"ours, edited", theirs=b"theirs, edited differently"):
    machine.write("f.txt", b"base")
    machine.write("other", b"x")
    machine.run("sync", check=0)
    machine.write("f.txt", ours)
    machine.bucket.write("data/f.txt", theirs)


def copies(machine):
    return [path for path in machine.contents() if "cloudsync-conflict" in path]


def test_version_preserve_keeps_both(machine, other):
    both_changed(machine)
    result = machine.run("sync", "--conflict-strategy", "version_preserve", check=0)
    assert result.summary["conflicts"] == result.summary["conflicts_resolved"] == 1
    assert machine.read("f.txt") == b"theirs, edited differently"
    [copy] = copies(machine)
    assert copy.startswith("f.cloudsync-conflict-") and copy.endswith(".txt")
    assert machine.read(copy) == b"ours, edited"
    assert "data/" + copy in machine.bucket.keys()
    other.run("sync", check=0)
    assert other.contents() == machine.contents()
    assert machine.run("sync", check=0).actions() == []


def test_local_wins_keeps_the_loser_in_the_trash(machine):
    both_changed(machine)
    machine.run("sync", "--conflict-strategy", "local_wins", check=0)
    assert machine.bucket.read("data/f.txt") == b"ours, edited"
    trash = [ref for (ref,) in machine.query(
        "SELECT trash_ref FROM operations WHERE length(trash_ref) > 0")]
    assert len(trash) == 1
    assert machine.bucket.read(trash[0].decode()) == b"theirs, edited differently"


def test_cloud_wins_keeps_the_loser_in_the_trash(machine):
    both_changed(machine)
    machine.run("sync", "--conflict-strategy", "cloud_wins", check=0)
    assert machine.read("f.txt") == b"theirs, edited differently"
    found = [p.read_bytes() for p in (machine.root / ".cloudsync/trash").rglob("*") if p.is_file()]
    assert found == [b"ours, edited"]


@pytest.mark.parametrize("age, winner", [(-3600, b"theirs, edited differently"),
                                         (-0.0, None)])
def test_timestamp_wins_takes_the_newer_or_keeps_both(machine, age, winner):
    both_changed(machine)
    moment = time.time() + age
    os.utime(machine.root / "f.txt", (moment, moment))
    machine.run("sync", check=0)
    if winner is not None:
        assert machine.read("f.txt") == machine.bucket.read("data/f.txt") == winner
    else:
        kept = set(machine.contents().values())
        assert {b"ours, edited", b"theirs, edited differently"} <= kept


def test_equal_edits_are_no_conflict(machine):
    both_changed(machine, b"the same", b"the same")
    result = machine.run("sync", "--conflict-strategy", "manual", check=0)
    assert result.summary["conflicts"] == 0
    assert result.actions() == [("adopt", "f.txt")]


def test_edit_beats_deletion(machine):
    machine.write("f", b"1")
    machine.write("g", b"1")
    machine.write("stays", b"1")
    machine.run("sync", check=0)
    (machine.root / "f").unlink()
    machine.bucket.write("data/f", b"edited there")
    machine.write("g", b"edited here")
    machine.bucket.delete("data/g")
    machine.run("sync", check=0)
    assert machine.read("f") == b"edited there"
    assert machine.bucket.read("data/g") == b"edited here"


def test_manual_holds_until_resolved(machine):
    both_changed(machine)
    machine.configure(conflict_strategy="manual")
    result = machine.run("sync", check=4)
    assert result.summary["conflicts_open"] == 1
    assert machine.read("f.txt") == b"ours, edited"
    assert machine.bucket.read("data/f.txt") == b"theirs, edited differently"
    machine.run("sync", check=4)

    [record] = machine.run("conflicts", "list", check=0).lines
    assert record["path"] == "f.txt" and record["resolution"] is None
    assert machine.run("conflicts", "show", "f.txt", check=0).lines
    machine.run("conflicts", "resolve", "f.txt", "--keep", "cloud", check=0)
    assert machine.read("f.txt") == b"theirs, edited differently"
    assert machine.run("conflicts", "list", check=0).lines == []
    assert machine.run("sync", check=0).actions() == []


@pytest.mark.parametrize("keep", ["local", "both"])
def test_resolve_local_and_both(machine, keep):
    both_changed(machine)
    machine.configure(conflict_strategy="manual")
    machine.run("sync", check=4)
    machine.run("conflicts", "resolve", "f.txt", "--keep", keep, check=0)
    if keep == "local":
        assert machine.bucket.read("data/f.txt") == b"ours, edited"
        assert copies(machine) == []
    else:
        assert machine.read("f.txt") == b"theirs, edited differently"
        assert [machine.read(copy) for copy in copies(machine)] == [b"ours, edited"]
    machine.run("sync", check=0)


def test_resolution_is_stale_when_a_side_moved(machine):
    both_changed(machine)
    machine.configure(conflict_strategy="manual")
    machine.run("sync", check=4)
    machine.bucket.write("data/f.txt", b"edited once more")
    machine.run("conflicts", "resolve", "f.txt", "--keep", "local", check=4)
    assert machine.bucket.read("data/f.txt") == b"edited once more"
    assert machine.read("f.txt") == b"ours, edited"


def test_choice_for_a_conflict_that_is_none_any_more_touches_nothing(machine):
    both_changed(machine)
    machine.configure(conflict_strategy="manual")
    machine.run("sync", check=4)
    machine.write("f.txt", b"base")  # as it was: the bucket's version would now just be fetched
    machine.run("conflicts", "resolve", "f.txt", "--keep", "local", check=4)
    assert machine.read("f.txt") == b"base"
    assert machine.bucket.read("data/f.txt") == b"theirs, edited differently"
    machine.run("sync", check=0)
    assert machine.run("conflicts", "list", check=0).lines == []


def test_conflict_clears_itself_when_the_sides_agree(machine):
    both_changed(machine)
    machine.configure(conflict_strategy="manual")
    machine.run("sync", check=4)
    machine.write("f.txt", b"theirs, edited differently")
    machine.run("sync", check=0)
    assert machine.run("conflicts", "list", check=0).lines == []


def test_upload_with_version_preserve_keeps_the_clouds_version(machine):
    both_changed(machine)
    machine.run("upload", "--conflict-strategy", "version_preserve", check=0)
    assert machine.bucket.read("data/f.txt") == b"ours, edited"
    [copy] = [key for key in machine.bucket.keys() if "cloudsync-conflict" in key]
    assert machine.bucket.read(copy) == b"theirs, edited differently"
