# SPDX-License-Identifier: Apache-2.0
"""The `local` provider when its folder holds what is no object, goes, is exchanged, is edited by others
at the worst moment, or was made by an earlier version."""
import hashlib
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess

import pytest

from buckets import LocalBucket
from conftest import Machine, Result
from mounts import POOR


@pytest.fixture
def bucket(tmp_path):
    return LocalBucket(tmp_path / "cloud")


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder


def make_socket(path):
    # A socket's path is limited to 107 bytes.
    here = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def make_link(path):
    path.symlink_to("/nonexistent")


def make_dangling_loop(path):
    path.symlink_to(path.name)


PLACES = [make_link, make_dangling_loop, make_socket, os.mkfifo]


def failed(result):
    return sorted(line["path"] for line in result.lines
                  if line.get("type") == "action" and line["status"] == "failed")


def snapshot(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and ".cloudsync" not in str(path)}


# Present but no object
# ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", ["sync", "download"])
def test_what_is_no_object_is_no_deletion(machine, place, command):
    for name in ("a.txt", "d/x.txt", "d/sub/y.txt", "d-e", "z.txt"):
        machine.write(name, name)
    machine.run("sync", check=0)
    shutil.rmtree(machine.bucket.path / "data/d")
    (machine.bucket.path / "data/a.txt").unlink()
    place(machine.bucket.path / "data/d")
    place(machine.bucket.path / "data/a.txt")
    before = machine.contents()
    arguments = ["--delete"] if command == "download" else []
    for _ in range(2):
        result = machine.run(command, *arguments, check=3)
        assert machine.contents() == before
        assert failed(result) == ["a.txt", "d"]
    assert not any("y.txt" in line.get("path", "") for line in result.lines)
    for name in ("a.txt", "d"):
        (machine.bucket.path / "data" / name).unlink()
    if command == "sync":  # now they are gone indeed
        machine.run("sync", "--force", "max-delete", check=0)
        assert sorted(machine.contents()) == ["d-e", "z.txt"]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_object_is_never_written_to(machine, place):
    for name in ("a.txt", "d/x.txt", "d/sub/y.txt", "z.txt"):
        machine.write(name, name)
    machine.run("sync", check=0)
    shutil.rmtree(machine.bucket.path / "data/d")
    (machine.bucket.path / "data/a.txt").unlink()
    place(machine.bucket.path / "data/d")
    place(machine.bucket.path / "data/a.txt")
    kinds = [os.lstat(machine.bucket.path / "data" / name).st_mode for name in ("a.txt", "d")]
    machine.write("a.txt", b"edited")
    machine.write("d/x.txt", b"edited")
    machine.write("d/new.txt", b"new")
    (machine.root / "d/sub/y.txt").unlink()
    machine.write("z.txt", b"edited")
    result = machine.run("sync", check=3)
    assert result.actions() == [("upload", "z.txt")]
    assert machine.run("retry").code == 3
    now = [os.lstat(machine.bucket.path / "data" / name).st_mode for name in ("a.txt", "d")]
    assert now == kinds


def test_no_link_leads_out_of_the_bucket(machine, outside):
    machine.write("d/x.txt", b"1")
    machine.run("sync", check=0)
    (machine.bucket.path / "data/other").symlink_to(outside)
    machine.write("other/secret", b"mine")
    machine.write("other/new", b"mine")
    machine.run("sync", check=3)
    assert snapshot(outside) == {"secret": b"secret"}
    assert machine.contents()["other/secret"] == b"mine"


@pytest.mark.parametrize("folder", ["", "tmp", "records", "locks"])
def test_the_stores_own_folders_are_no_way_out(machine, outside, folder):
    machine.write("a", b"1")
    machine.run("sync", check=0)
    own = machine.bucket.path / ".cloudsync-store" / folder
    shutil.move(own, machine.folder / "moved")
    own.symlink_to(outside)
    machine.write("a", b"2")
    machine.write("b", b"2")
    assert machine.run("sync").code in (2, 3)
    assert snapshot(outside) == {"secret": b"secret"}
    assert machine.bucket.read("data/a") == b"1"


