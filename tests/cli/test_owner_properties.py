# SPDX-License-Identifier: Apache-2.0
"""A replaced object keeps what its owner gave it, on every provider, in one request and in parts."""
import json
import time
import urllib.parse
import xml.etree.ElementTree as ET

import pytest

from buckets import AzuriteBucket, GcsBucket, MinioBucket
from conftest import Machine
from test_bucket_trash import all_keys
from test_server_facts import Gate

GIVEN = {"type": "text/x-recipe", "cache": "max-age=60", "disposition": 'attachment; filename="r"',
         "language": "de", "metadata": {"author": "ada", "md5chksum": "AAAAAAAAAAAAAAAAAAAAAA==",
                                        "mtime": "1", "sha256": "of the old bytes"}}
TAGS = {"team": "red = blue+1/2", "tier": "1"}
LARGE = b"large " * 1_100_000  # above the threshold set here: three parts


class S3:
    """The owner's side: boto3."""
    has_tags = True
    bucket_class = MinioBucket

    def __init__(self, bucket):
        self.bucket, self.client = bucket, bucket.server.client()

    def give(self, key, content, given=None, tags=None):
        given = given or GIVEN
        self.client.put_object(
            Bucket=self.bucket.name, Key=key, Body=content, ContentType=given["type"],
            CacheControl=given["cache"], ContentDisposition=given["disposition"],
            ContentLanguage=given["language"], Metadata=given["metadata"],
            Tagging=urllib.parse.urlencode(TAGS if tags is None else tags))

    def look(self, key):
        head = self.client.head_object(Bucket=self.bucket.name, Key=key)
        return {"type": head["ContentType"], "cache": head.get("CacheControl"),
                "disposition": head.get("ContentDisposition"),
                "language": head.get("ContentLanguage"), "metadata": head["Metadata"]}

    def tags(self, key):
        answer = self.client.get_object_tagging(Bucket=self.bucket.name, Key=key)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


class Gcs:
    has_tags = False
    bucket_class = GcsBucket

    def __init__(self, bucket):
        self.bucket = bucket

    def give(self, key, content, given=None, tags=None):
        given = given or GIVEN
        resource = {"name": key, "metadata": given["metadata"], "contentType": given["type"],
                    "cacheControl": given["cache"], "contentDisposition": given["disposition"],
                    "contentLanguage": given["language"]}
        body = (f"--edge\r\nContent-Type: application/json\r\n\r\n{json.dumps(resource)}\r\n"
                f"--edge\r\nContent-Type: {given['type']}\r\n\r\n").encode()
        self.bucket.call("POST", f"/upload/storage/v1/b/{self.bucket.name}/o?uploadType=multipart",
                         body + content + b"\r\n--edge--\r\n", "multipart/related; boundary=edge")

    def look(self, key):
        item = json.loads(self.bucket.call("GET", self.bucket.target(key)))
        return {"type": item["contentType"], "cache": item.get("cacheControl"),
                "disposition": item.get("contentDisposition"),
                "language": item.get("contentLanguage"), "metadata": item.get("metadata", {})}


class Azure:
    has_tags = True
    bucket_class = AzuriteBucket

    def __init__(self, bucket):
        self.bucket = bucket

    def give(self, key, content, given=None, tags=None):
        given = given or GIVEN
        tags = TAGS if tags is None else tags
        headers = {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": given["type"],
                   "x-ms-blob-cache-control": given["cache"],
                   "x-ms-blob-content-disposition": given["disposition"],
                   "x-ms-blob-content-language": given["language"],
                   **{f"x-ms-meta-{name}": value for name, value in given["metadata"].items()}}
        if tags:
            headers["x-ms-tags"] = urllib.parse.urlencode(tags, quote_via=urllib.parse.quote)
        self.bucket.call("PUT", key, body=content, headers=headers)

    def look(self, key):
        headers = self.bucket.call("HEAD", key, whole_answer=True).headers
        return {"type": headers["Content-Type"], "cache": headers["Cache-Control"],
                "disposition": headers["Content-Disposition"],
                "language": headers["Content-Language"], "metadata": self.bucket.metadata(key)}

    def tags(self, key):
        page = ET.fromstring(self.bucket.call("GET", key, {"comp": "tags"}))
        return {tag.findtext("Key"): tag.findtext("Value") for tag in page.iter("Tag")}


