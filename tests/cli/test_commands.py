# SPDX-License-Identifier: Apache-2.0
"""status, ls, config check, help; TLS; a tree of real files."""
import json
import os
import pathlib
import shutil
import subprocess

from buckets import MinioBucket
from conftest import BINARY, Machine
from servers import MinioServer


def test_help_and_version():
    text = subprocess.run([BINARY, "--help"], capture_output=True, check=True).stdout.decode()
    for command in ("upload", "download", "sync", "status", "retry", "ls", "conflicts", "config"):
        assert command in text
    assert subprocess.run([BINARY, "--version"], capture_output=True, check=True).stdout


def test_status_tells_what_happened(machine):
    machine.write("f", b"12345")
    machine.run("sync", check=0)
    text = machine.run("status", json_output=False, check=0).stdout.decode()
    assert str(machine.database) in text and "sync" in text
    assert machine.run("status", check=0).lines


def test_status_works_without_database_and_writes_nothing(machine):
    machine.run("status", check=0)
    assert not machine.database.exists()


def test_ls_lists_the_bucket(machine):
    machine.write("a/b", b"123")
    machine.run("upload", check=0)
    [record] = machine.run("ls", "data/", check=0).lines
    assert record["path"] == "data/a/b" and record["bytes"] == 3
    assert b"data/a/b" in machine.run("ls", json_output=False, check=0).stdout


def test_config_check_masks_secrets(machine):
    machine.configure(storage={"credentials": {"aws_access_key_id": "AKIDEXAMPLE",
                                               "aws_secret_access_key": "very-secret-value"}}
                      if machine.bucket.provider == "s3" else None, max_workers=3)
    result = machine.run("config", "check", json_output=False, check=0)
    text = result.stdout.decode()
    assert "very-secret-value" not in text
    assert "max_workers" in text and "cloudsync.yaml" in text


def test_config_check_connects(machine):
    machine.run("config", "check", "--connect", json_output=False, check=0)


def test_output_is_silent_in_a_pipe(machine):
    machine.write("f", b"x")
    result = machine.run("upload", json_output=False, check=0)
    assert "\r" not in result.stderr and "\x1b" not in result.stderr
    assert result.stdout


def test_quiet_says_nothing(machine):
    machine.write("f", b"x")
    result = machine.run("upload", "--quiet", json_output=False, check=0)
    assert result.stdout == b"" and result.stderr == ""


def test_tls_with_a_private_authority(tmp_path):
    MinioServer.wanted()
    certs = tmp_path / "certs"
    certs.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-keyout", certs / "private.key", "-out", certs / "public.crt",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    server = MinioServer(certs)
    try:
        bucket = MinioBucket(server)
        machine = Machine(tmp_path / "m", bucket)
        machine.write("f", os.urandom(300_000))
        machine.configure(retry_attempts=0)
        refused = machine.run("upload", check=11)
        assert "ca_bundle" in refused.stderr
        machine.configure(storage={"ca_bundle": str(certs / "public.crt")})
        machine.run("upload", check=0)
        machine.write("big", os.urandom(20 << 20))
        machine.configure(storage={"ca_bundle": str(certs / "public.crt"),
                                   "multipart_threshold": "6MiB"})
        machine.run("sync", check=0)
        assert bucket.read("data/big") == machine.read("big")
    finally:
        server.stop()


def test_a_tree_of_real_files(machine, other):
    source = pathlib.Path("/usr/share/doc")
    if not source.is_dir():
        source = pathlib.Path("/usr/share")
    count = 0
    for folder, _, names in os.walk(source):
        for name in names:
            path = pathlib.Path(folder, name)
            if path.is_symlink() or not path.is_file():
                continue
            target = machine.root / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
            count += 1
            if count == 3000:
                break
        if count == 3000:
            break
    machine.write("big.bin", os.urandom(12 << 20))
    machine.configure(storage={"multipart_threshold": "8MiB"})
    machine.run("sync", check=0)
    other.run("sync", check=0)
    assert other.tree() == machine.tree()
    assert machine.run("sync", check=0).actions() == []
    assert other.run("sync", check=0).actions() == []


def test_environment_and_profile_credentials(minio_bucket, tmp_path):
    machine = Machine(tmp_path / "m", minio_bucket)
    storage = minio_bucket.storage()
    credentials = storage.pop("credentials")
    minio_bucket.storage = lambda: storage
    machine.write("f", b"x")
    machine.configure()
    environment = dict(machine.environment(),
                       AWS_ACCESS_KEY_ID=credentials["aws_access_key_id"],
                       AWS_SECRET_ACCESS_KEY=credentials["aws_secret_access_key"])
    subprocess.run(machine.command("upload"), env=environment, check=True, capture_output=True)
    aws = machine.folder / ".aws"
    aws.mkdir()
    (aws / "credentials").write_text("[team]\n" + "".join(
        f"{name} = {value}\n" for name, value in credentials.items()))
    machine.configure(storage={"profile": "team"})
    assert machine.run("upload", check=0).summary["unchanged"] == 1


def test_json_on_stdout_is_nothing_but_json(machine):
    machine.write("f", b"x")
    for line in machine.run("sync", check=0).stdout.splitlines():
        json.loads(line)


def test_public_bucket_needs_no_credentials(minio_bucket, tmp_path):
    minio_bucket.write("data/f", b"public")
    minio_bucket.client.put_bucket_policy(Bucket=minio_bucket.name, Policy=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]},
                       "Action": ["s3:GetObject", "s3:ListBucket"],
                       "Resource": [f"arn:aws:s3:::{minio_bucket.name}",
                                    f"arn:aws:s3:::{minio_bucket.name}/*"]}]}))
    machine = Machine(tmp_path / "m", minio_bucket)
    machine.configure(storage={"credentials": {"anonymous": True}})
    machine.run("download", check=0)
    assert machine.contents() == {"f": b"public"}
    machine.write("g", b"not allowed")
    assert machine.run("upload").code in (3, 10)
    assert minio_bucket.keys() == ["data/f"]