def test_a_link_for_the_prefix_is_no_empty_prefix(machine):
    machine.write("a.txt", b"1")
    machine.run("sync", check=0)
    (machine.bucket.path / "data").rename(machine.bucket.path / "moved")
    (machine.bucket.path / "data").symlink_to("moved")
    result = machine.run("sync", "--force", "emptied", check=11)
    assert "symbolic link" in result.stderr
    assert machine.contents() == {"a.txt": b"1"}


def test_a_filtered_obstacle_is_not_reported(machine):
    machine.write("a.txt", b"1")
    machine.run("sync", check=0)
    make_socket(machine.bucket.path / "data/run.sock")
    machine.run("sync", "--exclude", "*.sock", check=0)
    assert failed(machine.run("sync", check=3)) == ["run.sock"]


def run_for_whom_modes_count(machine, *arguments):
    drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    command = machine.command(*arguments, "--json")
    return Result(subprocess.run((drop if os.geteuid() == 0 else []) + command,
                                 capture_output=True, cwd=machine.folder,
                                 env=machine.environment(), timeout=60))


def test_an_unreadable_folder_is_no_deletion(machine):
    for name in ("a.txt", "d/x.txt", "d/sub/y.txt", "z.txt"):
        machine.write(name, name)
    machine.run("sync", check=0)
    before = machine.contents()
    os.chmod(machine.bucket.path / "data/d", 0)
    result = run_for_whom_modes_count(machine, "sync")
    os.chmod(machine.bucket.path / "data/d", 0o755)
    assert (result.code, failed(result)) == (3, ["d/"]), result
    assert machine.contents() == before
    machine.run("sync", check=0)


@pytest.mark.parametrize("place", [make_socket, os.mkfifo])
def test_what_is_no_folder_here_is_no_deletion_there(machine, place):
    for name in ("d/x.txt", "d/sub/y.txt", "z.txt"):
        machine.write(name, name)
    machine.run("sync", check=0)
    shutil.rmtree(machine.root / "d")
    place(machine.root / "d")
    result = machine.run("sync", check=0)
    assert result.actions("delete_remote") == []
    assert machine.bucket.keys() == ["data/d/sub/y.txt", "data/d/x.txt", "data/z.txt"]


# A store that has gone
# ---------------------------------------------------------------------------------------------------

def take_bucket(machine):
    machine.bucket.path.rename(machine.folder / "moved")


def take_path(machine):
    machine.bucket.folder.rename(machine.folder / "moved")


def leave_mount_point(machine):
    take_bucket(machine)
    machine.bucket.path.mkdir()


def leave_empty_path(machine):
    take_path(machine)
    machine.bucket.folder.mkdir()


def everything_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("go", [take_bucket, take_path, leave_mount_point, leave_empty_path])
@pytest.mark.parametrize("command", ["sync", "upload", "download"])
def test_a_store_that_has_gone_is_not_filled(machine, go, command):
    machine.write("a.txt", b"1")
    machine.write("b.txt", b"2")
    machine.run("sync" if command != "upload" else "upload", check=0)
    if command == "download":
        machine.run("download", check=0)
    go(machine)
    there = everything_below(machine.bucket.folder) if machine.bucket.folder.exists() else None
    for arguments in ([], ["--dry-run"]):
        result = machine.run(command, *arguments, check=2)
        assert "ount" in result.stderr and "--force root" in result.stderr, result
    now = everything_below(machine.bucket.folder) if machine.bucket.folder.exists() else None
    assert now == there
    assert machine.contents() == {"a.txt": b"1", "b.txt": b"2"}


