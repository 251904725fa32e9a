# SPDX-License-Identifier: Apache-2.0
"""Which state database keeps a folder: a second one is never begun in silence."""
import fcntl
import json
import os
import shutil
import signal
import sqlite3
import time

import pytest

from buckets import LocalBucket
from conftest import Machine


@pytest.fixture
def here(tmp_path):
    return Machine(tmp_path / "a", LocalBucket(tmp_path / "cloud"))


def use_database(machine, path):
    machine.database = path
    machine.configure()


def marker(machine):
    return machine.root / ".cloudsync" / "root.json"


def claims(machine):
    if marker(machine).exists():
        return json.loads(marker(machine).read_text())["databases"]
    files = list((machine.folder / ".local/state/cloudsync/roots").glob("*.json"))
    assert len(files) == 1
    return json.loads(files[0].read_text())["databases"]


def rewrite_claims(machine, **changes):
    document = json.loads(marker(machine).read_text())
    for claim in document["databases"]:
        claim.update(changes)
    marker(machine).write_text(json.dumps(document))


def test_a_new_database_is_announced_with_its_absolute_path(here):
    here.write("f")
    use_database(here, "relative.db")
    result = here.run("sync", check=0)
    assert str(here.folder / "relative.db") in result.stderr
    assert "relative.db" not in here.run("sync", check=0).stderr


@pytest.mark.parametrize("command", ["sync", "download", "upload"])
def test_a_second_database_is_refused_while_the_first_exists(here, command):
    """As under cron, where a relative sync_state_db lies elsewhere."""
    here.write("f")
    first = here.database
    here.run("upload" if command == "upload" else "sync", check=0)
    assert [claim["path"] for claim in claims(here)] == [str(first)]
    use_database(here, here.folder / "second.db")
    (here.root / "f").unlink()
    for args in ((), ("--dry-run",)):
        result = here.run(command, *args, check=2)
        assert str(first) in result.stderr and str(here.database) in result.stderr
        assert "--force state" in result.stderr
    assert here.bucket.keys() == ["data/f"] and here.contents() == {}
    here.run(command, "--force", "state", check=0)
    here.run(command, check=0)
    assert [claim["path"] for claim in claims(here)] == [str(here.database)]
    assert here.bucket.keys() == ["data/f"]


def test_a_database_that_comes_back_is_not_believed(tmp_path, minio_bucket):
    """Its rows are from before the other one's time: an object that was restored since has the
    ETag that they remember."""
    here = Machine(tmp_path / "a", minio_bucket)
    first = here.database
    here.write("f", b"one")
    here.run("sync", check=0)
    use_database(here, here.folder / "second.db")
    here.write("f", b"two")
    here.run("sync", "--force", "state", "--conflict-strategy", "local_wins", check=0)
    assert here.bucket.read("data/f") == b"two"
    here.bucket.write("data/f", b"one")
    use_database(here, first)
    here.run("sync", "--force", "state", check=0)
    values = set(here.contents().values()) | {here.bucket.read(key) for key in here.bucket.keys()}
    assert values == {b"one", b"two"}


def test_an_upload_after_a_sync_is_refused_too(here):
    here.write("f")
    here.run("sync", check=0)
    use_database(here, here.folder / "second.db")
    here.run("upload", check=2)


@pytest.mark.parametrize("command", ["sync", "upload"])
def test_a_moved_database_is_followed(here, command):
    here.write("f")
    here.run(command, check=0)
    moved = here.folder / "elsewhere" / "state.db"
    moved.parent.mkdir()
    for path in here.folder.glob("state.db*"):
        path.rename(moved.parent / path.name)
    use_database(here, moved)
    result = here.run(command, check=0)
    assert result.summary["unchanged"] == 1 and result.summary["state"] is None
    assert [claim["path"] for claim in claims(here)] == [str(moved)]


