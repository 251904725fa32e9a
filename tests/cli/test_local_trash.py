# SPDX-License-Identifier: Apache-2.0
"""What a run replaces or deletes here stays recoverable, however it is written to, and for how long."""
import os
import pathlib
import shutil
import stat
import struct
import subprocess
import threading

import pytest

import mounts

from buckets import LocalBucket, MinioBucket
from conftest import Machine, stop
from gates import HOP_HEADERS, Loopback, forward
from servers import await_condition


@pytest.fixture
def bucket(tmp_path):
    return LocalBucket(tmp_path / "cloud")


def trash(machine):
    """path in the trash -> content"""
    top = machine.root / ".cloudsync/trash"
    return {str(path.relative_to(top)): path.read_bytes()
            for path in top.rglob("*") if path.is_file()}


def in_step(machine, other, **files):
    for name, content in files.items():
        machine.write(name, content)
    machine.run("sync", check=0)
    other.run("sync", check=0)


def test_replaced_file_stays_in_the_trash(machine, other):
    in_step(machine, other, f=b"first", gone=b"deleted")
    machine.write("f", b"second, longer")
    (machine.root / "gone").unlink()
    machine.run("sync", check=0)
    other.run("sync", check=0)
    assert other.contents() == {"f": b"second, longer"}
    kept = trash(other)
    assert sorted(kept.values()) == [b"deleted", b"first"]
    [replaced] = [path for path, content in kept.items() if content == b"first"]
    assert replaced.endswith("~replaced/f")
    [ref] = [ref.decode() for action, ref in other.query(
        "SELECT key, trash_ref FROM operations WHERE length(trash_ref) > 0") if action == b"f"]
    assert ref == ".cloudsync/trash/" + replaced