@pytest.mark.parametrize("go", [take_bucket, leave_mount_point])
def test_a_store_is_begun_anew_on_purpose(machine, go):
    machine.write("a.txt", b"1")
    machine.run("sync", check=0)
    go(machine)
    result = machine.run("sync", "--force", "root", check=0)
    assert result.actions() == [("upload", "a.txt")]
    assert machine.run("sync", check=0).actions() == []


def test_a_store_that_came_back_is_the_same(machine):
    machine.write("a.txt", b"1")
    machine.run("sync", check=0)
    take_bucket(machine)
    machine.run("sync", check=2)
    (machine.folder / "moved").rename(machine.bucket.path)
    assert machine.run("sync", check=0).actions() == []


def test_another_store_in_its_place_is_a_brake(machine, tmp_path):
    machine.write("a.txt", b"1")
    machine.write("gone.txt", b"2")
    machine.run("sync", check=0)
    elsewhere = Machine(tmp_path / "elsewhere", LocalBucket(tmp_path / "second"))
    elsewhere.write("a.txt", b"1")
    elsewhere.write("strange.txt", b"3")
    elsewhere.run("sync", check=0)
    take_bucket(machine)
    elsewhere.bucket.path.rename(machine.bucket.path)
    result = machine.run("sync", check=5)
    assert result.summary["brake"] == "root"
    assert sorted(machine.contents()) == ["a.txt", "gone.txt"]
    assert machine.bucket.keys() == ["data/a.txt", "data/strange.txt"]
    machine.run("sync", "--force", "root", check=0)
    names = ["a.txt", "gone.txt", "strange.txt"]
    assert sorted(machine.contents()) == names
    assert machine.bucket.keys() == [f"data/{name}" for name in names]
    machine.run("sync", check=0)


def forget_ids(machine):
    """The state in which the version before there were ids leaves store and database."""
    store = machine.bucket.path / ".cloudsync-store"
    (store / "id").unlink()
    shutil.rmtree(store / "aside", ignore_errors=True)
    with sqlite3.connect(machine.database) as database:
        database.execute("DELETE FROM meta WHERE k LIKE 'bucket_id:%'")


def test_a_store_without_an_id_gets_one_by_evidence(machine):
    for number in range(40):
        machine.write(f"f{number:02}", str(number).encode())
    machine.run("sync", check=0)
    forget_ids(machine)
    machine.bucket.write("data/f00", b"edited")
    machine.run("sync", check=0)
    assert machine.read("f00") == b"edited"
    assert (machine.bucket.path / ".cloudsync-store/id").exists()
    leave_mount_point(machine)
    machine.run("sync", check=2)


def test_a_store_without_an_id_and_without_evidence_is_refused(machine):
    for number in range(40):
        machine.write(f"f{number:02}", str(number).encode())
    machine.run("sync", check=0)
    forget_ids(machine)
    for number in range(10):
        machine.bucket.write(f"data/f{number:02}", b"edited")
    result = machine.run("sync", check=2)
    assert "of 40 objects looked for, 30 are as they were" in result.stderr
    assert not (machine.bucket.path / ".cloudsync-store/id").exists()
    machine.run("sync", "--force", "root", check=0)
    assert (machine.bucket.path / ".cloudsync-store/id").exists()
    assert len(machine.contents()) >= 40


def test_a_folder_of_others_is_only_read_by_downloads(machine):
    for number in range(40):
        machine.bucket.write(f"data/f{number:02}", str(number).encode())
    machine.run("download", check=0)
    for number in range(39):  # rewritten as a whole every night
        machine.bucket.write(f"data/f{number:02}", b"edited")
    machine.run("download", check=0)
    assert machine.read("f00") == b"edited"
    assert not (machine.bucket.path / ".cloudsync-store").exists()
    leave_mount_point(machine)
    machine.run("download", check=2)


