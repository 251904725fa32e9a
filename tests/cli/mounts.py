# SPDX-License-Identifier: Apache-2.0
"""Mounts of the pass-through file system that lacks what its switches say (tests/fuse)."""
import os
import pathlib
import subprocess
import time

import pytest

ODD = "tests/fuse/odd_file_system"
# All that a foreign file system may lack at once, names aside.
POOR = ("call_inodes", "no_rename_flags", "no_links", "no_attributes", "coarse_times",
        "no_change_time")


def missing(build):
    """Why nothing can be mounted here; None when it can."""
    if not (build / ODD).exists():
        return "built without libfuse3 (package libfuse3-dev)"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "no access to /dev/fuse"
    return None


class Mount:
    """`folder` mounted on `point`, with switches of odd_file_system."""

    def __init__(self, build, folder, point, *switches):
        self.program = build / ODD
        self.folder = pathlib.Path(folder)
        self.point = pathlib.Path(point)
        self.switches = switches
        self.process = None
        self.spacers = []
        self.mount()

    def mount(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.point.mkdir(parents=True, exist_ok=True)
        self.process = self.start(self.folder, self.point, *self.switches)

    def start(self, folder, point, *switches):
        before = os.stat(point).st_dev
        process = subprocess.Popen([self.program, *switches, folder, point],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while os.stat(point).st_dev == before:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline, "not mounted within 30 s"
            time.sleep(0.01)
        return process

    @staticmethod
    def end(process, point):
        subprocess.run(["fusermount3", "-u", "-z", os.fspath(point)], check=False,
                       capture_output=True)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def unmount(self):
        if self.process is not None:
            self.end(self.process, self.point)
            self.process = None

    def remount(self, *switches):
        """With another device number: that of the first mount is taken meanwhile."""
        self.unmount()
        spacer = self.point.parent / f"{self.point.name}.spacer{len(self.spacers)}"
        spacer.mkdir()
        self.spacers.append((self.start(self.folder, spacer), spacer))
        self.switches = switches or self.switches
        self.mount()

    def bytes_read(self):
        """By the file system's process since it was mounted."""
        io = pathlib.Path(f"/proc/{self.process.pid}/io").read_text()
        return int(io.split()[1])

    def close(self):
        self.unmount()
        for process, point in self.spacers:
            self.end(process, point)
        self.spacers = []


@pytest.fixture
def odd_mount(tmp_path):
    """odd_mount(point, *switches, folder=None): mounts, and unmounts when the test ends."""
    import conftest
    build = conftest.BINARY.parent
    reason = missing(build)
    if reason:
        pytest.skip(reason)
    mounts = []

    def mount(point, *switches, folder=None):
        point = pathlib.Path(point)
        folder = folder or tmp_path / "mounted" / f"{point.name}{len(mounts)}"
        mounts.append(Mount(build, folder, point, *switches))
        return mounts[-1]

    yield mount
    for each in mounts:
        each.close()