@pytest.mark.parametrize("how", ["replaced", "deleted"])
def test_a_program_that_holds_the_file_open_finds_its_writes(machine, other, how):
    in_step(machine, other, f=b"first", g=b"stays")
    with open(other.root / "f", "r+b") as held:
        before = os.fstat(held.fileno())
        if how == "replaced":
            machine.write("f", b"second, longer")
        else:
            (machine.root / "f").unlink()
        machine.run("sync", check=0)
        other.run("sync", check=0)
        held.write(b"FIRST")
        held.flush()
        os.utime(held.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert list(trash(other).values()) == [b"FIRST"]
    other.run("sync", check=0)
    assert list(trash(other).values()) == [b"FIRST"]


class HeldObject:
    """MinIO behind a gate at which the download of one object waits."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.action = None
        self.loopback = Loopback(self.answer)
        self.endpoint = self.loopback.url

    def answer(self, method, target, headers, body):
        if self.action and method == "GET" and target.split("?")[0].endswith("/" + self.name):
            action, self.action = self.action, None
            action()
        headers = {name: value for name, value in headers.items()
                   if name not in HOP_HEADERS or name == "host"}
        return forward(self.server.endpoint, method, target, headers, body)


def test_without_trash_an_edit_during_the_run_is_kept(tmp_path, minio, machine):
    """`trash: false`: a.txt is replaced first; while z.txt is on its way, somebody writes to the old
    a.txt and restores its time."""
    gate = HeldObject(minio, "z.txt")
    bucket = MinioBucket(minio)
    writer = Machine(tmp_path / "w", bucket)
    reader = Machine(tmp_path / "r", bucket, trash=False, max_workers=1, durability="none",
                     storage={"endpoint_url": gate.endpoint})
    writer.write("a.txt", b"first")
    writer.write("b.txt", b"first of b")
    writer.write("z.txt", b"first of z")
    writer.run("sync", check=0)
    reader.run("sync", check=0)
    for name in ("a.txt", "b.txt", "z.txt"):
        writer.write(name, b"the second version")
    writer.run("sync", check=0)
    with open(reader.root / "a.txt", "r+b") as held:
        before = os.fstat(held.fileno())

        def edit():
            await_condition(lambda: reader.read("a.txt") == b"the second version", "a.txt replaced")
            held.write(b"FIRST")
            held.flush()
            os.utime(held.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))

        gate.action = edit
        result = reader.run("sync", check=0)
    assert reader.contents() == {name: b"the second version" for name in ("a.txt", "b.txt", "z.txt")}
    assert list(trash(reader).values()) == [b"FIRST"]
    assert "kept" in result.stderr and "a.txt" in result.stderr
    gate.loopback.stop()


def test_without_trash_nothing_is_left_behind(machine, other):
    other.configure(trash=False)
    in_step(machine, other, f=b"first", gone=b"deleted")
    machine.write("f", b"second, longer")
    (machine.root / "gone").unlink()
    machine.run("sync", check=0)
    other.run("sync", check=0)
    assert other.contents() == {"f": b"second, longer"}
    assert list((other.root / ".cloudsync/trash").iterdir()) == []


def test_nothing_kept_shares_an_inode_with_a_live_file(machine, other):
    """Hard links of the person: writing to one name must not reach the trash or a conflict copy."""
    in_step(machine, other, replaced=b"1 first", removed=b"2 first", forked=b"3 first")
    for name in ("replaced", "removed", "forked"):
        os.link(other.root / name, other.folder / name)
    machine.write("replaced", b"1 second, longer")
    (machine.root / "removed").unlink()
    machine.write("forked", b"3 theirs, longer")
    machine.run("sync", check=0)
    with open(other.folder / "forked", "r+b") as file:
        file.write(b"3 MINE!")
    other.run("sync", "--conflict-strategy", "version_preserve", check=0)
    for name in ("replaced", "removed", "forked"):
        (other.folder / name).write_bytes(b"written through another name")
    [copy] = [path for path in other.contents() if "cloudsync-conflict" in path]
    assert other.read(copy) == b"3 MINE!"
    assert other.read("forked") == b"3 theirs, longer"
    kept = trash(other)
    assert b"1 first" in kept.values() and b"2 first" in kept.values()
    assert b"written through another name" not in kept.values()
    for path in kept:
        assert (other.root / ".cloudsync/trash" / path).stat().st_nlink == 1


CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 7, 0, 0, 0)  # cap_setuid+ep


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_privileges_never_pass_to_content_of_the_bucket(machine, other):
    in_step(machine, other, tool=b"#!/bin/sh\n")
    tool = other.root / "tool"
    os.setxattr(tool, "user.note", b"mine")
    os.chown(tool, 1234, 1234)
    os.chmod(tool, 0o7755)
    os.setxattr(tool, "security.capability", CAPABILITY)
    machine.write("tool", b"#!/bin/sh\necho from the bucket\n")
    machine.run("sync", check=0)
    other.run("sync", check=0)
    assert tool.read_bytes() == b"#!/bin/sh\necho from the bucket\n"
    status = tool.stat()
    assert stat.S_IMODE(status.st_mode) == 0o755
    assert (status.st_uid, status.st_gid) == (1234, 1234)
    assert os.listxattr(tool) == ["user.note"]


def test_temporary_files_of_a_killed_run_go_with_the_next_complete_one(machine, other):
    in_step(machine, other, f=b"first")
    tmp = other.root / ".cloudsync/tmp"
    (tmp / "0123456789abcdef0123456789abcdef.part").write_bytes(b"x" * 1000)
    (tmp / "somebody's").write_bytes(b"not ours")
    other.run("upload", check=0)
    assert len(list(tmp.iterdir())) == 2  # an upload writes nothing below the root
    other.run("sync", check=0)
    assert [path.name for path in tmp.iterdir()] == ["somebody's"]


def test_parts_of_an_object_that_is_gone_go_too(machine, other):
    """Killed in the middle of a large download, and then the object is deleted."""
    parts = "SELECT count(*) FROM parts"
    for one in (machine, other):
        one.configure(storage={"multipart_threshold": "8MiB"}, max_workers=2)
    machine.write("small", b"x")
    machine.write("big", os.urandom(1 << 20) * 96)
    machine.run("upload", check=0)
    process = other.start("download")
    await_condition(lambda: (other.query(parts) or [(0,)])[0][0] >= 2, "two parts")
    stop(process)
    if other.query("SELECT count(*) FROM transfers") == [(0,)]:
        pytest.skip("the download was faster than the kill")
    tmp = other.root / ".cloudsync/tmp"
    assert sum(path.stat().st_size for path in tmp.iterdir()) >= 96 << 20
    machine.bucket.delete("data/big")
    other.run("download", check=0)
    assert list(tmp.iterdir()) == []
    assert other.query("SELECT count(*) FROM transfers") == [(0,)]


def test_limit_evicts_replaced_files_of_earlier_runs_only(machine, other):
    other.configure(trash_limit="25kB")
    in_step(machine, other, f=b"0" * 10_000, gone=b"d" * 50_000)
    (machine.root / "gone").unlink()
    for version in range(1, 6):
        machine.write("f", b"%d" % version * 10_000)
        machine.run("sync", check=0)
        other.run("sync", check=0)
    kept = [content[:1] for content in trash(other).values()]
    assert sorted(kept) == [b"3", b"4", b"d"]


def test_limit_is_checked(machine):
    machine.configure(trash_limit="5 apples")
    result = machine.run("config", "check")
    assert result.code == 2
    assert "trash_limit" in result.stderr and "5% or 20GB" in result.stderr


POOR = mounts.POOR
LACKING = [(), ("no_rename_flags",), ("no_rename_flags", "no_links"), POOR]


def lacking(switches):
    return "+".join(switches) if len(switches) < 3 else "poor"


@pytest.mark.parametrize("switches", LACKING[1:], ids=lacking)
def test_file_systems_that_lack_something_replace_and_delete_alike(machine, other, odd_mount,
                                                                   switches):
    odd_mount(other.root, *switches)
    in_step(machine, other, f=b"first", gone=b"deleted", **{"d/e/deep": b"deep", "fork": b"base"})
    machine.write("f", b"second, longer")
    machine.write("d/e/new", b"new")
    machine.write("fork", b"theirs, edited")
    (machine.root / "gone").unlink()
    machine.run("sync", check=0)
    other.write("fork", b"ours")
    result = other.run("sync", "--conflict-strategy", "version_preserve", check=0)
    assert result.summary["failed"] == 0
    [copy] = [path for path in other.contents() if "cloudsync-conflict" in path]
    assert other.read(copy) == b"ours"
    machine.run("sync", check=0)
    assert other.contents() == machine.contents()
    assert sorted(trash(other).values()) == [b"deleted", b"first"]
    assert other.run("sync", check=0).actions() == []
    assert list((other.root / ".cloudsync/tmp").iterdir()) == []


class Editor(threading.Thread):
    """Saves one file after the other, as editors do: a new file is renamed over the name."""

    def __init__(self, root, names):
        super().__init__(daemon=True)
        self.root = root
        self.names = names
        self.saved = {}
        self.done = threading.Event()

    def run(self):
        for turn in range(1000):
            for name in self.names:
                if self.done.is_set():
                    return
                content = b"saved %d of %s" % (turn, name.encode())
                draft = self.root / ".cloudsync/draft"
                draft.write_bytes(content)
                target = self.root / name
                if target.exists():
                    os.rename(draft, target)
                    self.saved.setdefault(name, []).append(content)

    def stop(self):
        self.done.set()
        self.join()


@pytest.mark.parametrize("switches", LACKING, ids=lacking)
@pytest.mark.parametrize("how", ["replaced", "deleted"])
def test_what_an_editor_saves_meanwhile_is_never_lost(machine, other, odd_mount, switches, how):
    """Every value that was under a name when the run took it away is there afterwards: live, under
    a conflict name or in the trash."""
    names = [f"f{number:03}" for number in range(150)]
    if switches:
        odd_mount(other.root, *switches)
    in_step(machine, other, keep=b"x", **{name: b"first" for name in names})
    for name in names:
        if how == "replaced":
            machine.write(name, b"second, longer")
        else:
            (machine.root / name).unlink()
    machine.run("sync", "--force", "max-delete", check=0)
    editor = Editor(other.root, names)
    editor.start()
    other.run("sync", "--force", "max-delete")
    editor.stop()
    kept = {path.read_bytes() for path in other.root.rglob("*") if path.is_file()}
    lost = [values[-1] for values in editor.saved.values() if values[-1] not in kept]
    cloud = {machine.bucket.read(key) for key in machine.bucket.keys()}
    assert [value for value in lost if value not in cloud] == []


# As the version before left them: losers and deletions together, overflow folders beside.
LANDED = {"20200102T030405Z-0a1b2c": {"d/deleted": b"old 1"},
          "20200102T030405Z-0a1b2c~2": {"d/deleted": b"old 2"}}


def landed_trash(machine, age_days):
    """As the version before left it, that long ago. A folder's ctime cannot be set: a short
    retention stands for a long time."""
    top = machine.root / ".cloudsync/trash"
    for run, files in LANDED.items():
        for path, content in files.items():
            target = top / run / path
            target.parent.mkdir(parents=True)
            target.write_bytes(content)
    machine.configure(trash_retention="1ms" if age_days else "30d")


def test_trash_of_the_version_before_is_kept_and_purged(machine, other):
    in_step(machine, other, f=b"first")
    landed_trash(other, 0)
    foreign = other.root / ".cloudsync/trash/notes"
    foreign.mkdir()
    (foreign / "a").write_bytes(b"somebody's")
    other.run("sync", check=0)
    assert sorted(trash(other).values()) == [b"old 1", b"old 2", b"somebody's"]
    other.configure(trash_retention="1ms")
    other.run("sync", check=0)
    assert list(trash(other).values()) == [b"somebody's"]


FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
needs_faketime = pytest.mark.skipif(not os.path.exists(FAKETIME), reason="package libfaketime")


def shift_clock(machine, shift):
    """The program's clock, file times left alone."""
    machine.extra_environment = {"LD_PRELOAD": FAKETIME, "FAKETIME": shift, "NO_FAKE_STAT": "1",
                                 "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                                 "ASAN_OPTIONS": "verify_asan_link_order=0"}


@needs_faketime
@pytest.mark.parametrize("shift", ["+40d", "-40d"])
def test_a_clock_forty_days_off_empties_no_trash(machine, other, shift):
    in_step(machine, other, f=b"first", gone=b"deleted")
    machine.write("f", b"second, longer")
    (machine.root / "gone").unlink()
    machine.run("sync", check=0)
    other.run("sync", check=0)
    landed_trash(other, 0)
    before = trash(other)
    shift_clock(other, shift)
    result = other.run("sync", check=0)
    assert trash(other) == before and len(before) == 4
    assert "nothing" in result.stderr and "trash" in result.stderr


@needs_faketime
def test_an_edit_in_the_tick_of_the_recorded_one_is_seen_by_the_clock_of_the_files(machine):
    """Our clock is an hour ahead: by it every time of a file is long ago, and by the file system's own
    the file was written this instant, so that its stat proves nothing yet."""
    machine.write("old", b"old")
    os.utime(machine.root / "old", (1, 1))
    machine.run("sync", check=0)
    shift_clock(machine, "+1h")
    machine.write("new", b"new")
    machine.run("sync", check=0)
    racy = 1
    [(flags,)] = machine.query("SELECT flags FROM entries WHERE key = ?", b"new")
    assert flags & racy


@pytest.fixture
def mounted(other):
    """A tmpfs at `mnt` in the other machine's root."""
    point = other.root / "mnt"
    point.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "none", str(point)], capture_output=True)
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    yield point
    subprocess.run(["umount", str(point)], check=True)