# Others write at the worst moment
# ---------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def hook(tmp_path_factory):
    library = tmp_path_factory.mktemp("hook") / "rename_hook.so"
    source = pathlib.Path(__file__).with_name("rename_hook.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def hooked(machine, hook, at=None, run="", lacks=""):
    machine.extra_environment = {"LD_PRELOAD": str(hook), "HOOK_LACKS": lacks, "HOOK_RUN": run,
                                 "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
    if at:
        machine.extra_environment["HOOK_AT"] = at
    return machine


def unhooked(machine):
    machine.extra_environment = {}
    return machine


def write_command(path, content):
    """As careful programs write: a file beside, then a rename."""
    return f"printf '{content}' > '{path}.n' && mv '{path}.n' '{path}'"


def found_anywhere(content, *folders):
    return [str(path) for folder in folders for path in folder.rglob("*")
            if path.is_file() and path.read_bytes() == content]


def kept(machine):
    return sorted(path.read_bytes() for path in
                  (machine.bucket.path / ".cloudsync-store/kept").rglob("*") if path.is_file())


def prepared(machine):
    machine.write("d/a.txt", b"old")
    machine.write("z", b"z")
    machine.run("sync", check=0)
    return machine.bucket.path / "data/d/a.txt"


def test_a_write_just_before_the_exchange_survives(machine, hook):
    target = prepared(machine)
    machine.write("d/a.txt", b"mine")
    hooked(machine, hook, "exchange:1:before", write_command(target, "foreign"))
    machine.run("sync")
    assert found_anywhere(b"foreign", machine.root, machine.bucket.path)
    assert found_anywhere(b"mine", machine.root, machine.bucket.path)
    unhooked(machine).run("sync")
    assert found_anywhere(b"foreign", machine.root, machine.bucket.path)


def test_two_writes_around_the_exchange_survive(machine, hook):
    target = prepared(machine)
    machine.write("d/a.txt", b"mine")
    hooked(machine, hook, "exchange:1:",
           f"if grep -q old '{target}'; then {write_command(target, 'foreign1')};"
           f" else {write_command(target, 'foreign2')}; fi")
    machine.extra_environment["HOOK_AT"] = "exchange:1:before+after"
    result = machine.run("sync")
    assert found_anywhere(b"foreign2", machine.root, machine.bucket.path)
    assert kept(machine) == [b"foreign1"]
    assert "is kept as" in result.stderr


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1])
def test_a_kill_at_the_exchange_loses_nothing(machine, hook, when, number):
    target = prepared(machine)
    machine.write("d/a.txt", b"mine")
    hooked(machine, hook, f"exchange:{number}:{when}", "kill -9 $PPID")
    assert machine.run("sync").code == -9
    assert target.read_bytes() == (b"old" if when == "before" else b"mine")
    unhooked(machine).run("sync", check=0)
    assert target.read_bytes() == b"mine" and machine.read("d/a.txt") == b"mine"
    assert kept(machine) == []  # what was to go has gone
    assert everything_below(machine.bucket.path / ".cloudsync-store/aside") == []
    assert everything_below(machine.bucket.path / ".cloudsync-store/tmp") == []


def test_a_write_just_before_a_removal_survives(machine, hook):
    target = prepared(machine)
    (machine.root / "d/a.txt").unlink()
    hooked(machine, hook, "aside:1:before", write_command(target, "foreign"))
    machine.run("sync")
    assert target.read_bytes() == b"foreign"
    unhooked(machine).run("sync", check=0)
    assert machine.contents() == {"d/a.txt": b"foreign", "z": b"z"}


def test_two_writes_around_a_removal_survive(machine, hook):
    target = prepared(machine)
    (machine.root / "d/a.txt").unlink()
    hooked(machine, hook, "aside:1:before+after",
           f"if grep -q old '{target}'; then {write_command(target, 'foreign1')};"
           f" else {write_command(target, 'foreign2')}; fi")
    machine.run("sync")
    assert target.read_bytes() == b"foreign2"
    assert kept(machine) == [b"foreign1"]


