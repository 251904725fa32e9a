# SPDX-License-Identifier: Apache-2.0
"""A way through to a real server that can answer some requests otherwise, the same for S3, GCS and
Azure: listings are taken apart into their items and put together again."""
import email.utils
import json
import re
import threading
import time
import urllib.parse

from gates import HOP_HEADERS, Loopback, forward

TOKEN_NAMES = {"s3": "continuation-token", "gcs": "pageToken", "azure": "marker"}
ITEM = {"s3": rb"<Contents>.*?</Contents>", "azure": rb"<Blob>.*?</Blob>"}


def open_to_all(bucket):
    """Storage settings with which a request needs no signature that a passage would break."""
    if bucket.provider == "gcs":
        return {}
    if bucket.provider == "azure":
        return {"account": bucket.server.account,
                "credentials": {"sas_token": bucket.sas("rcwdl", hours=24 * 365)}}
    everything = [f"arn:aws:s3:::{bucket.name}", f"arn:aws:s3:::{bucket.name}/*"]
    bucket.client.put_bucket_policy(Bucket=bucket.name, Policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
                                                 "Action": ["s3:*"], "Resource": everything}]}))
    return {"credentials": {"anonymous": True}}


class Request:
    def __init__(self, bucket, method, target, headers, body):
        self.bucket = bucket
        self.method, self.target, self.headers, self.body = method, target, headers, body
        path, _, query = target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.is_listing = self.lists(bucket)
        self.prefix = self.query.get("prefix", "") if self.is_listing else ""
        self.token = self.query.get(TOKEN_NAMES[bucket.provider], "")
        self.is_copy = ("x-amz-copy-source" in headers or "x-ms-copy-source" in headers
                        or "/rewriteTo/" in path)

    def from_the_start(self):
        """The same listing's first page."""
        query = {name: value for name, value in self.query.items()
                 if name != TOKEN_NAMES[self.bucket.provider]}
        target = self.target.partition("?")[0] + "?" + urllib.parse.urlencode(query)
        return Request(self.bucket, self.method, target, self.headers, self.body)

    def lists(self, bucket):
        if self.method != "GET":
            return False
        if bucket.provider == "s3":
            return "list-type" in self.query
        if bucket.provider == "azure":
            return self.query.get("comp") == "list"
        return self.path == f"/storage/v1/b/{bucket.name}/o"


class Passage:
    """`answer(request)` may give (status, headers, body) instead of the server; `date_shift` is how
    many seconds the server's clock is ahead."""

    def __init__(self, bucket):
        self.bucket = bucket
        self.provider = bucket.provider
        self.extra = open_to_all(bucket)
        self.answer = lambda request: None
        self.date_shift = 0
        self.lock = threading.Lock()
        self.requests = []
        self.loopback = Loopback(self.pass_on)

    def storage(self):
        url = self.loopback.url
        if self.provider == "azure":
            url += f"/{self.bucket.server.account}"
        return {**self.bucket.storage(), **self.extra, "endpoint_url": url}

    def stop(self):
        self.loopback.stop()

    def pass_on(self, method, target, headers, body):
        request = Request(self.bucket, method, target, headers, body)
        request.client = self.loopback.current.client
        with self.lock:
            self.requests.append(request)
        answered = self.answer(request)
        status, reply, content = answered or self.upstream(request)
        if self.date_shift is None:
            reply.pop("Date", None)
        else:
            reply["Date"] = email.utils.formatdate(time.time() + self.date_shift, usegmt=True)
        return status, reply, content

    def upstream(self, request):
        # A source to copy from is named by its URL.
        headers = {name: value.replace(self.loopback.url, self.bucket.server.endpoint)
                   for name, value in request.headers.items() if name not in HOP_HEADERS}
        status, reply, content = forward(self.bucket.server.endpoint, request.method,
                                         request.target, headers, request.body)
        return status, {name: value.replace(self.bucket.server.endpoint, self.loopback.url)
                        for name, value in reply.items()}, content

    def deletions(self):
        """Requests that take something away, and batches that may."""
        with self.lock:
            return [r for r in self.requests if r.method == "DELETE" or r.query.get("comp") == "batch"
                    or "delete" in r.query or r.path.startswith("/batch/")]

    def reads(self, key):
        """Requests for the bytes of an object."""
        with self.lock:
            return [r for r in self.requests if self.is_read(r, key)]

    def is_read(self, request, key):
        if request.method != "GET" or request.is_listing or request.query.get("comp"):
            return False
        if self.provider == "gcs" and request.query.get("alt") != "media":
            return False
        return request.path.endswith("/" + key)

    # Listings

    def items(self, request):
        content = self.upstream(request)[2]
        if self.provider == "gcs":
            return json.loads(content).get("items", [])
        return re.findall(ITEM[self.provider], content, re.S)

    def page(self, prefix, items, token="", groups=(), root=None, named=True):
        """A listing's page as the service would write it, or nearly."""
        if self.provider == "gcs":
            document = {"kind": root or "storage#objects", "items": items, "prefixes": list(groups)}
            if token:
                document["nextPageToken"] = token
            return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()
        echo = f"<Prefix>{prefix}</Prefix>" if named else ""
        if self.provider == "azure":
            root = root or "EnumerationResults"
            found = "".join(f"<BlobPrefix><Name>{group}</Name></BlobPrefix>" for group in groups)
            text = (f"<{root}>{echo}<Blobs>{joined(items)}{found}</Blobs>"
                    f"<NextMarker>{token}</NextMarker></{root}>")
        else:
            root = root or "ListBucketResult"
            found = "".join(f"<CommonPrefixes><Prefix>{group}</Prefix></CommonPrefixes>"
                            for group in groups)
            more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
            text = (f"<{root}><Name>{self.bucket.name}</Name>{echo}<EncodingType>url</EncodingType>"
                    f"<IsTruncated>{'true' if token else 'false'}</IsTruncated>{more}"
                    f"{joined(items)}{found}</{root}>")
        return 200, {"Content-Type": "application/xml"}, text.encode()

    def renamed(self, item, key):
        if self.provider == "gcs":
            return {**item, "name": key}
        tag = b"Key" if self.provider == "s3" else b"Name"
        return re.sub(b"<%s>.*?</%s>" % (tag, tag), b"<%s>%s</%s>" % (tag, key.encode(), tag), item)

    def dated(self, item, year):
        if self.provider == "gcs":
            return {**item, "updated": f"{year}-01-03T00:00:00Z"}
        if self.provider == "s3":
            return re.sub(rb"<LastModified>.*?<", b"<LastModified>%d-01-03T00:00:00Z<" % year, item)
        when = email.utils.format_datetime(
            email.utils.parsedate_to_datetime(f"03 Jan {year} 00:00:00 +0000"))
        when = when.replace("+0000", "GMT").replace("-0000", "GMT").encode()
        return re.sub(rb"<Last-Modified>.*?<", b"<Last-Modified>%s<" % when, item)


def joined(items):
    return b"".join(items).decode()
