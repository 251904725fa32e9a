# SPDX-License-Identifier: Apache-2.0
"""Buckets that are written and read behind cloudsync's back: files for `local`, boto3 for S3, plain
HTTP for GCS and Azure, signed here by hand so that the product's own signer has a judge."""
import base64
import email.utils
import hashlib
import hmac
import json
import os
import time
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree as ET


def fresh_name():
    return f"b{uuid.uuid4().hex[:12]}"


def of_users(keys, prefix=""):
    return sorted(k for k in keys if k.startswith(prefix) and ".cloudsync/" not in k)


def md5_base64(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


class LocalBucket:
    provider = "local"

    def __init__(self, folder):
        self.folder = folder
        self.name = "bucket"
        self.path = folder / self.name

    def storage(self):
        return {"provider": "local", "path": str(self.folder), "bucket": self.name}

    def write(self, key, content):
        target = self.path / key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def read(self, key):
        return (self.path / key).read_bytes()

    def delete(self, key):
        (self.path / key).unlink()

    def keys(self, prefix=""):
        found = []
        for folder, folders, names in os.walk(os.fsencode(self.path)):
            folders[:] = [f for f in folders if f not in (b".cloudsync-store",)]
            for name in names:
                key = os.path.relpath(os.path.join(folder, name), os.fsencode(self.path))
                found.append(os.fsdecode(key))
        return of_users(found, prefix)


class MinioBucket:
    provider = "s3"

    def __init__(self, server):
        self.server = server
        self.name = fresh_name()
        self.client = server.client()
        self.client.create_bucket(Bucket=self.name)

    def storage(self):
        return {"provider": "s3", "bucket": self.name, "region": "us-east-1",
                "endpoint_url": self.server.endpoint,
                "credentials": {"aws_access_key_id": self.server.user,
                                "aws_secret_access_key": self.server.secret}}

    def write(self, key, content, metadata=None):
        self.client.put_object(Bucket=self.name, Key=key, Body=content, Metadata=metadata or {})

    def read(self, key):
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def metadata(self, key):
        return self.client.head_object(Bucket=self.name, Key=key)["Metadata"]

    def storage_class(self, key):
        return self.client.head_object(Bucket=self.name, Key=key).get("StorageClass", "STANDARD")

    def delete(self, key):
        self.client.delete_object(Bucket=self.name, Key=key)

    def keys(self, prefix=""):
        found = []
        pages = self.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.name, Prefix=prefix):
            found += [entry["Key"] for entry in page.get("Contents", [])]
        return of_users(found)

    def uploads(self):
        return self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])


class GcsBucket:
    provider = "gcs"

    def __init__(self, server):
        self.server = server
        self.name = fresh_name()
        self.call("POST", "/storage/v1/b?project=test", json.dumps({"name": self.name}).encode(),
                  "application/json")

    def storage(self):
        return {"provider": "gcs", "bucket": self.name, "endpoint_url": self.server.endpoint,
                "credentials": {"anonymous": True}}

    def call(self, method, target, body=None, content_type=None):
        request = urllib.request.Request(self.server.endpoint + target, body, method=method)
        if content_type:
            request.add_header("Content-Type", content_type)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def target(self, key):
        return f"/storage/v1/b/{self.name}/o/{urllib.parse.quote(key, safe='')}"

    def write(self, key, content, metadata=None):
        boundary = uuid.uuid4().hex
        resource = {"name": key, "metadata": metadata or {}, "md5Hash": md5_base64(content)}
        body = (f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{json.dumps(resource)}\r\n"
                f"--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n").encode()
        self.call("POST", f"/upload/storage/v1/b/{self.name}/o?uploadType=multipart",
                  body + content + f"\r\n--{boundary}--\r\n".encode(),
                  f"multipart/related; boundary={boundary}")

    def read(self, key):
        return self.call("GET", self.target(key) + "?alt=media")

    def metadata(self, key):
        return json.loads(self.call("GET", self.target(key))).get("metadata", {})

    def storage_class(self, key):
        return json.loads(self.call("GET", self.target(key)))["storageClass"]

    def delete(self, key):
        self.call("DELETE", self.target(key))

    def keys(self, prefix=""):
        found, token = [], ""
        while True:
            query = urllib.parse.urlencode({"prefix": prefix, "pageToken": token})
            page = json.loads(self.call("GET", f"/storage/v1/b/{self.name}/o?{query}"))
            found += [item["name"] for item in page.get("items", [])]
            token = page.get("nextPageToken", "")
            if not token:
                return of_users(found, prefix)


