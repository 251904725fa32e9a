# SPDX-License-Identifier: Apache-2.0
"""A folder becomes a file and the reverse, alone and against an edit, on every store; two machines end
with the same tree, and no version is lost."""
import os
import shutil
import sqlite3
import time

import pytest

from buckets import LocalBucket
from conftest import STORES, Machine
from test_overlap import Inner

OLD = {"k/x": b"old x", "k/sub/y": b"old y"}


@pytest.fixture(params=STORES)
def everywhere(request, tmp_path):
    from conftest import make_bucket
    return make_bucket(request, tmp_path)


@pytest.fixture
def embedded(tmp_path):
    return LocalBucket(tmp_path / "cloud")


def two(tmp_path, bucket, before, **config):
    """Two machines in step."""
    one, other = (Machine(tmp_path / name, bucket, **config) for name in "ab")
    for path, content in {**before, "z": b"z"}.items():
        one.write(path, content)
    one.run("sync", check=0)
    other.run("sync", check=0)
    assert other.contents() == one.contents()
    return one, other


def to_file(machine, content=b"now a file"):
    shutil.rmtree(machine.root / "k")
    machine.write("k", content)


def to_folder(machine, **files):
    (machine.root / "k").unlink()
    machine.write("k/x", b"now in a folder")


def run_until_quiet(*machines, codes=(0,)):
    for _ in range(4):
        moved = False
        for machine in machines:
            result = machine.run("sync")
            assert result.code in codes, result
            moved |= result.actions() != []
        if not moved:
            return
    pytest.fail("the runs never end")


def versions(*machines):
    found = set()
    for machine in machines:
        found |= {p.read_bytes() for p in machine.root.rglob("*") if p.is_file()}
        found |= {machine.bucket.read(ref.decode())
                  for (ref,) in machine.query("SELECT trash_ref FROM operations")
                  if ref.startswith(b"data/.cloudsync/trash/")}
    return found


@pytest.mark.parametrize("empty_dirs", [False, True])
def test_a_folder_becomes_a_file_and_a_folder_again(everywhere, tmp_path, empty_dirs):
    one, other = two(tmp_path, everywhere, OLD, empty_dirs=empty_dirs)
    to_file(one)
    one.run("sync", check=0)
    other.run("sync", check=0)
    assert other.contents() == one.contents() == {"k": b"now a file", "z": b"z"}
    to_folder(other)
    other.run("sync", check=0)
    one.run("sync", check=0)
    assert other.contents() == one.contents() == {"k/x": b"now in a folder", "z": b"z"}
    for machine in (one, other):
        assert machine.run("sync", check=0).actions() == []


def test_a_folder_that_was_there_before_gives_way_as_well(embedded, tmp_path):
    """On the machine that made the folder nothing says that sync did."""
    one, other = two(tmp_path, embedded, OLD)
    to_file(other)
    other.run("sync", check=0)
    one.run("sync", check=0)
    assert one.contents() == {"k": b"now a file", "z": b"z"}


def test_a_folder_with_what_is_not_synced_is_held(embedded, tmp_path):
    one, other = two(tmp_path, embedded, OLD, filters=["- *.tmp"])
    other.write("k/mine.tmp", b"not synced")
    to_file(one)
    one.run("sync", check=0)
    for _ in range(2):
        assert other.run("sync", check=4).summary["conflicts_open"] == 1
    assert other.read("k/mine.tmp") == b"not synced"
    assert one.run("sync", check=0).actions() == []
    (other.root / "k/mine.tmp").unlink()
    other.run("sync", check=0)
    assert other.contents() == one.contents()


# What stands against the change: (before, the change, the edit).
SHAPES = {"file": (OLD, to_file, ("k/x", b"edited x")),
          "folder": ({"k": b"old"}, to_folder, ("k", b"edited k"))}