OWNERS = {"minio": S3, "fake_gcs": Gcs, "resuming_gcs": Gcs, "azurite": Azure}


@pytest.fixture(params=OWNERS)
def owner(request):
    kind = OWNERS[request.param]
    return kind(kind.bucket_class(request.getfixturevalue(request.param)))


@pytest.fixture
def s3(minio):
    return S3(MinioBucket(minio))


@pytest.fixture
def gate(minio):
    gate = Gate(minio)
    yield gate
    gate.stop()


def assert_kept(owner, key):
    seen = owner.look(key)
    for name in ("type", "cache", "disposition", "language"):
        assert seen[name] == GIVEN[name], seen
    assert seen["metadata"].pop("author") == "ada"
    assert "sha256" not in seen["metadata"]
    assert seen["metadata"].get("mtime") != "1"
    assert seen["metadata"].get("md5chksum") != GIVEN["metadata"]["md5chksum"]
    if owner.has_tags:
        assert owner.tags(key) == TAGS


def object_requests(gate, method):
    """Those of the user's objects, without what probes and pages need."""
    return [r for r in gate.loopback.requests
            if r[0] == method and "/data/" in r[1] and ".cloudsync" not in r[1]]


def test_everything_is_kept_again_and_again(owner, tmp_path):
    here = Machine(tmp_path / "here", owner.bucket,
                   storage={"multipart_threshold": "4MB", "chunk_size": "5MiB"})
    owner.give("data/small.txt", b"first")
    owner.give("data/large.txt", LARGE)
    here.run("sync", check=0)
    for small, large in ((b"second", LARGE + b"2"), (b"the third", LARGE + b"33")):
        here.write("small.txt", small)
        here.write("large.txt", large)
        assert len(here.run("sync", check=0).actions("upload")) == 2
        assert owner.bucket.read("data/small.txt") == small
        assert owner.bucket.read("data/large.txt") == large
        assert_kept(owner, "data/small.txt")
        assert_kept(owner, "data/large.txt")


def test_the_local_store_keeps_what_a_library_gave(tmp_path):
    """Its metadata lies beside the files; what is not known there is not lost by a rewrite."""
    from buckets import LocalBucket
    bucket = LocalBucket(tmp_path / "cloud")
    here = Machine(tmp_path / "here", bucket)
    here.write("a.txt", "first")
    here.run("sync", check=0)
    (record,) = [p for p in (bucket.path / ".cloudsync-store").rglob("*")
                 if p.is_file() and b'"versions"' in p.read_bytes() and b"a.txt" in p.read_bytes()]
    document = json.loads(record.read_text())
    document["versions"][0]["metadata"]["author"] = "ada"
    document["versions"][0]["content_type"] = GIVEN["type"]
    document["versions"][0]["served"] = {"cache_control": "max-age=60"}
    record.write_text(json.dumps(document))
    for content in ("second", "the third"):
        here.write("a.txt", content)
        here.run("sync", check=0)
        (version,) = json.loads(record.read_text())["versions"]
        assert version["metadata"]["author"] == "ada"
        assert version["content_type"] == GIVEN["type"]
        assert version["served"]["cache_control"] == "max-age=60"


def test_types_chosen_by_servers_do_not_stay(s3, tmp_path):
    here = Machine(tmp_path / "here", s3.bucket)
    s3.bucket.write("data/page.html", b"first")
    here.run("sync", check=0)
    here.write("page.html", "second")
    here.run("sync", check=0)
    assert s3.look("data/page.html")["type"] == "text/html"


def test_own_objects_cost_no_look(gate, tmp_path):
    here = Machine(tmp_path / "here", MinioBucket(gate))
    names = [f"f{i}" for i in range(10)]
    for edit in range(3):
        for name in names:
            here.write(name, f"{name} edit {edit}")
        gate.loopback.requests.clear()
        # Every second time after a run that only saw that all is as it was.
        if edit == 2:
            here.run("sync", check=0)
            for name in names:
                here.write(name, f"{name} once more")
            gate.loopback.requests.clear()
        result = here.run("sync", check=0)
        assert len(result.actions("upload")) == len(names)
        assert object_requests(gate, "HEAD") == []
        assert object_requests(gate, "GET") == []


