# SPDX-License-Identifier: Apache-2.0
"""Who asks: short-lived credentials that end during a run, and every way of having the wrong ones. A
message names what is missing and where to give it, and never a secret."""
import base64
import json
import time

import pytest

from conftest import Machine
from gates import (ISSUERS, AwsWebIdentity, AzureClientSecret, AzureGate, GcsServiceAccount,
                   S3Gate)

FILES = 30


def gate_for(issuer_class, request, tmp_path):
    store = {"GcsGate": "gcs_bucket", "AzureGate": "azure_bucket", "S3Gate": "minio_bucket"}
    gate = issuer_class.gate_class(request.getfixturevalue(store[issuer_class.gate_class.__name__]))
    issuer = issuer_class(gate, tmp_path / "issuer")
    request.addfinalizer(gate.stop)
    request.addfinalizer(issuer.stop)
    return gate, issuer


def machine_of(gate, issuer, tmp_path, **config):
    machine = Machine(tmp_path / "m", gate.bucket)
    storage = gate.storage()
    machine.bucket = type("Gated", (), {"storage": lambda self: {
        name: value for name, value in storage.items() if value is not None},
        "provider": gate.bucket.provider})()
    machine.extra_environment = dict(issuer.environment)
    machine.configure(storage=issuer.storage, **config)
    return machine


@pytest.fixture(params=ISSUERS, ids=lambda issuer: issuer.__name__)
def gated(request, tmp_path):
    gate, issuer = gate_for(request.param, request, tmp_path)
    return machine_of(gate, issuer, tmp_path, max_workers=4), gate, issuer


def fill(machine, count=FILES):
    for number in range(count):
        machine.write(f"f{number:03}", f"content {number}".encode())


def text_of(result):
    return result.stderr + result.stdout.decode(errors="replace")


def assert_no_secret(machine, result, *secrets):
    everything = result.stdout + result.stderr.encode()
    for path in machine.folder.glob("state.db*"):
        everything += path.read_bytes()
    for secret in secrets:
        assert secret.encode() not in everything


def test_every_chain_is_found_and_asked_once(gated):
    machine, gate, _ = gated
    fill(machine)
    result = machine.run("upload", "-v", check=0)
    assert_no_secret(machine, result, "pass-1", "PRIVATE KEY", S3Gate.secret)
    assert gate.bucket.keys("data/") == [f"data/f{n:03}" for n in range(FILES)]
    assert gate.serial == 1 and gate.refusals == []


def test_credentials_that_end_during_a_run_are_renewed(gated):
    machine, gate, _ = gated
    fill(machine)
    machine.run("upload", prefix="warm/", check=0)
    gate.serial = gate.seen = 0
    gate.expire_after = 12
    result = machine.run("sync", check=0)
    assert result.summary["uploaded"] == FILES
    assert gate.serial == 2, "one renewal, however many requests noticed"
    assert gate.refusals


def test_credentials_that_end_soon_are_renewed_before(gated):
    machine, gate, _ = gated
    fill(machine, 5)
    gate.seconds = 30  # below every provider's margin: due at once, and still good
    machine.run("upload", check=0)
    assert gate.refusals == []
    assert len(gate.bucket.keys("data/")) == 5


def test_credentials_that_cannot_be_renewed_stop_the_run(gated):
    machine, gate, issuer = gated
    fill(machine)
    machine.run("upload", prefix="warm/", check=0)
    gate.serial = gate.seen = 0
    gate.expire_after = 12
    process_start = gate.issue  # the first is still given out

    def only_once():
        issued = process_start()
        gate.issuing = False
        return issued
    gate.issue = only_once
    result = machine.run("sync", check=10)
    finished = time.monotonic()
    assert finished - gate.refusals[0] < 2
    done = result.summary["uploaded"]
    assert 0 < done < FILES and result.summary["exit_code"] == 10
    for words in issuer.says:
        assert words in text_of(result), result
    # What was done is remembered, and nothing of it is sent again.
    gate.issue, gate.issuing, gate.expire_after = process_start, True, None
    again = machine.run("sync", check=0)
    assert again.summary["uploaded"] + again.summary["adopted"] == FILES - done
    assert len(gate.bucket.keys("data/")) == FILES


def test_wrong_tenant_is_named(request, tmp_path):
    gate, issuer = gate_for(AzureClientSecret, request, tmp_path)
    issuer.environment["AZURE_TENANT_ID"] = "99999999-0000-0000-0000-000000000000"
    machine = machine_of(gate, issuer, tmp_path)
    machine.write("f")
    result = machine.run("upload", check=10)
    for words in ("AADSTS90002", "99999999-0000-0000-0000-000000000000", "AZURE_TENANT_ID"):
        assert words in result.stderr, result
    assert_no_secret(machine, result, "the-secret-value")


