# SPDX-License-Identifier: Apache-2.0
"""The bucket's trash: deletions leave a copy there, clean-up takes only what was put there for it and
has had its time by the server's clock, and a repeated DELETE takes nothing that came since."""
import os
import time

import pytest

from conftest import Machine
from servers import await_condition

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
OLD_RUN = "data/.cloudsync/trash/20200101T000000Z-abcdef/"


def all_keys(bucket, prefix=""):
    """Cloudsync's own as well."""
    if bucket.provider == "local":
        files = [path for path in bucket.path.rglob("*") if path.is_file()]
        keys = [str(path.relative_to(bucket.path)) for path in files]
        return sorted(key for key in keys if key.startswith(prefix)
                      and not key.startswith(".cloudsync-store"))
    import buckets
    filtered, buckets.of_users = buckets.of_users, lambda keys, prefix="": sorted(keys)
    try:
        return bucket.keys(prefix)
    finally:
        buckets.of_users = filtered


def trashed(bucket):
    """name -> content of what is in the bucket's trash."""
    keys = all_keys(bucket, "data/.cloudsync/trash/")
    return {key.split("/", 4)[4]: bucket.read(key) for key in keys}


def runs(bucket):
    return sorted({key.split("/")[3] for key in all_keys(bucket, "data/.cloudsync/trash/")})


def test_deletions_in_the_bucket_leave_a_copy(machine):
    for name in ("a", "d/b", "d/c", "kept"):
        machine.write(name, f"content of {name}")
    machine.run("sync", check=0)
    for name in ("a", "d/b", "d/c"):
        (machine.root / name).unlink()
    machine.run("sync", check=0)
    assert machine.bucket.keys() == ["data/kept"]
    assert trashed(machine.bucket) == {name: f"content of {name}".encode()
                                       for name in ("a", "d/b", "d/c")}
    [run] = runs(machine.bucket)
    [(uuid,)] = machine.query("SELECT uuid FROM pairs")
    assert run.endswith("-" + uuid[:6])
    refs = [ref for (ref,) in machine.query(
        "SELECT trash_ref FROM operations WHERE length(trash_ref) > 0")]
    assert len(refs) == 3


def test_without_trash_nothing_is_copied(machine):
    machine.configure(trash=False)
    machine.write("a")
    machine.write("b")
    machine.run("sync", check=0)
    (machine.root / "a").unlink()
    machine.run("sync", check=0)
    assert machine.bucket.keys() == ["data/b"]
    assert trashed(machine.bucket) == {}


def test_replaced_versions_go_to_the_trash_where_that_is_asked_for(machine):
    machine.write("a", b"first")
    machine.run("sync", check=0)
    machine.write("a", b"second")
    machine.run("sync", check=0)
    assert trashed(machine.bucket) == {}
    machine.configure(trash_replaced=True)
    machine.write("a", b"the third")
    machine.run("sync", check=0)
    assert trashed(machine.bucket) == {"a": b"second"}
    assert machine.bucket.read("data/a") == b"the third"


def test_versions_are_trash_enough(minio_bucket, tmp_path):
    minio_bucket.client.put_bucket_versioning(
        Bucket=minio_bucket.name, VersioningConfiguration={"Status": "Enabled"})
    machine = Machine(tmp_path / "m", minio_bucket)
    machine.write("a")
    machine.write("b")
    machine.run("sync", check=0)
    (machine.root / "a").unlink()
    machine.run("sync", check=0)
    assert machine.bucket.keys() == ["data/b"]
    assert trashed(minio_bucket) == {}


def test_what_cannot_be_copied_is_not_deleted(passage, tmp_path):
    machine = Machine(tmp_path / "m", passage)
    machine.configure(retry_attempts=1)
    machine.write("a", b"12345")
    machine.write("b")
    machine.run("sync", check=0)
    (machine.root / "a").unlink()
    refusal = (403, {"x-ms-error-code": "AuthorizationPermissionMismatch"},
               b"<Error><Code>AccessDenied</Code><Message>no copies</Message></Error>")
    passage.answer = lambda request: refusal if request.is_copy else None
    result = machine.run("sync", check=3)
    assert "5 bytes" in result.stderr and "trash: false" in result.stderr, result
    assert passage.bucket.read("data/a") == b"12345"
    passage.answer = lambda request: None
    machine.run("sync", check=0)
    assert passage.bucket.keys() == ["data/b"]
    assert trashed(passage.bucket) == {"a": b"12345"}


def test_an_archived_object_is_not_deleted_without_a_copy(azure_bucket, tmp_path):
    machine = Machine(tmp_path / "m", azure_bucket)
    machine.write("a", b"12345")
    machine.write("b")
    machine.run("sync", check=0)
    azure_bucket.call("PUT", "data/a", {"comp": "tier"}, headers={"x-ms-access-tier": "Archive"})
    (machine.root / "a").unlink()
    result = machine.run("sync", check=3)
    assert "5 bytes" in result.stderr and "archived" in result.stderr, result
    assert azure_bucket.keys() == ["data/a", "data/b"]


@pytest.fixture
def tidying(passage, tmp_path):
    """A machine whose next run cleans up a trash of long ago, and what it must leave alone."""
    machine = Machine(tmp_path / "m", passage)
    machine.write("a")
    machine.run("sync", check=0)
    for key in ("x", "d/y"):
        passage.bucket.write(OLD_RUN + key, b"old")
    for key in ("other-team/x", "data/.cloudsync/trash/not-a-run/x",
                "data/.cloudsync/trash/20200101T000000Z-abcdef-fedcba/x",
                "data/.cloudsync/trash/loose"):
        passage.bucket.write(key, b"not ours")
    passage.requests.clear()
    return machine