def test_an_object_that_came_from_elsewhere_costs_one(gate, tmp_path):
    here = Machine(tmp_path / "here", MinioBucket(gate))
    owner = S3(here.bucket)
    here.write("a", "first")
    here.run("sync", check=0)
    owner.give("data/a", b"theirs")
    here.run("sync", check=0)
    here.write("a", "ours")
    gate.loopback.requests.clear()
    here.run("sync", check=0)
    assert len(object_requests(gate, "HEAD")) == 1
    assert_kept(owner, "data/a")
    # The same bytes written again have the same ETag, and are another version all the same.
    here.write("b", "same")
    here.run("sync", check=0)
    here.run("sync", check=0)
    time.sleep(6)  # beyond what the answer to our own write leaves open
    owner.give("data/b", b"same")
    here.run("sync", check=0)
    here.write("b", "edited")
    here.run("sync", check=0)
    assert_kept(owner, "data/b")


def test_a_change_between_look_and_write_is_seen(gate, tmp_path):
    """The properties are those of the version that is replaced, or the write does not happen."""
    here = Machine(tmp_path / "here", MinioBucket(gate), conflict_strategy="manual")
    owner = S3(here.bucket)
    owner.give("data/a", b"theirs")
    here.run("sync", check=0)
    here.write("a", "ours")
    later = {**GIVEN, "language": "fr"}

    def interfere(method, target, headers):
        if method == "HEAD" and "/data/a" in target and owner is not None:
            gate.refuse = lambda *_: None
            owner.give("data/a", b"theirs again", later)
    gate.refuse = interfere
    here.run("sync", check=4)
    assert here.bucket.read("data/a") == b"theirs again"
    assert owner.look("data/a")["language"] == "fr"


def test_keep_metadata_false(owner, tmp_path):
    here = Machine(tmp_path / "here", owner.bucket, keep_metadata=False)
    owner.give("data/a.txt", b"first")
    owner.give("data/sealed", b"cipher", {**GIVEN, "metadata": ENVELOPE[owner.bucket.provider]})
    here.run("sync", check=0)
    here.write("a.txt", "second")
    here.write("sealed", "plain")
    here.run("sync", check=0)
    seen = owner.look("data/a.txt")
    assert seen["type"].startswith("text/plain")
    assert "author" not in seen["metadata"]
    assert seen["language"] in (None, "")
    if owner.has_tags:
        assert owner.tags("data/a.txt") == {}
    assert owner.bucket.read("data/sealed") == b"plain"


ENVELOPE = {"s3": {"x-amz-key-v2": "AAAA", "x-amz-iv": "BBBB", "x-amz-matdesc": "{}",
                   "x-amz-wrap-alg": "kms+context", "x-amz-cek-alg": "AES/GCM/NoPadding",
                   "owner": "vault"},
            "gcs": {"x-amz-key": "AAAA", "x-amz-iv": "BBBB", "owner": "vault"},
            "azure": {"encryptiondata": "{}", "owner": "vault"}}


def test_an_envelope_is_held_and_replaced_by_force(owner, tmp_path):
    here = Machine(tmp_path / "here", owner.bucket)
    provider = owner.bucket.provider
    owner.give("data/sealed", b"cipher", {**GIVEN, "metadata": ENVELOPE[provider]})
    here.run("sync", check=0)
    here.write("sealed", "plain text")
    here.write("other", "goes up all the same")
    if provider != "s3":  # there a plan does not look
        planned = here.run("sync", "--dry-run", check=3)
        assert planned.actions("upload", status="failed") == [("upload", "sealed")]
    for _ in range(2):
        held = here.run("sync", check=3)
        (failed,) = [line for line in held.lines
                     if line.get("type") == "action" and line["status"] == "failed"]
        assert "--force envelope" in failed["error"]["message"]
        assert owner.bucket.read("data/sealed") == b"cipher"
    assert owner.bucket.read("data/other") == b"goes up all the same"
    here.run("sync", "--force", "envelope", check=0)
    assert owner.bucket.read("data/sealed") == b"plain text"
    seen = owner.look("data/sealed")["metadata"]
    assert seen["owner"] == "vault"
    assert not any(name.startswith("x-amz-") or name == "encryptiondata" for name in seen)
    here.write("sealed", "plain again")
    here.run("sync", check=0)