@pytest.mark.parametrize("command", ["sync", "upload", "download"])
def test_a_lost_database_is_rebuilt_without_deletions(here, command):
    for number in range(3):
        here.write(f"f{number}")
    here.run(command if command != "download" else "sync", check=0)
    for path in here.folder.glob("state.db*"):
        path.unlink()
    (here.root / "f0").unlink()
    here.bucket.delete("data/f1")
    here.write("mine", b"x")
    here.bucket.write("data/theirs", b"x")
    args = () if command == "sync" else ("--mirror",)
    result = here.run(command, *args, check=0)
    assert result.summary["state"] == "rebuilt"
    assert result.summary["deleted_local"] == result.summary["deleted_remote"] == 0
    assert str(here.database) in result.stderr and "gone" in result.stderr
    assert result.stderr.count("is gone") == 1
    assert {"f1", "f2", "mine"} <= set(here.contents())
    assert {"data/f0", "data/f2", "data/theirs"} <= set(here.bucket.keys())
    again = here.run(command, check=0)
    assert again.summary["state"] is None and "gone" not in again.stderr


def test_another_hosts_database_is_refused(here):
    here.write("f")
    here.run("sync", check=0)
    rewrite_claims(here, host="0123456789abcdef", host_name="elsewhere", database_id="f" * 32,
                   path="/gone/state.db")
    result = here.run("sync", check=2)
    assert "elsewhere" in result.stderr and "/gone/state.db" in result.stderr
    here.run("sync", "--force", "state", check=0)
    here.run("sync", check=0)


def test_a_marker_of_the_version_before_is_completed_in_silence(here):
    here.write("f")
    here.run("sync", check=0)
    document = json.loads(marker(here).read_text())
    del document["databases"]
    marker(here).write_text(json.dumps(document))
    result = here.run("sync", check=0)
    assert result.summary["state"] is None and result.stderr == ""
    assert [claim["path"] for claim in claims(here)] == [str(here.database)]


def test_other_prefixes_may_have_other_databases(here):
    here.write("f")
    here.run("upload", check=0)
    use_database(here, here.folder / "second.db")
    here.run("upload", prefix="other/", check=0)
    assert here.bucket.keys() == ["data/f", "other/f"]


def test_a_home_that_cannot_be_written_is_no_obstacle(here):
    here.extra_environment = {"XDG_STATE_HOME": "/dev/null/state"}
    here.write("f")
    here.run("upload", check=0)
    assert here.run("upload", check=0).stderr == ""


def test_a_damaged_marker_list_is_as_none(here):
    here.write("f")
    here.run("sync", check=0)
    for odd in (7, "x", [1, {}], [{"database_id": 5}], {"a": []}):
        document = json.loads(marker(here).read_text())
        document["databases"] = odd
        marker(here).write_text(json.dumps(document))
        here.run("sync", check=0)


@pytest.mark.alone
@pytest.mark.parametrize("how, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_wait_for_a_held_database(here, how, code):
    here.write("f")
    here.run("sync", check=0)
    holder = sqlite3.connect(here.database, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        process = here.start("sync")
        wait_until_open(process, here.database)
        begin = time.monotonic()
        process.send_signal(how)
        assert process.wait(timeout=30) == code
        assert time.monotonic() - begin < 2
    finally:
        holder.close()
        process.kill()
    here.run("sync", check=0)


def wait_until_open(process, path):
    """The program has the database open, and so waits for it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for entry in os.scandir(f"/proc/{process.pid}/fd"):
            try:
                if os.readlink(entry.path) == str(path):
                    return
            except FileNotFoundError:
                pass
        time.sleep(0.01)
    raise AssertionError("the database was never opened")


def test_a_second_run_of_the_pair_ends_at_once(here):
    here.write("f")
    here.run("sync", check=0)
    lock = next(path for path in here.folder.glob("state.db.*.lock"))
    with open(lock, "r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = here.run("sync", check=7)
    assert str(lock) in result.stderr


def test_the_database_copied_with_its_folder_to_another_place(here, tmp_path):
    """A backup of everything, brought back elsewhere: its own folder, its own pair."""
    here.write("f")
    here.run("sync", check=0)
    copy = tmp_path / "copy"
    shutil.copytree(here.folder, copy)
    other = Machine.__new__(Machine)
    other.__dict__.update(here.__dict__)
    other.folder, other.root, other.config_file = copy, copy / "root", copy / "cloudsync.yaml"
    other.database = copy / "state.db"
    other.configure()
    other.run("sync", check=0)
    assert here.run("sync", check=0).summary["unchanged"] == 1
