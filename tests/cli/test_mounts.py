# SPDX-License-Identifier: Apache-2.0
"""Roots on file systems that lack something: FUSE mounts, exFAT, network shares."""
import os

import pytest

from buckets import LocalBucket
from conftest import Machine
from mounts import POOR


@pytest.fixture
def bucket(tmp_path):
    return LocalBucket(tmp_path / "cloud")


@pytest.fixture
def odd(tmp_path, bucket, odd_mount):
    """odd(*switches): a machine whose root is such a mount."""
    machines = []

    def make(*switches):
        machine = Machine(tmp_path / f"odd{len(machines)}", bucket)
        machine.mount = odd_mount(machine.root, *switches)
        machines.append(machine)
        return machine

    return make


@pytest.fixture
def plain(tmp_path, bucket):
    return Machine(tmp_path / "plain", bucket)


def warned(result, words):
    return words in result.stderr or any(words in str(line) for line in result.lines)


def test_the_odd_file_system_is_as_odd_as_asked(tmp_path, odd_mount):
    mount = odd_mount(tmp_path / "m", "fold_case", "store_decomposed", "no_links",
                      "no_attributes", "coarse_times", "call_inodes")
    one = mount.point / "\u00c9A.txt"
    one.write_text("x")
    assert (mount.point / "\u00e9a.TXT").read_text() == "x"
    assert os.listdir(mount.point) == ["E\u0301A.txt"]
    with pytest.raises(PermissionError):
        os.link(one, mount.point / "linked")
    with pytest.raises(PermissionError):
        os.chmod(one, 0o600)
    os.utime(one, ns=(3_500_000_001, 3_500_000_001))
    assert os.stat(one).st_mtime_ns == 2_000_000_000
    assert os.stat(one).st_ino != os.stat(one).st_ino
    device = os.stat(mount.point).st_dev
    mount.remount()
    assert os.stat(mount.point).st_dev != device
    assert one.read_text() == "x"


# The root ---------------------------------------------------------------------------------


@pytest.mark.alone  # beside others a mount may get its old device number again
@pytest.mark.parametrize("switches", [(), ("mount_inodes",), POOR])
def test_upload_goes_on_after_another_mount(odd, switches):
    machine = odd(*switches)
    for number in range(60):
        machine.write(f"f{number}", f"{number}")
    machine.run("upload", check=0)
    machine.mount.remount()
    machine.write("f0", b"edited")
    machine.write("new", b"new")
    (machine.root / "f59").unlink()
    first = machine.run("upload", "--delete", check=0)
    assert first.actions() == [("upload", "f0"), ("upload", "new")]
    assert warned(first, "mounted again")
    second = machine.run("upload", "--delete", check=0)
    assert second.actions() == [("delete_remote", "f59")]
    assert not warned(second, "mounted again")


def test_an_empty_mount_point_is_not_the_root(odd):
    machine = odd()
    machine.write("a", b"a")
    machine.run("upload", check=0)
    machine.mount.unmount()
    result = machine.run("upload", "--delete", check=5)
    assert result.summary["brake"] == "root"
    assert machine.bucket.keys("data/") == ["data/a"]


@pytest.mark.parametrize("how", ["older", "other"])
def test_files_that_are_not_as_recorded_prove_nothing(odd, how):
    machine = odd()
    for number in range(30):
        machine.write(f"f{number}", f"{number}")
    machine.run("upload", check=0)
    for number in range(2 if how == "other" else 1):
        if how == "other":
            machine.write(f"f{number}", b"something else")
        else:
            os.utime(machine.root / "f0", ns=(10**18, 10**18))
    machine.mount.remount()
    assert machine.run("upload", check=5).summary["brake"] == "root"


# The files --------------------------------------------------------------------------------

EACH = [(switch,) for switch in POOR] + [("mount_inodes",), ("fold_case",), POOR]