def test_an_envelope_is_held_before_the_conflict_copy(s3, tmp_path):
    here = Machine(tmp_path / "here", s3.bucket, conflict_strategy="version_preserve")
    s3.give("data/sealed", b"cipher", {**GIVEN, "metadata": ENVELOPE["s3"]})
    here.write("sealed", "plain text")
    here.run("upload", check=3)
    assert s3.bucket.keys("data/") == ["data/sealed"]
    assert s3.bucket.read("data/sealed") == b"cipher"


@pytest.mark.parametrize("status", [403, 501])
@pytest.mark.parametrize("what", ["read", "write", "large write"])
def test_refused_tags_are_a_warning(gate, tmp_path, what, status):
    here = Machine(tmp_path / "here", MinioBucket(gate),
                   storage={"multipart_threshold": "4MB", "chunk_size": "5MiB"})
    owner = S3(here.bucket)
    content = LARGE if what == "large write" else b"first"
    names = ["a", "b", "c"]
    for name in names:
        owner.give(f"data/{name}", content)
    here.run("sync", check=0)
    reads = what == "read"

    def refuse(method, target, headers):
        asked = "tagging" in target.partition("?")[2] if reads else "x-amz-tagging" in headers
        return status if asked else None
    gate.refuse = refuse
    for name in names:
        here.write(name, content + b" edited")
    result = here.run("sync", check=0)
    assert len(result.actions("upload")) == 3
    said = [line for line in result.lines if line.get("type") in ("notice", "warning")
            and "tags" in line.get("message", line.get("text", ""))]
    assert len(said) == 1 or result.stderr.count("the tags of replaced objects") == 1, result
    for name in names:
        assert here.bucket.read(f"data/{name}") == content + b" edited"
        assert owner.look(f"data/{name}")["language"] == "de"
        assert owner.tags(f"data/{name}") == {}


@pytest.mark.parametrize("answer", [(200, {}, b"the object itself"), 404, 501])
def test_a_server_without_tags_gets_no_warning(gate, tmp_path, answer):
    """It ignores the question or does not know it, and is asked once a run."""
    here = Machine(tmp_path / "here", MinioBucket(gate), max_workers=1)
    owner = S3(here.bucket)
    for name in ("a", "b"):
        owner.give(f"data/{name}", b"first", tags={})
    here.run("sync", check=0)
    gate.refuse = lambda method, target, headers: answer if "tagging" in target else None
    for name in ("a", "b"):
        here.write(name, "second")
    gate.loopback.requests.clear()
    result = here.run("sync", check=0)
    assert len([r for r in gate.loopback.requests if "tagging" in r[1]]) == 1
    assert "the tags of" not in result.stderr, result
    assert owner.look("data/b")["language"] == "de"


@pytest.mark.parametrize("status", [400, 403])
def test_a_refused_look_is_a_warning(gate, tmp_path, status):
    """Whoever may write only still writes, and whoever has not the key of another's encryption."""
    here = Machine(tmp_path / "here", MinioBucket(gate))
    owner = S3(here.bucket)
    owner.give("data/a", b"first")
    here.run("sync", check=0)
    gate.refuse = lambda method, target, headers: (
        status if method == "HEAD" and "/data/a" in target else None)
    here.write("a", "second")
    result = here.run("sync", check=0)
    assert "keep_metadata" in result.stderr + result.stdout.decode()
    assert here.bucket.read("data/a") == b"second"


def test_a_preserved_link_hands_its_target_to_nobody(s3, tmp_path):
    here = Machine(tmp_path / "here", s3.bucket, links="preserve")
    here.write("file", "content")
    (here.root / "link").symlink_to("file")
    here.run("sync", check=0)
    assert "cs_symlink" in s3.bucket.metadata("data/link")
    (here.root / "link").unlink()
    here.write("link", "a file now")
    here.run("sync", check=0)
    assert "cs_symlink" not in s3.bucket.metadata("data/link")
    assert s3.bucket.read("data/link") == b"a file now"


def test_copies_in_the_bucket_keep_it_too(owner, tmp_path):
    here = Machine(tmp_path / "here", owner.bucket, trash_replaced=True)
    owner.give("data/a", b"first")
    here.run("sync", check=0)
    here.write("a", "second")
    here.run("sync", check=0)
    (copy,) = all_keys(owner.bucket, "data/.cloudsync/trash/")
    seen = owner.look(copy)
    assert seen["cache"] == GIVEN["cache"]
    assert seen["metadata"]["author"] == "ada"
    if owner.has_tags:
        assert owner.tags(copy) == TAGS