def test_wrong_client_secret_is_named_and_not_shown(request, tmp_path):
    gate, issuer = gate_for(AzureClientSecret, request, tmp_path)
    issuer.environment = {"AZURE_AUTHORITY_HOST": issuer.loopback.url}
    issuer.storage = {"credentials": {"tenant_id": issuer.tenant, "client_id": "the-client",
                                      "client_secret": "not-the-secret-value"}}
    machine = machine_of(gate, issuer, tmp_path)
    machine.write("f")
    result = machine.run("upload", "-v", check=10)
    assert "AADSTS7000215" in result.stderr and "client_secret" in result.stderr, result
    assert_no_secret(machine, result, "not-the-secret-value")


def test_missing_service_account_file_is_named(request, tmp_path):
    gate, issuer = gate_for(GcsServiceAccount, request, tmp_path)
    issuer.storage = {"credentials": {"service_account_file": "/nowhere/key.json"}}
    machine = machine_of(gate, issuer, tmp_path)
    machine.write("f")
    result = machine.run("upload")
    assert result.code in (2, 10), result
    assert "/nowhere/key.json" in result.stderr
    assert "onfiguration" in result.stderr or "service_account_file" in result.stderr


def test_key_file_that_is_none_is_named(request, tmp_path):
    gate, issuer = gate_for(GcsServiceAccount, request, tmp_path)
    file = tmp_path / "key.json"
    issuer.storage = {"credentials": {"service_account_file": str(file)}}
    machine = machine_of(gate, issuer, tmp_path)
    machine.write("f")
    for text in ("", "{", "[]", '{"type": "service_account"}', '{"type": "carrier_pigeon"}',
                 '{"type": "service_account", "client_email": "a@b", "private_key": "secret-no-pem"}'):
        file.write_text(text)
        result = machine.run("upload")
        assert result.code in (2, 10), (text, result)
        assert str(file) in result.stderr, (text, result)
        assert "secret-no-pem" not in result.stderr


def test_expired_identity_token_is_named(request, tmp_path):
    gate, issuer = gate_for(AwsWebIdentity, request, tmp_path)
    gate.issuing = False
    machine = machine_of(gate, issuer, tmp_path)
    machine.write("f")
    result = machine.run("upload", check=10)
    assert "ExpiredTokenException" in result.stderr
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" in result.stderr or str(tmp_path) in result.stderr, result


def azure_machine(bucket, tmp_path, credentials, **storage):
    machine = Machine(tmp_path / "m", bucket)
    base = {k: v for k, v in bucket.storage().items() if k != "credentials"}
    machine.bucket = type("Other", (), {"storage": lambda self: base, "provider": "azure"})()
    machine.configure(storage={"credentials": credentials, **storage})
    return machine


def test_wrong_account_key_is_named(azure_bucket, tmp_path):
    secret = base64.b64encode(b"quite another key of 64 bytes" * 2).decode()
    machine = azure_machine(azure_bucket, tmp_path,
                            {"account_name": "devstoreaccount1", "account_key": secret})
    machine.write("f")
    result = machine.run("upload", "-v", check=10)
    assert "account_key" in result.stderr, result
    assert_no_secret(machine, result, secret)


def test_account_key_that_is_no_base64_is_named(azure_bucket, tmp_path):
    machine = azure_machine(azure_bucket, tmp_path,
                            {"account_name": "devstoreaccount1", "account_key": "not base64!"})
    machine.write("f")
    result = machine.run("upload")
    assert result.code in (2, 10) and "account_key" in result.stderr, result


def test_missing_container_is_named(azure_bucket, tmp_path):
    machine = Machine(tmp_path / "m", azure_bucket)
    machine.configure(storage={"bucket": "no-such-container"})
    machine.write("f")
    for command in ("upload", "sync"):
        assert "no-such-container" in machine.run(command, check=2).stderr


def test_missing_gcs_bucket_is_named(gcs_bucket, tmp_path):
    machine = Machine(tmp_path / "m", gcs_bucket)
    machine.configure(storage={"bucket": "no-such-bucket-here"})
    machine.write("f")
    for command in ("upload", "sync"):
        assert "no-such-bucket-here" in machine.run(command, check=2).stderr


def test_sas_and_connection_string_give_access(azure_bucket, tmp_path):
    server = azure_bucket.server
    place = f"BlobEndpoint={server.endpoint}/{server.account};AccountName={server.account};"
    ways = [{"account_name": server.account, "sas_token": azure_bucket.sas("racwdl")},
            {"account_name": server.account, "sas_token": "?" + azure_bucket.sas("racwdl")},
            {"connection_string": place + f"AccountKey={server.key}"},
            {"connection_string": place + f"SharedAccessSignature={azure_bucket.sas('racwdl')}"}]
    for number, credentials in enumerate(ways):
        machine = azure_machine(azure_bucket, tmp_path / str(number), credentials)
        machine.write(f"f{number}", b"x")
        result = machine.run("upload", "-v", prefix=f"{number}/", check=0)
        assert azure_bucket.read(f"{number}/f{number}") == b"x"
        assert_no_secret(machine, result, server.key, "sig=")


