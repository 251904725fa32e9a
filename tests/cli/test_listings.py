# SPDX-License-Identifier: Apache-2.0
"""What counts as a listing: nothing is deleted because of an answer that is none, is cut, does not
end or names what was not asked for; other orders are sorted."""
import itertools

import pytest

from conftest import Machine
from passage import Passage

FILES = [f"f{number:02}" for number in range(12)]


@pytest.fixture
def synced(passage, tmp_path):
    """One deletion on each side waits to be carried to the other."""
    machine = Machine(tmp_path / "m", passage)
    machine.configure(retry_attempts=1, trash_retention="36500d")
    for name in FILES:
        machine.write(name, f"content of {name}")
    machine.run("sync", check=0)
    (machine.root / "f00").unlink()
    passage.bucket.delete("data/f01")
    passage.requests.clear()
    return machine


def tamperings(passage):
    """name -> what is answered to a listing of the tree."""
    other = {"gcs": "storage#object", "s3": "ListVersionsResult", "azure": "BlobList"}
    empty = lambda request, **how: passage.page(request.prefix, [], **how)
    ways = {
        "another root": lambda r: empty(r, root=other[passage.provider]),
        "a key outside": lambda r: passage.page(
            r.prefix, [passage.renamed(passage.items(r)[0], "elsewhere/f00")]),
        "a group outside": lambda r: empty(r, groups=["elsewhere/"]),
        "the same key twice": lambda r: passage.page(
            r.prefix, [passage.items(r)[0]] * 2),
        "alternating tokens": lambda r: empty(r, token="b" if r.token == "a" else "a"),
    }
    if passage.provider == "gcs":
        json_type = {"Content-Type": "application/json"}
        ways["any object"] = lambda r: (200, json_type, b"{}")
        ways["a token that is none"] = lambda r: (
            200, json_type, b'{"kind": "storage#objects", "nextPageToken": {"lost": true}}')
    else:
        ways["another prefix"] = lambda r: passage.page("other/", [])
        ways["of the whole bucket"] = lambda r: passage.page("", [])
    if passage.provider == "s3":
        whole = lambda r: passage.page(r.prefix, passage.items(r)[:3], token="t")
        ways["truncated without a token"] = lambda r: without(
            whole(r), b"<NextContinuationToken>t</NextContinuationToken>")
        ways["no word about its end"] = lambda r: without(whole(r), b"<IsTruncated>true</IsTruncated>")
    if passage.provider == "azure":
        ways["no marker"] = lambda r: without(empty(r), b"<NextMarker></NextMarker>")
        ways["no prefix"] = lambda r: empty(r, named=False)
    return ways


def without(answer, part):
    status, headers, body = answer
    assert part in body
    return status, headers, body.replace(part, b"")


def test_what_is_no_whole_listing_deletes_nothing_on_either_side(synced, passage):
    for name, way in tamperings(passage).items():
        passage.answer = lambda request: way(request) if request.is_listing else None
        result = synced.run("sync")
        assert result.code == 11, (name, result)
        assert sorted(synced.contents()) == FILES[1:], (name, result)
        assert passage.deletions() == [], (name, result)
        assert result.summary["deleted_local"] == result.summary["deleted_remote"] == 0
    passage.answer = lambda request: None
    result = synced.run("sync", check=0)
    assert sorted(result.actions()) == [("delete_local", "f01"), ("delete_remote", "f00")]


def test_listings_end(synced, passage):
    fresh = itertools.count()
    passage.answer = lambda r: (passage.page(r.prefix, [], token=f"t{next(fresh)}")
                                if r.is_listing else None)
    result = synced.run("sync", check=11)
    assert "1,000 pages" in result.stderr
    assert next(fresh) - 1000 in (0, 1)  # one that only asks whether the container is there
    assert sorted(synced.contents()) == FILES[1:]


def test_ls_ends_and_doubts_as_well(synced, passage):
    passage.answer = lambda r: (passage.page(r.prefix, [], token="b" if r.token == "a" else "a")
                                if r.is_listing else None)
    result = synced.run("ls", "data/", json_output=False, check=11)
    assert "cannot be trusted" in result.stderr
    passage.answer = lambda r: (
        passage.page(r.prefix, [passage.renamed(passage.items(r)[0], "elsewhere/f")])
        if r.is_listing else None)
    result = synced.run("ls", "data/", json_output=False, check=11)
    assert b"elsewhere" not in result.stdout


def out_of_order(passage, size=5):
    """Pages of a listing whose keys come in no order that a service has."""
    def answer(request):
        if not request.is_listing or ".cloudsync/" in request.prefix:
            return None
        found = passage.items(request.from_the_start())
        found = found[1::2] + found[::2]
        start = int(request.token or 0)
        end = start + size
        return passage.page(request.prefix, found[start:end], token=str(end) if end < len(found) else "")
    return answer


def test_what_is_compared_again_is_rewritten_once(synced, passage):
    synced.configure(retry_attempts=1, trash_retention="36500d", max_rewrite="50%")
    edited = ["f02", "f04", "f06", "f08"]
    for name in edited:
        synced.write(name, f"new content of {name}")
    passage.answer = out_of_order(passage)
    result = synced.run("sync", check=0)
    assert result.actions("upload") == [("upload", name) for name in edited]


def test_other_orders_are_sorted_and_said_once(synced, passage):
    passage.answer = out_of_order(passage)
    result = synced.run("sync", check=0)
    assert result.stderr.count("does not list in order") == 1, result
    assert sorted(result.actions()) == [("delete_local", "f01"), ("delete_remote", "f00")]
    assert sorted(synced.contents()) == FILES[2:]
    synced.write("f00", b"again")
    (synced.root / "f05").unlink()
    passage.bucket.delete("data/f06")
    result = synced.run("sync", check=0)
    assert "order" not in result.stderr, result
    assert sorted(result.actions()) == [("delete_local", "f06"), ("delete_remote", "f05"),
                                        ("upload", "f00")]
    assert synced.run("sync", check=0).actions() == []


def test_a_lost_token_shows_at_a_full_page(gcs_bucket, tmp_path):
    passage = Passage(gcs_bucket)
    machine = Machine(tmp_path / "m", passage)
    names = [f"n{number:04}" for number in range(1002)]
    for name in names:
        machine.write(name, name)
    machine.run("upload", check=0)
    passage.answer = lambda r: (passage.page(r.prefix, passage.items(r)[:1000])
                                if r.is_listing and "startOffset" not in r.query else None)
    result = machine.run("sync", check=11)
    assert "more follows" in result.stderr
    assert len(machine.contents()) == 1002
    passage.stop()