def left(passage):
    return [key for key in all_keys(passage.bucket) if "/probe/" not in key]


ALL = sorted(["data/.cloudsync/trash/20200101T000000Z-abcdef-fedcba/x", OLD_RUN + "d/y",
              OLD_RUN + "x", "data/.cloudsync/trash/loose",
              "data/.cloudsync/trash/not-a-run/x", "data/a", "other-team/x"])


def aged(passage):
    """Says of all that lies in a trash that it is from 2020."""
    def answer(request):
        if not request.is_listing or not request.prefix.startswith(OLD_RUN[:30]) \
                or request.query.get("delimiter"):
            return None
        return passage.page(request.prefix,
                            [passage.dated(item, 2020) for item in passage.items(request)])
    return answer


def test_cleaning_up_takes_what_is_old_by_the_servers_time(tidying, passage):
    # Old by its name alone.
    tidying.run("sync", check=0)
    assert left(passage) == ALL
    # Without the server's time nothing has an age.
    passage.answer, passage.date_shift = aged(passage), None
    tidying.run("sync", check=0)
    assert left(passage) == ALL
    passage.date_shift = 0
    tidying.run("sync", check=0)
    assert left(passage) == [key for key in ALL if not key.startswith(OLD_RUN)]


def test_cleaning_up_deletes_nothing_that_a_listing_should_not_name(tidying, passage):
    ways = {
        "a run outside": lambda r: passage.page(r.prefix, [], groups=["other-team/"]),
        "a run that is none": lambda r: passage.page(
            r.prefix, [], groups=["data/.cloudsync/trash/not-a-run/", "data/.cloudsync/trash/"]),
        "the same run for ever": lambda r: passage.page(
            r.prefix, [], groups=[OLD_RUN], token=r.token + "x"),
    }
    for name, way in ways.items():
        passage.answer = lambda r: (way(r) if r.is_listing and r.query.get("delimiter") else None)
        result = tidying.run("sync", check=0)
        assert left(passage) == ALL, (name, result)
    # The right run, and in it what lies elsewhere.
    passage.answer = lambda r: (
        passage.page(r.prefix, [passage.dated(passage.renamed(item, key), 2020)
                                for item in passage.items(r)[:1] for key in ("data/a", "other-team/x")])
        if r.is_listing and r.prefix == OLD_RUN else None)
    result = tidying.run("sync", check=0)
    assert left(passage) == ALL, result
    assert "cannot be trusted" in result.stderr


@pytest.mark.skipif(not os.path.exists(FAKETIME), reason="no faketime")
def test_a_clock_far_ahead_purges_no_trash_and_decides_no_conflict(tidying, passage):
    tidying.write("b", b"b")
    tidying.write("c", b"c")
    tidying.run("sync", check=0)
    passage.bucket.delete("data/b")
    tidying.run("sync", check=0)
    local_trash = tidying.root / ".cloudsync" / "trash"
    assert any(path.name == "b" for path in local_trash.rglob("*"))
    tidying.extra_environment = {"LD_PRELOAD": FAKETIME, "FAKETIME": "+40d", "NO_FAKE_STAT": "1",
                                 "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                                 "ASAN_OPTIONS": "verify_asan_link_order=0"}
    passage.answer = aged(passage)
    passage.bucket.write("data/c", b"theirs, newer by either clock")
    mine = tidying.write("c", b"mine")
    os.utime(mine, (time.time() - 3600, time.time() - 3600))
    result = tidying.run("sync")
    assert "ahead of" in result.stderr and result.stderr.count("nothing is purged") == 1, result
    assert any(path.name == "b" for path in local_trash.rglob("*")), result
    assert set(ALL) <= set(left(passage)), result
    assert any("cloudsync-conflict" in key for key in passage.bucket.keys()), result


def test_a_repeated_delete_takes_nothing_that_came_since(passage, tmp_path):
    machine = Machine(tmp_path / "m", passage)
    machine.write("a", b"same content")
    machine.write("b")
    machine.run("sync", check=0)
    written = time.time()
    (machine.root / "a").unlink()
    lost = []

    def lose_the_answer(request):
        if request.method != "DELETE" or not request.path.endswith("data/a") or lost:
            return None
        passage.upstream(request)
        # HEAD tells whole seconds.
        await_condition(lambda: int(time.time()) > int(written) + 1, "another second")
        passage.bucket.write("data/a", b"same content")
        lost.append(request)
        return 503, {}, b""

    passage.answer = lose_the_answer
    machine.run("sync")
    assert lost
    assert passage.bucket.read("data/a") == b"same content"


def test_a_repeated_delete_goes_on_where_nothing_changed(passage, tmp_path):
    machine = Machine(tmp_path / "m", passage)
    machine.write("a", b"content")
    machine.write("b")
    machine.run("sync", check=0)
    (machine.root / "a").unlink()
    refused = []

    def refuse_once(request):
        if request.method != "DELETE" or not request.path.endswith("data/a") or refused:
            return None
        refused.append(request)
        return 503, {}, b""

    passage.answer = refuse_once
    machine.run("sync", check=0)
    assert refused
    assert passage.bucket.keys() == ["data/b"]