def test_environment_gives_azure_credentials(azure_bucket, tmp_path):
    server = azure_bucket.server
    machine = azure_machine(azure_bucket, tmp_path, {})
    machine.configure()
    machine.write("f", b"x")
    machine.extra_environment = {"AZURE_STORAGE_ACCOUNT": server.account,
                                 "AZURE_STORAGE_KEY": server.key}
    machine.run("upload", prefix="key/", check=0)
    machine.extra_environment = {"AZURE_STORAGE_ACCOUNT": server.account,
                                 "AZURE_STORAGE_SAS_TOKEN": azure_bucket.sas("racwdl")}
    machine.run("upload", prefix="sas/", check=0)
    assert azure_bucket.keys() == ["key/f", "sas/f"]


def test_sas_without_the_right_to_write_is_explained(azure_bucket, tmp_path):
    machine = azure_machine(azure_bucket, tmp_path, {
        "account_name": "devstoreaccount1", "sas_token": azure_bucket.sas("rl")})
    machine.write("f")
    result = machine.run("upload", "-v")
    assert result.code in (3, 10), result
    assert "AuthorizationPermissionMismatch" in text_of(result), result
    assert "sas_token" in text_of(result) and "write" in text_of(result), result
    assert azure_bucket.keys() == []
    assert_no_secret(machine, result, "sig=")


def test_sas_without_the_right_to_list_is_explained(azure_bucket, tmp_path):
    machine = azure_machine(azure_bucket, tmp_path, {
        "account_name": "devstoreaccount1", "sas_token": azure_bucket.sas("rw")})
    machine.write("f")
    result = machine.run("sync", check=10)
    assert "sas_token" in result.stderr and "list" in result.stderr.lower(), result


def test_expired_sas_is_named(azure_bucket, tmp_path):
    machine = azure_machine(azure_bucket, tmp_path, {
        "account_name": "devstoreaccount1", "sas_token": azure_bucket.sas("racwdl", hours=-1)})
    machine.write("f")
    result = machine.run("upload", check=10)
    assert "sas_token" in result.stderr, result


def test_account_without_any_credential_names_the_ways(azure_bucket, tmp_path):
    machine = azure_machine(azure_bucket, tmp_path, {"account_name": "devstoreaccount1"})
    machine.extra_environment = {"PATH": "/nonexistent",  # no az
                                 "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"}
    machine.write("f")
    result = machine.run("upload", check=10)
    for words in ("account_key", "sas_token", "AZURE_TENANT_ID", "az"):
        assert words in result.stderr, result


def test_bearer_token_without_the_role_is_explained(request, tmp_path):
    gate, issuer = gate_for(AzureClientSecret, request, tmp_path)

    def reader_only(method, target, headers, body):
        if method == "PUT":
            return 403, {"x-ms-error-code": "AuthorizationPermissionMismatch",
                         "Content-Type": "application/xml"}, (
                b'<?xml version="1.0"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>This '
                b"request is not authorized to perform this operation using this permission.</Message>"
                b"</Error>")
        return AzureGate.answer(gate, method, target, headers, body)
    gate.answer = reader_only
    machine = machine_of(gate, issuer, tmp_path)
    machine.write("f")
    result = machine.run("upload", "-v")
    assert result.code in (3, 10), result
    assert "Storage Blob Data Contributor" in text_of(result), result


def test_gcs_without_the_right_to_create_names_the_role(request, tmp_path):
    gate, issuer = gate_for(GcsServiceAccount, request, tmp_path)
    original = gate.answer

    def viewer_only(method, target, headers, body):
        if method == "POST" and target.startswith("/upload/"):
            message = ("robot@project.iam.gserviceaccount.com does not have storage.objects.create "
                       "access to the Google Cloud Storage object.")
            return 403, {"Content-Type": "application/json"}, json.dumps({"error": {
                "code": 403, "message": message,
                "errors": [{"domain": "global", "reason": "forbidden", "message": message}]}}).encode()
        return original(method, target, headers, body)
    gate.answer = viewer_only
    machine = machine_of(gate, issuer, tmp_path)
    machine.write("f")
    result = machine.run("upload", "-v")
    assert result.code in (3, 10), result
    assert "storage.objects.create" in text_of(result), result
    assert "roles/storage.object" in text_of(result), result