def test_a_kill_at_a_removal_loses_nothing(machine, hook):
    target = prepared(machine)
    (machine.root / "d/a.txt").unlink()
    hooked(machine, hook, "aside:1:after", "kill -9 $PPID")
    assert machine.run("sync").code == -9
    assert not target.exists()
    other = Machine(machine.folder / "other", machine.bucket)
    other.run("sync", check=0)  # opens the store
    assert target.read_bytes() == b"old"
    assert other.contents() == {"d/a.txt": b"old", "z": b"z"}
    unhooked(machine).run("sync", check=0)
    assert machine.contents().get("d/a.txt", b"old") == b"old"
    assert ("d/a.txt" in machine.contents()) == target.exists()


@pytest.mark.parametrize("lacks", ["flags", "flags links"])
def test_a_file_system_without_rename_flags_will_do(machine, hook, lacks):
    hooked(machine, hook, lacks=lacks)
    for number in range(10):
        machine.write(f"d/f{number}", b"old")
    machine.run("upload", check=0)
    for number in range(5):
        machine.write(f"d/f{number}", b"changed")
    for number in range(5, 8):
        (machine.root / f"d/f{number}").unlink()
    machine.run("upload", "--delete", check=0)
    assert {key: machine.bucket.read(key) for key in machine.bucket.keys()} == {
        **{f"data/d/f{n}": b"changed" for n in range(5)},
        **{f"data/d/f{n}": b"old" for n in range(8, 10)}}
    assert everything_below(machine.bucket.path / ".cloudsync-store/aside") == []
    assert kept(machine) == []


def test_without_rename_flags_a_foreign_write_survives(machine, hook):
    target = prepared(machine)
    machine.write("d/a.txt", b"mine")
    # The old object has its second name by now; its place is about to be taken.
    hooked(machine, hook, "plain:1:before", "true", lacks="flags")
    machine.run("upload", check=0)
    (machine.root / "d/a.txt").unlink()
    hooked(machine, hook, "aside:1:before", write_command(target, "foreign"), lacks="flags")
    machine.run("upload", "--delete")
    assert found_anywhere(b"foreign", machine.bucket.path)


@pytest.mark.parametrize("what", ["edit", "delete"])
def test_an_object_that_a_program_is_writing_stays(machine, what):
    target = prepared(machine)
    with open(target, "r+b", buffering=0) as writer:
        if what == "edit":
            machine.write("d/a.txt", b"mine")
        else:
            (machine.root / "d/a.txt").unlink()
        machine.run("sync")
        writer.write(b"late")
    assert found_anywhere(b"late", machine.root, machine.bucket.path)
    machine.run("sync")
    assert found_anywhere(b"late", machine.root, machine.bucket.path)


# Stores of the version before
# ---------------------------------------------------------------------------------------------------

def write_as_before(bucket, key, content, mtime):
    """An object with its record, as the version before there were ids writes them."""
    bucket.write(key, content)
    store = bucket.path / ".cloudsync-store"
    for folder in ("tmp", "locks", "records", "uploads"):
        (store / folder).mkdir(parents=True, exist_ok=True)
    stat = os.stat(bucket.path / key)
    record = {"ino": stat.st_ino, "size": stat.st_size, "mtime": stat.st_mtime_ns,
              "ctime": stat.st_ctime_ns, "md5": hashlib.md5(content).hexdigest(),
              "content_type": "text/plain", "metadata": {"mtime": mtime}}
    digest = hashlib.sha256(key.encode()).hexdigest()
    place = store / "records" / digest[:2] / f"{digest}.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps({"format": 1, "key": key, "versions": [record]}))
    return place


def test_a_store_of_the_version_before_opens(machine):
    write_as_before(machine.bucket, "data/a.txt", b"one", "1600000000.123456789")
    write_as_before(machine.bucket, "data/d/b.txt", b"two", "1600000001.000000000")
    machine.run("sync", check=0)
    assert machine.tree()["a.txt"] == (b"one", 1600000000123456789)
    machine.write("a.txt", b"edited")
    (machine.root / "d/b.txt").unlink()
    machine.run("sync", "--force", "max-delete", check=0)
    assert machine.bucket.keys() == ["data/a.txt"]
    assert machine.bucket.read("data/a.txt") == b"edited"


