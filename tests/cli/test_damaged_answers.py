# SPDX-License-Identifier: Apache-2.0
"""Bytes that arrive damaged, and hashes that anybody can set and that are wrong: fetched once more over
another connection, then judged by what the service itself computed."""
import base64
import functools
import hashlib

import pytest

from conftest import Machine

KEY = "data/file.bin"
SMALL = b"what is in the bucket\n" * 50
LARGE = bytes(range(256)) * (12 << 12)  # 12 MiB: three ranges
SIZES = {"single": SMALL, "ranged": LARGE}
WRONG = hashlib.md5(b"other bytes").digest()
PARTS = {"multipart_threshold": "5MiB", "chunk_size": "5MiB"}


@pytest.fixture
def machine(passage, tmp_path):
    return machine_at(tmp_path / "m", passage)


def machine_at(folder, bucket):
    machine = Machine(folder, bucket)
    machine.configure(storage=PARTS, max_workers=4)
    return machine


def damage(passage, times):
    """One byte of the object's first `times` answers is another one."""
    left = [times]

    def answer(request):
        if not passage.is_read(request, KEY):
            return None
        status, reply, content = passage.upstream(request)
        with passage.lock:
            damaged = left[0] > 0 and bool(content)
            left[0] -= damaged
        if damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        return status, reply, content

    passage.answer = answer


@pytest.mark.parametrize("size", SIZES)
def test_what_arrives_damaged_is_fetched_again_over_another_connection(machine, passage, size):
    passage.bucket.write(KEY, SIZES[size])
    damage(passage, 1)
    result = machine.run("download", check=0)
    assert machine.read("file.bin") == SIZES[size]
    assert result.summary["bytes_downloaded"] == len(SIZES[size])
    reads = passage.reads(KEY)
    once = len(reads) // 2
    assert len(reads) == 2 * once and (once == 1) == (size == "single")
    before = {read.client for read in reads[:once]}
    after = [read.client for read in reads[once:]]
    assert before.isdisjoint(after) and len(set(after)) == once
    assert machine.query("SELECT md5 FROM entries") == [(hashlib.md5(SIZES[size]).digest(),)]


@pytest.mark.parametrize("size", SIZES)
def test_what_arrives_damaged_twice_fails_and_names_both_hashes(machine, passage, size):
    passage.bucket.write(KEY, b"the old content")
    machine.run("download", check=0)
    passage.bucket.write(KEY, SIZES[size])
    damage(passage, 1000)
    result = machine.run("download", check=3)
    error = [line for line in result.lines if line.get("status") == "failed"][0]["error"]
    assert error["code"] == "data_corrupt"
    told = hashlib.md5(SIZES[size]).hexdigest()
    assert told in error["message"] and error["message"].count(" MD5 ") == 1, error
    assert ("--ignore-stored-md5" in error["message"]) == (passage.provider == "azure")
    assert machine.contents() == {"file.bin": b"the old content"}
    assert list((machine.root / ".cloudsync" / "tmp").glob("*")) == []
    passage.answer = lambda request: None
    machine.run("download", check=0)
    assert machine.read("file.bin") == SIZES[size]


def set_wrong_md5(bucket, key, content):
    if bucket.provider == "azure":
        bucket.write(key, content)
        bucket.call("PUT", key, query={"comp": "properties"},
                    headers={"x-ms-blob-content-md5": base64.b64encode(WRONG).decode()})
    else:
        bucket.write(key, content, metadata={"md5chksum": base64.b64encode(WRONG).decode()})


@functools.lru_cache
def crc64nvme(content):
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x9A6C9329AC4BC9B5 if value & 1 else 0)
        table.append(value)
    crc = 2**64 - 1
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return base64.b64encode((crc ^ 2**64 - 1).to_bytes(8, "big")).decode()


def write_in_parts(bucket, key, content, checksum):
    """S3: an ETag that is no MD5, and a checksum of the whole only where one is asked for."""
    of_whole = {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"} if checksum else {}
    client, place = bucket.client, {"Bucket": bucket.name, "Key": key}
    begun = client.create_multipart_upload(
        **place, Metadata={"md5chksum": base64.b64encode(WRONG).decode()}, **of_whole)
    place["UploadId"] = begun["UploadId"]
    parts = []
    for number, at in enumerate(range(0, len(content), 5 << 20), 1):
        part = content[at:at + (5 << 20)]
        sums = {"ChecksumCRC64NVME": crc64nvme(part)} if checksum else {}
        answer = client.upload_part(**place, PartNumber=number, Body=part, **sums)
        parts.append({"PartNumber": number, "ETag": answer["ETag"], **sums})
    client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})


@pytest.mark.parametrize("size", SIZES)
def test_a_wrong_hash_that_anybody_can_set(machine, passage, size):
    content = SIZES[size]
    set_wrong_md5(passage.bucket, KEY, content)
    vouched = passage.provider != "azure"  # by the ETag, md5Hash, crc32c
    result = machine.run("download", check=0 if vouched else 3)
    assert WRONG.hex() in result.stderr + result.stdout.decode()
    if not vouched:
        assert "--ignore-stored-md5" in result.stdout.decode()
        assert machine.contents() == {}
        again = machine.run("download", "--ignore-stored-md5", check=0)
        assert WRONG.hex() in again.stderr
    assert machine.read("file.bin") == content
    assert machine.query("SELECT md5 FROM entries") == [(hashlib.md5(content).digest(),)]
    assert machine.run("sync", check=0).actions() == []
    assert machine.run("sync", "--checksum", check=0).actions() == []


@pytest.mark.parametrize("checksum", [False, True], ids=["none", "crc"])
@pytest.mark.parametrize("threshold", ["5MiB", "100MiB"], ids=["ranged", "single"])
def test_a_wrong_hash_beside_an_etag_that_is_none(minio_bucket, tmp_path, checksum, threshold):
    write_in_parts(minio_bucket, KEY, LARGE, checksum)
    machine = Machine(tmp_path / "m", minio_bucket)
    machine.configure(storage={**PARTS, "multipart_threshold": threshold})
    result = machine.run("download", check=0 if checksum else 3)
    assert WRONG.hex() in result.stderr + result.stdout.decode()
    if not checksum:
        assert "--ignore-stored-md5" in result.stdout.decode()
        machine.run("download", "--ignore-stored-md5", check=0)
    assert machine.read("file.bin") == LARGE
    assert machine.query("SELECT md5 FROM entries") == [(hashlib.md5(LARGE).digest(),)]
    assert machine.run("sync", check=0).actions() == []