@pytest.mark.parametrize("switches", EACH, ids="+".join)
def test_two_machines_agree(odd, plain, switches):
    machine = odd(*switches)
    plain.write("down/replaced", b"1")
    plain.write("down/deleted", b"1")
    machine.write("up/replaced", b"1")
    machine.write("up/deleted", b"1")
    for each in (plain, machine, plain):
        each.run("sync", check=0)
    (plain.root / "down/deleted").unlink()
    plain.write("down/replaced", b"second")
    plain.run("sync", check=0)
    (machine.root / "up/deleted").unlink()
    machine.write("up/replaced", b"second too")
    machine.mount.remount()
    done = machine.run("sync", check=0)
    assert done.actions() == [("delete_local", "down/deleted"),
                              ("delete_remote", "up/deleted"),
                              ("download", "down/replaced"), ("upload", "up/replaced")]
    plain.run("sync", check=0)
    expected = {"down/replaced": b"second", "up/replaced": b"second too"}
    assert plain.contents() == machine.contents() == expected
    plain.write("down/replaced", b"third")
    plain.run("sync", check=0)
    assert machine.run("sync", check=0).actions() == [("download", "down/replaced")]
    assert machine.run("sync", check=0).actions() == []


@pytest.mark.parametrize("switches", [("mount_inodes",), ("coarse_times",), POOR],
                         ids="+".join)
def test_nothing_is_read_again_without_need(odd, plain, switches):
    machine = odd(*switches)
    plain.write("down", os.urandom(3_000_000))
    os.utime(plain.root / "down", ns=(10**18 + 123, 10**18 + 123))
    path = machine.write("up", os.urandom(3_000_000))
    os.utime(path, ns=(10**18 + 123, 10**18 + 123))
    plain.run("sync", check=0)
    machine.run("sync", check=0)
    read = 0
    while machine.mount.bytes_read() > read + 1_000_000:  # as long as they are young
        read = machine.mount.bytes_read()
        machine.run("sync", check=0)
    for _ in range(2):
        machine.mount.remount()
        assert machine.run("sync", check=0).summary["unchanged"] == 2
        assert machine.mount.bytes_read() < 1_000_000


def test_an_edit_with_its_old_time_is_seen_where_ctimes_stay(odd):
    machine = odd()
    for number in range(10):
        machine.write(f"f{number}", b"11")
        os.utime(machine.root / f"f{number}", ns=(10**18, 10**18))
    machine.run("sync", check=0)
    machine.run("sync", check=0)
    machine.write("f3", b"22")
    os.utime(machine.root / "f3", ns=(10**18, 10**18))
    assert machine.run("sync", check=0).actions() == [("upload", "f3")]


@pytest.mark.parametrize("strategy", ["manual", "version_preserve"])
def test_conflicts_are_as_elsewhere(odd, plain, strategy):
    machine = odd(*POOR)
    machine.write("f", b"base")
    machine.run("sync", check=0)
    plain.run("sync", check=0)
    plain.write("f", b"theirs!")
    plain.run("sync", check=0)
    machine.write("f", b"ours")
    args = ("--conflict-strategy", strategy)
    result = machine.run("sync", *args)
    if strategy == "manual":
        assert result.code == 4
        machine.mount.remount()
        machine.run("conflicts", "resolve", "f", "--keep", "both", check=0)
    plain.run("sync")
    assert sorted(plain.contents().values()) == [b"ours", b"theirs!"]
    assert plain.contents() == machine.contents()


# Names ------------------------------------------------------------------------------------

PAIRS = [("fold_case", "A.txt", "a.txt"), ("fold_case", "Dir/x", "dir/y"),
         ("fold_case", "Dir/x", "dir/x"), ("fold_case", "\u00c4.txt", "\u00e4.txt"),
         ("fold_normal", "e\u0301.txt", "\u00e9.txt")]
# Only with both does the pass-through fold the case of letters beyond ASCII.
BOTH = ("fold_case", "fold_normal")


def switches_of(switch, name):
    return (switch,) if name.isascii() else BOTH


@pytest.mark.parametrize("switch,first,second", PAIRS)
@pytest.mark.parametrize("lacks", [(), ("no_rename_flags", "no_links")])
def test_of_two_names_that_are_one_the_first_comes(odd, plain, switch, first, second, lacks):
    plain.write(first, b"first")
    plain.write(second, b"the second")
    plain.run("sync", check=0)
    machine = odd(*switches_of(switch, first), *lacks)
    for turn in range(3):
        if turn > 0:
            planned = machine.run("sync", "--dry-run", check=3)
            assert planned.actions("unsafe", status="planned") == [("unsafe", second)]
        result = machine.run("sync", check=3)
        assert result.actions("unsafe") == [("unsafe", second)]
        assert result.summary["unsafe"] == 1
        assert machine.contents() == {first: b"first"}
    machine.write(first, b"edited here")
    machine.run("sync", check=3)
    assert plain.run("sync", check=0).actions() == [("download", first)]
    assert plain.contents() == {first: b"edited here", second: b"the second"}
    (plain.root / first).unlink()
    plain.run("sync", check=0)
    planned = machine.run("sync", "--dry-run", check=0)
    assert planned.actions(status="planned") == [("delete_local", first), ("download", second)]
    machine.run("sync", check=0)
    assert machine.contents() == plain.contents() == {second: b"the second"}