def test_a_mount_below_the_root_has_its_own_trash(machine, other, mounted):
    in_step(machine, other, **{"mnt/f": b"first", "mnt/gone": b"deleted", "top": b"x"})
    assert other.contents() == machine.contents()
    machine.write("mnt/f", b"second, longer")
    machine.write("mnt/d/new", b"new")
    (machine.root / "mnt/gone").unlink()
    machine.run("sync", check=0)
    other.run("sync", check=0)
    assert other.contents() == machine.contents()
    own = mounted / ".cloudsync/trash"
    kept = sorted(path.read_bytes() for path in own.rglob("*") if path.is_file())
    assert kept == [b"deleted", b"first"]
    assert list((other.root / ".cloudsync/tmp").iterdir()) == []
    other.configure(trash_retention="1ms")
    other.run("sync", check=0)
    assert [path for path in own.rglob("*") if path.is_file()] == []
    shutil.rmtree(mounted / ".cloudsync")
    assert other.run("sync", check=0).actions() == []


def test_short_space_names_the_trash(machine, other, tmp_path):
    point = other.root
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(point)],
                          capture_output=True)
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        in_step(machine, other, f=os.urandom(3 << 20))
        machine.write("f", os.urandom(3 << 20))
        machine.run("sync", check=0)
        other.run("sync", check=0)
        machine.write("f", os.urandom(4 << 20))
        machine.run("sync", check=0)
        before = other.contents()
        result = other.run("sync", check=3)
        assert "holds 3145728 bytes" in result.stderr and "trash_limit" in result.stderr
        assert other.contents() == before
        assert len(trash(other)) == 1
    finally:
        subprocess.run(["umount", str(point)], check=True)
