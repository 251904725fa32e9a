# SPDX-License-Identifier: Apache-2.0
"""What the version before left behind: its database, roots with marker and trash, and a `local` store.

tests/fixtures/landed/landed.tar.gz was made by that version (make beside it says how)."""
import json
import os
import sqlite3
import tarfile

import pytest

from buckets import LocalBucket
from conftest import ROOT, Machine

ARCHIVE = ROOT / "tests/fixtures/landed/landed.tar.gz"
FORMER = b"/tmp/cloudsync-landed"
RUNS = (("sync", "both", "data/"), ("upload", "up", "up/"), ("download", "down", "up/"))


class Landed:
    """The unpacked tree, as if it had been moved here with its inodes."""

    def __init__(self, folder):
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(folder)
        self.folder = folder
        self.database = folder / "state.db"
        self.machine = Machine(folder / "machine", LocalBucket(folder / "cloud"))
        self.machine.database = self.database
        self.machine.configure()
        self.renew_records()
        self.move_paths()

    def renew_records(self):
        """The store knows an object by inode and times, which no archive keeps."""
        bucket = self.folder / "cloud/bucket"
        for path in (bucket / ".cloudsync-store/records").rglob("*.json"):
            record = json.loads(path.read_text())
            target, version = bucket / record["key"], record["versions"][0]
            if not target.exists() or target.stat().st_size != version["size"]:
                continue  # deleted or replaced behind the store's back
            os.utime(target, ns=(version["mtime"], version["mtime"]))
            stat = target.stat()
            version.update(ino=stat.st_ino, ctime=stat.st_ctime_ns)
            path.write_text(json.dumps(record))

    def move_paths(self):
        tokens = {line["path"]: line["etag"] for line in self.command("ls", check=0).lines}
        with sqlite3.connect(self.database) as db:
            for pair in db.execute("SELECT pair_id, local_root, container, prefix FROM pairs").fetchall():
                self.move_pair(db, tokens, *pair)
        db.close()

    def move_pair(self, db, tokens, pair, root, container, prefix):
        moved = root.replace(FORMER, os.fsencode(self.folder))
        stat = os.stat(moved)
        db.execute("UPDATE pairs SET local_root=?, container=?, root_dev=?, root_ino=? WHERE pair_id=?",
                   (moved, container.replace(FORMER, os.fsencode(self.folder)), stat.st_dev, stat.st_ino,
                    pair))
        for key, mtime in db.execute("SELECT key, l_mtime FROM entries WHERE pair_id=? AND kind=0",
                                     (pair,)).fetchall():
            if key == b"contested.txt":
                continue
            os.utime(moved + b"/" + key, ns=(mtime, mtime))
            db.execute("UPDATE entries SET r_token=? WHERE pair_id=? AND key=?",
                       (tokens[(prefix + key).decode()].encode(), pair, key))

    def command(self, name, *args, **kwargs):
        return self.machine.run(name, *args, **kwargs)

    def transfer(self, command, root, prefix, *args, **kwargs):
        self.machine.root = self.folder / root
        return self.machine.run(command, *args, prefix=prefix, **kwargs)

    def files(self):
        """Everything of the roots and the bucket, trashes included."""
        found = {}
        for part in ("both", "up", "down", "cloud"):
            for path in (self.folder / part).rglob("*"):
                name = str(path.relative_to(self.folder))
                own = "/.cloudsync-store/" in name or name.endswith((".json", "/lock", ".gitignore"))
                if path.is_file() and not own:
                    found[name] = path.read_bytes()
        return found

    def version(self):
        """PRAGMA user_version, from the file's header: opening it would leave files beside it."""
        return int.from_bytes(self.database.read_bytes()[60:64], "big")


@pytest.fixture
def landed(tmp_path):
    return Landed(tmp_path)


def test_reading_commands_leave_the_database_as_it_is(landed):
    before, database = landed.files(), landed.database.read_bytes()
    assert landed.version() == 1
    status = landed.command("status", "--verbose", check=0)
    assert {line["local_dir"] for line in status.lines if "local_dir" in line} == {
        str(landed.folder / name) for name in ("both", "up", "down")}
    (conflict,) = landed.command("conflicts", "list", check=0).lines
    assert conflict["path"] == "contested.txt"
    for command, root, prefix in RUNS:
        args = ("--conflict-strategy", "manual") if command == "sync" else ()
        result = landed.transfer(command, root, prefix, "--dry-run", *args)
        assert result.code == (4 if command == "sync" else 0), result
        moved = result.actions("upload", "download", "delete_local", "delete_remote", status="planned")
        assert moved == [], result
    assert landed.files() == before
    assert landed.version() == 1 and landed.database.read_bytes() == database
    assert sorted(landed.folder.glob("state.db*")) == [landed.database]


def test_runs_migrate_in_one_step_and_move_and_lose_nothing(landed):
    before = landed.files()
    assert any("/trash/" in name and name.endswith("gone.txt") for name in before)
    for turn in range(2):
        for command, root, prefix in RUNS:
            args = ("--conflict-strategy", "manual") if command == "sync" else ()
            result = landed.transfer(command, root, prefix, *args)
            summary = result.summary
            assert result.code == (4 if command == "sync" else 0), result
            assert summary["state"] is None and summary["brake"] is None
            counts = {name: summary[name] for name in (
                "uploaded", "downloaded", "deleted_local", "deleted_remote", "failed")}
            assert set(counts.values()) == {0}, result
            assert ("schema version" in result.stderr) == (turn == 0 and command == "sync")
    assert landed.version() > 1
    assert len(list(landed.folder.glob("state.db.backup-v1-*"))) == 1
    assert landed.files() == before
    (conflict,) = landed.command("conflicts", "list", check=0).lines
    assert conflict["path"] == "contested.txt"


def test_work_goes_on_where_the_version_before_stopped(landed):
    both, bucket = landed.folder / "both", landed.folder / "cloud/bucket"
    (both / "a.txt").unlink()
    (both / "d/b.txt").write_text("edited\n")
    landed.transfer("sync", "both", "data/", check=0)
    assert not (bucket / "data/a.txt").exists()
    assert (bucket / "data/d/b.txt").read_text() == "edited\n"
    kept = {path.read_text() for path in both.rglob("*") if path.is_file() and path.suffix == ".txt"}
    kept |= {path.read_text() for path in bucket.rglob("*") if path.is_file() and path.suffix == ".txt"}
    assert {"changed in the bucket\n", "changed here, longer\n", "content of gone.txt\n"} <= kept
    (landed.folder / "up/u1").unlink()
    landed.transfer("upload", "up", "up/", "--delete", check=0)
    landed.transfer("download", "down", "up/", "--delete", check=0)
    assert not (landed.folder / "down/u1").exists()
    assert (landed.folder / "down/d/u2").read_text() == "uploaded d/u2\n"
