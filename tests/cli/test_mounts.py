# SPDX-License-Identifier: Apache-2.0
"""Roots on file systems that lack something: FUSE mounts, exFAT, network shares."""
import os

import pytest


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