@pytest.mark.parametrize("damage", ["torn", "empty", "foreign", "other-key", "folder", "fifo",
                                    "link", "huge"])
def test_a_damaged_record_costs_only_metadata(machine, damage):
    record = write_as_before(machine.bucket, "data/a.txt", b"one", "1600000000.0")
    text = record.read_text()
    record.unlink()
    if damage == "folder":
        record.mkdir()
    elif damage == "fifo":
        os.mkfifo(record)
    elif damage == "link":
        (machine.folder / "elsewhere").write_text(text)
        record.symlink_to(machine.folder / "elsewhere")
    else:
        record.write_text({"torn": text[:-9], "empty": "", "foreign": "[1, {}]",
                           "other-key": text.replace("a.txt", "b.txt"),
                           "huge": "[" * 3_000_000}[damage])
    machine.run("sync", check=0)
    content, mtime = machine.tree()["a.txt"]
    assert content == b"one" and mtime != 1600000000000000000
    if damage != "folder":
        machine.write("a.txt", b"edited")
        machine.run("sync", check=0)
        assert machine.bucket.read("data/a.txt") == b"edited"


# Odd file systems below the bucket
# ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("switches", [POOR, ("fold_case",), ("fold_normal",)], ids=str)
def test_a_bucket_on_an_odd_file_system(machine, tmp_path, odd_mount, switches):
    mount = odd_mount(machine.bucket.folder, *switches)
    for name in ("a.txt", "d/b.txt", "d/c.txt"):
        machine.write(name, b"old")
    machine.run("sync", check=0)
    assert machine.run("sync", check=0).actions() == []
    mount.remount()
    assert machine.run("sync", check=0).actions() == []
    machine.write("a.txt", b"new!")
    (machine.root / "d/c.txt").unlink()
    machine.run("sync", check=0)
    other = Machine(tmp_path / "other", machine.bucket)
    other.run("sync", check=0)
    assert other.contents() == {"a.txt": b"new!", "d/b.txt": b"old"}
    other.write("a.txt", b"from there")
    other.run("sync", check=0)
    result = machine.run("sync", check=0)
    assert result.summary["conflicts"] == 0
    assert machine.read("a.txt") == b"from there"


def test_two_keys_never_share_a_file(machine, odd_mount):
    odd_mount(machine.bucket.folder, "fold_case")
    machine.write("A.txt", b"upper")
    machine.write("Dir/x", b"1")
    machine.run("sync", check=0)
    machine.write("a.txt", b"lower")
    machine.write("dir/y", b"2")
    for _ in range(2):
        result = machine.run("sync", check=3)
        assert failed(result) == ["a.txt", "dir/y"]
    assert machine.bucket.keys() == ["data/A.txt", "data/Dir/x"]
    assert machine.bucket.read("data/A.txt") == b"upper"
    assert machine.read("a.txt") == b"lower" and machine.read("A.txt") == b"upper"
    (machine.root / "A.txt").unlink()
    (machine.root / "dir/y").unlink()
    machine.run("sync")
    machine.run("sync", check=0)
    assert machine.bucket.read("data/a.txt") == b"lower"


def test_a_name_that_is_written_otherwise_is_refused(machine, odd_mount):
    odd_mount(machine.bucket.folder, "fold_normal", "store_decomposed")
    composed = "caf\u00e9.txt"
    machine.write(composed, b"1")
    machine.write("plain.txt", b"2")
    for _ in range(2):
        result = machine.run("sync")
        assert machine.contents() == {composed: b"1", "plain.txt": b"2"}, result
    assert len(machine.bucket.keys()) <= 2