class AzuriteBucket:
    provider = "azure"
    version = "2023-11-03"

    def __init__(self, server):
        self.server = server
        self.name = fresh_name()
        self.call("PUT", "", {"restype": "container"})

    def storage(self):
        return {"provider": "azure", "bucket": self.name,
                "endpoint_url": f"{self.server.endpoint}/{self.server.account}",
                "credentials": {"account_name": self.server.account,
                                "account_key": self.server.key}}

    def signature(self, text):
        return base64.b64encode(hmac.new(base64.b64decode(self.server.key), text.encode(),
                                         hashlib.sha256).digest()).decode()

    def authorization(self, method, path, query, headers, length):
        """Shared Key of versions since 2015-02-21."""
        standard = ["content-encoding", "content-language", "content-length", "content-md5",
                    "content-type", "date", "if-modified-since", "if-match", "if-none-match",
                    "if-unmodified-since", "range"]
        values = {name.lower(): value for name, value in headers.items()}
        values["content-length"] = str(length) if length else ""
        lines = [method, *(values.get(name, "") for name in standard)]
        lines += [f"{name}:{values[name]}" for name in sorted(values) if name.startswith("x-ms-")]
        lines.append(f"/{self.server.account}{path}")
        lines += [f"{name}:{query[name]}" for name in sorted(query)]
        return f"SharedKey {self.server.account}:{self.signature(chr(10).join(lines))}"

    def call(self, method, key, query=None, body=b"", headers=None, whole_answer=False):
        query = query or {}
        path = f"/{self.server.account}/{self.name}"
        if key:
            path += "/" + urllib.parse.quote(key, safe="/~")
        headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": self.version,
                   **(headers or {})}
        if method == "PUT":
            headers["Content-Type"] = "application/octet-stream"
        headers["Authorization"] = self.authorization(method, path, query, headers, len(body))
        target = self.server.endpoint + path + ("?" + urllib.parse.urlencode(query) if query else "")
        request = urllib.request.Request(target, body if method == "PUT" else None, headers,
                                         method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer if whole_answer else answer.read()

    def sas(self, permissions, hours=1):
        """A service SAS of the container."""
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))
        resource = f"/blob/{self.server.account}/{self.name}"
        fields = [permissions, "", until, resource, "", "", "", self.version, "c", "", "", "", "",
                  "", "", ""]
        return urllib.parse.urlencode({"sv": self.version, "sr": "c", "sp": permissions,
                                       "se": until, "sig": self.signature("\n".join(fields))})

    def write(self, key, content, metadata=None):
        headers = {"x-ms-blob-type": "BlockBlob",
                   **{f"x-ms-meta-{name}": value for name, value in (metadata or {}).items()}}
        self.call("PUT", key, body=content, headers=headers)

    def read(self, key):
        return self.call("GET", key)

    def metadata(self, key):
        answer = self.call("HEAD", key, whole_answer=True)
        return {name.lower().removeprefix("x-ms-meta-"): value
                for name, value in answer.headers.items()
                if name.lower().startswith("x-ms-meta-")}

    def storage_class(self, key):
        return self.call("HEAD", key, whole_answer=True).headers["x-ms-access-tier"]

    def delete(self, key):
        self.call("DELETE", key)

    def keys(self, prefix=""):
        found, marker = [], ""
        while True:
            query = {"restype": "container", "comp": "list", "prefix": prefix, "marker": marker}
            page = ET.fromstring(self.call("GET", "", {k: v for k, v in query.items() if v}))
            found += [name.text for name in page.iterfind("./Blobs/Blob/Name")]
            marker = page.findtext("NextMarker") or ""
            if not marker:
                return of_users(found, prefix)
