# SPDX-License-Identifier: Apache-2.0
"""links: follow. What happens to an object that is a link here."""
import os

import pytest

from buckets import LocalBucket
from conftest import Machine


@pytest.fixture
def linked(tmp_path):
    bucket = LocalBucket(tmp_path / "cloud")
    one, other = (Machine(tmp_path / name, bucket, links="follow") for name in "ab")
    one.write("target", b"content")
    (one.root / "link").symlink_to("target")
    one.run("sync", check=0)
    other.run("sync", check=0)
    assert other.contents() == {"target": b"content", "link": b"content"}
    return one, other


def test_a_remote_deletion_takes_the_link_and_not_its_target(linked):
    one, other = linked
    (other.root / "link").unlink()
    other.run("sync", check=0)
    assert one.run("sync", check=0).actions() == [("delete_local", "link")]
    assert not os.path.lexists(one.root / "link") and one.read("target") == b"content"
    trash = [p for p in (one.root / ".cloudsync/trash").rglob("*") if p.is_symlink()]
    assert [os.readlink(p) for p in trash] == ["target"]
    assert one.run("sync", check=0).actions() == other.run("sync", check=0).actions() == []


def test_a_link_that_leads_elsewhere_by_now_stays(linked):
    one, other = linked
    (other.root / "link").unlink()
    other.run("sync", check=0)
    one.write("elsewhere", b"something else")
    (one.root / "link").unlink()
    (one.root / "link").symlink_to("elsewhere")
    one.run("sync", check=0)
    assert os.readlink(one.root / "link") == "elsewhere"
    other.run("sync", check=0)
    assert other.read("link") == b"something else"


def test_a_remote_change_is_reported_and_not_fetched(linked):
    one, other = linked
    other.write("link", b"changed over there")
    other.run("sync", check=0)
    for _ in range(2):
        result = one.run("sync", check=3)
        assert result.actions("download", status="failed") == [("download", "link")]
        assert "symbolic link" in result.stdout.decode()
        assert result.summary["requests"]["get"] == 0
    assert os.readlink(one.root / "link") == "target" and one.read("target") == b"content"
    assert one.run("sync", "--size-only").summary["failed"] == 1
    (one.root / "link").unlink()
    one.write("link", b"content")
    one.run("sync", check=0)
    assert one.read("link") == b"changed over there"