@pytest.mark.parametrize("direction", ["sync", "download"])
def test_the_name_that_was_there_stays(odd, plain, direction):
    machine = odd("fold_case")
    plain.write("a.txt", b"a")
    plain.run("sync", check=0)
    machine.run(direction, check=0)
    plain.write("A.txt", b"upper")
    plain.run("sync", check=0)
    for _ in range(2):
        assert machine.run(direction, check=3).actions() == [("unsafe", "A.txt")]
    assert machine.contents() == {"a.txt": b"a"}
    assert plain.run("sync", check=0).actions() == []


@pytest.mark.parametrize("old,new", [("a.txt", "A.txt"), ("A.txt", "a.txt"),
                                     ("dir/x", "DIR/x")])
def test_a_new_spelling_is_a_rename(odd, plain, old, new):
    machine, second = odd("fold_case"), odd("fold_case")
    machine.write(old, b"content")
    for each in (machine, second, plain):
        each.run("sync", check=0)
    (machine.root / old.split("/")[0]).rename(machine.root / new.split("/")[0])
    machine.run("sync", check=0)
    for each in (second, plain):
        each.run("sync", check=0)
    for each in (machine, second, plain):
        assert each.contents() == {new: b"content"}
        assert each.run("sync", check=0).actions() == []


def test_names_that_are_stored_in_another_form_stay_in_the_bucket(odd, plain):
    machine = odd("store_decomposed")
    plain.write("other", b"1")
    name = "\u00e9t\u00e9/caf\u00e9"
    plain.write(name, b"1")
    plain.run("sync", check=0)
    machine.run("sync", check=0)
    assert machine.run("sync", check=0).actions() == []
    (machine.root / name).write_bytes(b"edited")
    assert machine.run("sync", check=0).actions() == [("upload", name)]
    plain.run("sync", check=0)
    assert plain.read(name) == b"edited"
    (plain.root / name).write_bytes(b"again, there")
    plain.run("sync", check=0)
    assert machine.run("sync", check=0).actions() == [("download", name)]
    (machine.root / name).unlink()
    assert machine.run("sync", check=0).actions() == [("delete_remote", name)]
    plain.run("sync", check=0)
    assert plain.contents() == {"other": b"1"}


@pytest.mark.parametrize("direction", ["sync", "upload"])
def test_a_name_that_its_twin_hides_is_not_deleted(odd, direction):
    """A tree of another file system, moved to one that folds: one of two files is left."""
    machine = odd()
    machine.write("A.txt", b"upper")
    machine.write("a.txt", b"lower")
    for name in ("A.txt", "a.txt"):
        os.utime(machine.root / name, ns=(10**18, 10**18))
    machine.run(direction, check=0)
    (machine.root / "a.txt").unlink()
    machine.mount.remount("fold_case")
    for _ in range(2):
        machine.run(direction, "--delete")
    result = machine.run(direction, "--delete", check=3)
    assert result.actions() == [("unsafe", "a.txt")]
    assert machine.bucket.keys("data/") == ["data/A.txt", "data/a.txt"]


def test_a_mount_below_the_root_has_its_own_names(plain, tmp_path, odd_mount, bucket):
    plain.write("stick/A.txt", b"first")
    plain.write("stick/a.txt", b"the second")
    plain.run("sync", check=0)
    machine = Machine(tmp_path / "m", bucket)
    odd_mount(machine.root / "stick", "fold_case")
    for _ in range(3):
        machine.run("sync")
    assert plain.run("sync", check=0).actions() == []
    [(name, content)] = machine.contents().items()
    assert plain.contents()[name] == content


def test_objects_below_a_link_stop_nothing(bucket, tmp_path, plain):
    plain.write("link/sub/x", b"x")
    plain.write("other", b"other")
    plain.run("sync", check=0)
    machine = Machine(tmp_path / "m", bucket, links="preserve")
    machine.write("target/keep", b"k")
    os.symlink("target", machine.root / "link")
    machine.run("sync")
    assert machine.read("other") == b"other"