def against(tmp_path, bucket, shape, first, **config):
    before, change, edit = SHAPES[shape]
    one, other = two(tmp_path, bucket, before, **config)
    change(one)
    other.write(*edit)
    order = (one, other) if first == "change" else (other, one)
    changed = b"now a file" if shape == "file" else b"now in a folder"
    return order, {changed, edit[1]}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("first", ["change", "edit"])
def test_an_edit_against_a_change_of_type(everywhere, tmp_path, shape, first):
    order, kept = against(tmp_path, everywhere, shape, first)
    run_until_quiet(*order)
    assert order[0].contents() == order[1].contents()
    assert kept <= set(order[0].contents().values())
    assert len(order[0].contents()) == 3


@pytest.mark.parametrize("strategy", ["local_wins", "cloud_wins", "version_preserve"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("first", ["change", "edit"])
def test_every_strategy_settles_it(embedded, tmp_path, strategy, shape, first):
    order, kept = against(tmp_path, embedded, shape, first, conflict_strategy=strategy)
    run_until_quiet(*order)
    assert order[0].contents() == order[1].contents()
    assert kept <= versions(*order)


@pytest.mark.parametrize("keep", ["local", "cloud", "both"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("first", ["change", "edit"])
def test_manual_holds_one_conflict_that_resolve_ends(embedded, tmp_path, keep, shape, first):
    order, kept = against(tmp_path, embedded, shape, first, conflict_strategy="manual")
    order[0].run("sync", check=0)
    late = order[1]
    before = late.contents()
    result = late.run("sync", check=4)
    assert result.summary["conflicts_open"] == 1
    [record] = late.run("conflicts", "list", check=0).lines
    assert record["path"] == "k" and "directory" in record["reason"]
    edit = SHAPES[shape][2][0]
    assert late.contents()[edit if first == "change" else "k" if shape == "file" else "k/x"] in kept
    late.run("conflicts", "resolve", "k", "--keep", keep, check=0)
    run_until_quiet(late, order[0])
    assert late.contents() == order[0].contents()
    assert kept <= versions(*order)
    live = kept & set(late.contents().values())
    assert len(live) == (2 if keep == "both" else 1)
    assert (live <= set(before.values())) == (keep == "local")


CHOICES = {"local": 1, "cloud": 2, "both": 4}


def choice_that_failed(machine, keep):
    """As `conflicts resolve k --keep ...` leaves it when the service refused something once."""
    with sqlite3.connect(machine.database, timeout=5) as db:
        db.execute("UPDATE conflicts SET choice = ?", (CHOICES[keep],))
        db.execute("INSERT INTO retry SELECT pair_id, key, key, 1, 1, 'unavailable', '503', 1 "
                   "FROM conflicts")


def held(tmp_path, bucket, shape, **config):
    """A machine with an open conflict of type at `k`, and the other one."""
    order, _ = against(tmp_path, bucket, shape, "change", conflict_strategy="manual", **config)
    order[0].run("sync", check=0)
    order[1].run("sync", check=4)
    return order[1], order[0]


@pytest.mark.parametrize("keep", CHOICES)
@pytest.mark.parametrize("shape", SHAPES)
def test_retry_of_a_choice_in_a_dry_run_does_nothing(embedded, tmp_path, shape, keep):
    machine, _ = held(tmp_path, embedded, shape)
    choice_that_failed(machine, keep)
    before = machine.contents(), {key: embedded.read(key) for key in embedded.keys("data/")}
    planned = machine.run("retry", "--dry-run", check=0)
    assert (machine.contents(),
            {key: embedded.read(key) for key in embedded.keys("data/")}) == before
    done = machine.run("retry", check=0)
    copies = planned.actions("conflict_copy", status="planned"), done.actions("conflict_copy")
    assert copies[0] == copies[1]
    deletions = ("delete_local", "delete_remote")
    assert planned.actions(*deletions, status="planned") == done.actions(*deletions)


@pytest.mark.parametrize("keep", CHOICES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_choice_is_none_for_an_upload(embedded, tmp_path, shape, keep):
    machine, _ = held(tmp_path, embedded, shape)
    machine.run("upload")
    choice_that_failed(machine, keep)
    before = machine.contents()
    assert machine.run("retry").code in (0, 3, 4)
    assert machine.contents() == before


def test_a_choice_leaves_another_pairs_target_in_the_folder(embedded, tmp_path):
    one, other = two(tmp_path, embedded, OLD, conflict_strategy="manual")
    inner = Inner(other, "k/local")
    inner.run("download", check=0)
    kept = inner.files()
    assert kept
    to_file(one)
    one.run("sync", check=0)
    other.write("k/x", b"edited x")
    other.run("sync", check=4)
    result = other.run("conflicts", "resolve", "k", "--keep", "cloud", check=3)
    assert "still holds" in str(result)
    assert inner.files() == kept
    assert other.read("k/x") == b"edited x"


def test_a_choice_leaves_the_configuration_in_the_folder(embedded, tmp_path):
    machine, _ = held(tmp_path, embedded, "file")
    os.link(machine.config_file, machine.root / "k/settings")
    result = machine.run("conflicts", "resolve", "k", "--keep", "cloud", check=3)
    assert "still holds" in str(result)
    assert machine.read("k/settings") == machine.config_file.read_bytes()
    (machine.root / "k/settings").unlink()
    machine.run("conflicts", "resolve", "k", "--keep", "cloud", check=0)
    assert machine.read("k") == b"now a file"


@pytest.mark.parametrize("shape", SHAPES)
def test_without_trash_a_choice_is_about_what_was_shown(embedded, tmp_path, shape):
    machine, _ = held(tmp_path, embedded, shape, trash=False)
    keep = "cloud" if shape == "file" else "local"
    time.sleep(0.05)
    if shape == "file":
        machine.write("k/late", b"came later")
    else:
        embedded.write("data/k/late", b"came later")
    result = machine.run("conflicts", "resolve", "k", "--keep", keep, check=3)
    assert "after the conflict was shown" in str(result)
    late = machine.read("k/late") if shape == "file" else embedded.read("data/k/late")
    assert late == b"came later"
    machine.run("sync", check=4)
    machine.run("conflicts", "resolve", "k", "--keep", keep, check=0)
    assert (machine.root / "k").is_file()


def test_resolve_on_a_store_that_hides(minio_bucket, tmp_path):
    order, kept = against(tmp_path, minio_bucket, "file", "change", conflict_strategy="manual")
    order[0].run("sync", check=0)
    order[1].run("sync", check=4)
    order[1].run("conflicts", "resolve", "k", "--keep", "cloud", check=0)
    run_until_quiet(*order)
    assert order[0].contents() == order[1].contents() == {"k": b"now a file", "z": b"z"}


def test_both_names_in_a_bucket(gcs_bucket, tmp_path):
    """What is in step stays, else the folder; the other is told of each time and never moved."""
    gcs_bucket.write("data/a", b"file")
    gcs_bucket.write("data/a/b", b"in a folder")
    gcs_bucket.write("data/a-c", b"between them in the order")
    fresh = Machine(tmp_path / "fresh", gcs_bucket, ignore_unsafe=True)
    for _ in range(2):
        result = fresh.run("sync", check=0)
        assert result.actions("unsafe") == [("unsafe", "a")]
        assert fresh.contents() == {"a/b": b"in a folder", "a-c": b"between them in the order"}
    assert fresh.run("sync", check=0).summary["requests"]["get"] == 0

    gcs_bucket.write("other/k", b"file")
    one = Machine(tmp_path / "one", gcs_bucket)
    one.run("sync", prefix="other/", check=0)
    gcs_bucket.write("other/k/x", b"came later")
    for _ in range(2):
        result = one.run("sync", prefix="other/", check=3)
        assert result.actions() == [("unsafe", "k/x")]
        assert one.contents() == {"k": b"file"}
    assert gcs_bucket.keys() == ["data/a", "data/a-c", "data/a/b", "other/k", "other/k/x"]
