# SPDX-License-Identifier: Apache-2.0
"""A week of edits by two machines ends in the same trees on both of them and on every store."""
import hashlib
import os
import re

import pytest

from buckets import LocalBucket
from conftest import Machine, make_bucket, stop
from servers import await_condition

DAY = 86_400 * 10**9
MONDAY = 1_699_833_600 * 10**9  # 2023-11-13T00:00:00Z
# Adopted or only touched: the contents agree, and each machine keeps its own time.
OWN_TIMES = {"from-two.md", "docs/d1/report 01.txt", "docs/d0/report 10.txt"}
CONFLICT = re.compile(r"\.cloudsync-conflict-\d{8}-\d{6}-[^.]*?-([0-9a-f]{8})")


def content_of(label, size):
    """The same bytes in every run, different for every label."""
    block = hashlib.sha256(label.encode()).digest() * 1024
    return (block * (size // len(block) + 1))[:size]


def parts_of(machine):
    return (machine.query("SELECT count(*) FROM parts") or [(0,)])[0][0]


class Week:
    """Two machines, one bucket. Times of files are those of the script, so that every store ends with
    the same ones."""

    def __init__(self, folder, bucket):
        self.one = Machine(folder / "one", bucket)
        self.two = Machine(folder / "two", bucket)
        for machine in (self.one, self.two):
            machine.configure(storage={"multipart_threshold": "8MiB"}, max_workers=4,
                              conflict_strategy="version_preserve")
        self.clock = MONDAY

    def edit(self, machine, path, content):
        self.clock += 1_000_000_007
        target = machine.write(path, content)
        os.utime(target, ns=(self.clock, self.clock))

    def rename(self, machine, path, new_path):
        (machine.root / new_path).parent.mkdir(parents=True, exist_ok=True)
        (machine.root / path).rename(machine.root / new_path)

    def sync(self, *machines):
        for machine in machines:
            machine.run("sync", check=0)

    def sync_all(self):
        self.sync(self.one, self.two, self.one)

    def kill_sync(self, machine, condition, what):
        process = machine.start("sync")
        await_condition(lambda: process.poll() is not None or condition(), what)
        stop(process)

    # Monday: the first trees; the second machine has some of the files already.
    def monday(self):
        for number in range(40):
            self.edit(self.one, f"docs/d{number % 5}/report {number:02}.txt", content_of(f"m{number}", 900))
        self.edit(self.one, "empty", b"")
        self.edit(self.one, "large.bin", content_of("large", 30_000_000))
        self.edit(self.two, "from-two.md", b"# two\n")
        self.edit(self.two, "docs/d1/report 01.txt", content_of("m1", 900))
        self.sync_all()

    # Tuesday: names that are written in more than one way, and orders that differ.
    def tuesday(self):
        for name in ("caf\u00e9.txt", "cafe\u0301.txt", "\U0001f600.png", "\uff21.txt", "\ue000", "a b+c%20.txt",
                     "semi;colon&amp=1?#", "'quotes\"", "-n", "~tilde", "d\u00e9j\u00e0/vu",
                     "a-b/x", "a.b/x", "a0", "A0", "x" * 180):
            self.edit(self.one, name, name.encode())
        self.edit(self.two, "\U0001d49c/math", b"astral")
        self.sync(self.two, self.one, self.two)

    # Wednesday: edits and deletions on both sides, other files each.
    def wednesday(self):
        self.edit(self.one, "docs/d0/report 00.txt", b"edited by one")
        self.edit(self.two, "docs/d1/report 06.txt", b"edited by two, and longer than before" * 50)
        self.edit(self.two, "docs/d2/report 02.txt", b"")
        self.edit(self.one, "empty", b"no longer")
        for number in (3, 8, 13):
            (self.one.root / f"docs/d3/report {number:02}.txt").unlink()
        (self.two.root / "a0").unlink()
        (self.two.root / "cafe\u0301.txt").unlink()
        self.sync_all()

    # Thursday: a folder is renamed, a file takes a folder's name, times change and contents do not.
    def thursday(self):
        for path in sorted(self.one.root.glob("docs/d4/*")):
            self.rename(self.one, f"docs/d4/{path.name}", f"archive/2023/{path.name}")
        self.rename(self.two, "\U0001f600.png", "smile/\U0001f600.png")
        self.sync(self.one, self.two, self.one)
        # Who made a folder removes it; elsewhere it goes with its last file.
        (self.one.root / "a-b/x").unlink()
        (self.one.root / "a-b").rmdir()
        self.sync(self.one, self.two)
        self.edit(self.two, "a-b", b"a file now")
        touched = self.one.root / "from-two.md"
        os.utime(touched, ns=(MONDAY, MONDAY))
        self.sync(self.two, self.one)

    # Friday: the same files on both machines.
    def friday(self):
        for name in ("docs/d0/report 05.txt", "caf\u00e9.txt", "\uff21.txt"):
            self.edit(self.one, name, b"one says " + name.encode())
            self.edit(self.two, name, b"two disagrees about " + name.encode())
        self.edit(self.one, "docs/d0/report 10.txt", b"both say this")
        self.edit(self.two, "docs/d0/report 10.txt", b"both say this")
        (self.one.root / "docs/d0/report 15.txt").unlink()
        self.edit(self.two, "docs/d0/report 15.txt", b"an edit beats a deletion")
        self.sync(self.one, self.two, self.one)

    # Saturday: runs are killed on their way, once among small files and once in a large one.
    def saturday(self):
        for number in range(120):
            self.edit(self.one, f"batch/{number % 3}/{number:03}", content_of(f"s{number}", 5000))
        self.kill_sync(self.one, lambda: len(self.one.bucket.keys("data/batch/")) >= 20, "twenty files")
        self.edit(self.two, "large.bin", content_of("larger", 40_000_000))
        self.sync(self.one)
        self.kill_sync(self.two, lambda: parts_of(self.two) >= 2, "two parts")
        self.sync(self.two)
        self.kill_sync(self.one, lambda: parts_of(self.one) >= 1, "a part")
        self.sync(self.one, self.two)

    # Sunday: a database is lost, and everything comes to rest.
    def sunday(self):
        for path in self.two.folder.glob("state.db*"):
            path.unlink()
        self.edit(self.one, "the end", b"of the week")
        self.sync(self.two, self.one, self.two)
        for machine in (self.one, self.two):
            assert machine.run("sync", check=0).actions() == []

    def run(self):
        for day in (self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday,
                    self.sunday):
            day()
            self.clock += DAY
            assert self.one.contents().keys() == self.two.contents().keys(), day.__name__
        return self

    def tree(self, machine):
        """path -> (content's hash, time) with the parts of conflict names that depend on the machine
        taken out."""
        tree = {}
        for path, (content, time_ns) in machine.tree().items():
            name = CONFLICT.sub(r".conflict-\1", path)
            shown_time = None if path in OWN_TIMES else time_ns
            tree[name] = (hashlib.sha256(content).hexdigest(), shown_time)
        return tree


@pytest.fixture(params=["local", "minio", "resuming_gcs", "azurite"])
def bucket(request, tmp_path):
    return make_bucket(request, tmp_path)


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """The trees of the week on the local store."""
    folder = tmp_path_factory.mktemp("week")
    week = Week(folder, LocalBucket(folder / "cloud")).run()
    return week.tree(week.one)


def test_a_week_ends_in_the_same_trees_everywhere(bucket, tmp_path, reference):
    week = Week(tmp_path / "week", bucket).run()
    assert week.tree(week.one) == week.tree(week.two)
    assert week.tree(week.one) == reference
    assert len(reference) > 170 and sum(".conflict-" in path for path in reference) == 3
    assert bucket.keys("data/") == sorted(f"data/{path}" for path in week.one.contents())
    for path in ("large.bin", "caf\u00e9.txt", "\uff21.txt", "archive/2023/report 04.txt", "the end"):
        assert bucket.read(f"data/{path}") == week.one.read(path)
