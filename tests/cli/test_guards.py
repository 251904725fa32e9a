# SPDX-License-Identifier: Apache-2.0
"""What a run may delete and what it may touch, whatever it was asked for."""
import os
import sqlite3

import pytest

from buckets import LocalBucket
from conftest import Machine

SECRET = b"the secret"


@pytest.fixture
def local(tmp_path):
    return LocalBucket(tmp_path / "cloud")


@pytest.fixture
def here(local, tmp_path):
    """A machine on the embedded provider."""
    return Machine(tmp_path / "a", local)


# An empty source
# --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("count", [1, 10, 25])
def test_mirror_from_a_mistyped_prefix_deletes_nothing(machine, count):
    machine.bucket.write("data/other", b"x")
    for number in range(count):
        machine.write(f"f{number}")
    result = machine.run("download", "--mirror", prefix="dta/", check=5)
    assert "emptied" in result.stderr and "--force emptied" in result.stderr
    assert result.summary["deleted_local"] == 0
    assert len(machine.contents()) == count


@pytest.mark.parametrize("count", [1, 10])
def test_mirror_from_a_wrong_folder_deletes_nothing(machine, count):
    for number in range(count):
        machine.bucket.write(f"data/f{number}", b"x")
    result = machine.run("upload", "--mirror", check=5)
    assert result.summary["brake"] == "emptied"
    assert len(machine.bucket.keys()) == count


@pytest.mark.parametrize("how", ["dry run", "one file of another kind"])
def test_an_emptied_source_is_seen_in_every_form(here, how):
    here.bucket.write("data/f", b"x")
    args = ("--dry-run",) if how == "dry run" else ()
    if how != "dry run":
        os.symlink("nowhere", here.root / "link")
    here.run("upload", "--mirror", *args, check=5)
    assert here.bucket.keys() == ["data/f"]


def test_emptied_is_lifted_by_name_or_by_a_spools_own_setting(here):
    for number in range(3):
        here.bucket.write(f"data/f{number}", b"x")
    here.run("upload", "--mirror", "--force", "emptied", check=0)
    assert here.bucket.keys() == []
    here.configure(allow_emptied=True)
    here.write("spooled", b"x")
    here.run("sync", check=0)
    (here.root / "spooled").unlink()
    here.run("sync", check=0)
    assert here.bucket.keys() == []


@pytest.mark.parametrize("command", ["sync", "upload", "download"])
def test_an_empty_side_without_deletions_is_no_brake(here, command):
    here.write("f", b"x") if command == "upload" else here.bucket.write("data/f", b"x")
    here.run(command, check=0)
    assert here.contents() == {"f": b"x"} and here.bucket.keys() == ["data/f"]


def test_both_sides_empty(here):
    here.run("upload", "--mirror", check=0)
    here.run("download", "--mirror", check=0)


def test_folders_count_below_the_line_as_above(here):
    here.configure(empty_dirs=True)
    for number in range(12):
        here.write(f"d{number}/f", b"x")
    here.write("stays", b"x")
    here.run("sync", check=0)
    for number in range(12):
        (here.root / f"d{number}" / "f").unlink()
        (here.root / f"d{number}").rmdir()
    result = here.run("sync", check=5)
    assert result.summary["brake"] == "max-delete"
    assert "12 of 13 known files (92.3 %)" in result.stderr


# The program's own files and its user's credentials
# --------------------------------------------------------------------------------------------------

@pytest.fixture
def nested(local, tmp_path):
    """The configuration, database, log and home folder all lie in the folder that is synced."""
    machine = Machine(tmp_path / "a", local)
    machine.folder = machine.root
    machine.database = machine.root / "state.db"
    machine.config_file = machine.root / "cloudsync.yaml"
    machine.configure()
    return machine


OWN = ["cloudsync.yaml", "key.json", "aws-credentials", "pg.pass", "run.log", ".netrc", ".pgpass",
       ".aws/credentials", ".aws/sso/cache/token.json", ".azure/token", "state.db",
       ".config/gcloud/application_default_credentials.json"]


def furnish(machine):
    for name in OWN:
        if name not in ("cloudsync.yaml", "state.db", "run.log"):
            machine.write(name, SECRET)
    machine.configure(storage={"ca_bundle": str(machine.write("ca.pem", SECRET))})
    machine.extra_environment = {
        "GOOGLE_APPLICATION_CREDENTIALS": str(machine.root / "key.json"),
        "AWS_SHARED_CREDENTIALS_FILE": "aws-credentials", "PGPASSFILE": "./pg.pass"}


@pytest.mark.parametrize("command", ["sync", "upload"])
def test_own_files_are_not_sent(nested, command):
    furnish(nested)
    nested.write("data.csv", b"x")
    log = nested.root / "run.log"
    for _ in range(2):
        result = nested.run(command, "--log-file", log, "-v", check=0)
    assert nested.bucket.keys() == ["data/data.csv"]
    named = {path for _, path in result.actions("skip")}
    assert {*OWN, "ca.pem"} <= named, named
    assert result.summary["skipped"] == 0
    assert "skip" not in str(nested.run(command, check=0).actions())


@pytest.mark.parametrize("command", ["sync", "download"])
def test_own_files_are_not_replaced_deleted_or_trashed(nested, command):
    furnish(nested)
    before = {name: nested.read(name) for name in [*OWN, "ca.pem"] if (nested.root / name).exists()}
    for name in [*OWN, "ca.pem", "state.db-wal", ".aws/new", ".config"]:
        nested.bucket.write(f"data/{name}" if name != ".config" else "data/other", b"hostile")
    log = nested.root / "run.log"
    args = ("--mirror",) if command == "download" else ()
    nested.run(command, "--log-file", log, *args, check=0)
    for name, content in before.items():
        assert nested.read(name) == content, name
    assert not (nested.root / ".aws/new").exists()
    assert nested.read("other") == b"hostile"
    for name in before:
        nested.bucket.delete(f"data/{name}")
    nested.bucket.write("data/other2", b"x")
    nested.run(command, "--log-file", log, *args, check=0)
    for name, content in before.items():
        assert nested.read(name) == content, name
    trash = nested.root / ".cloudsync" / "trash"
    assert not [path for path in trash.rglob("*") if path.is_file()]


def test_an_object_in_the_place_of_a_credentials_folder_is_left_alone(minio_bucket, tmp_path):
    machine = Machine(tmp_path / "a", minio_bucket)
    machine.folder = machine.root
    machine.write(".aws/credentials", b"[default]")
    machine.bucket.write("data/.aws", b"hostile")
    machine.bucket.write("data/f", b"x")
    machine.run("download", check=0)
    assert machine.read(".aws/credentials") == b"[default]" and machine.read("f") == b"x"


def test_a_replaced_or_linked_configuration_is_still_the_configuration(nested):
    real = nested.root / "real.yaml"
    nested.config_file.rename(real)
    nested.config_file.symlink_to("real.yaml")
    os.link(real, nested.root / "second-name.yaml")
    nested.write("f", b"x")
    nested.configure(links="follow")
    nested.run("sync", check=0)
    assert nested.bucket.keys() == ["data/f"]
    new = nested.root / "real.yaml~"
    new.write_bytes(real.read_bytes())
    new.rename(real)  # as editors save
    (nested.root / "second-name.yaml").unlink()
    nested.run("sync", check=0)
    assert nested.bucket.keys() == ["data/f"]
    assert nested.config_file.is_symlink()


def test_a_configuration_that_was_sent_is_forgotten_with_a_warning(nested):
    outside = nested.root.parent / "outside.yaml"
    nested.config_file.rename(outside)
    nested.write("cloudsync.yaml", outside.read_bytes())
    inside, nested.config_file = nested.config_file, outside
    nested.run("sync", check=0)
    assert nested.bucket.keys() == ["data/cloudsync.yaml"]
    nested.config_file = inside
    result = nested.run("sync", check=0)
    assert "data/cloudsync.yaml" in result.stderr and "secret" in result.stderr
    assert nested.query("SELECT count(*) FROM entries") == [(0,)]
    nested.bucket.delete("data/cloudsync.yaml")
    result = nested.run("sync", check=0)
    assert "secret" not in result.stderr
    assert inside.exists() and nested.bucket.keys() == []


def test_two_names_of_the_configuration_do_not_read_as_a_deletion(nested):
    """A hard link is passed over, not taken for absent."""
    nested.write("copy.yaml", b"x")
    nested.write("f", b"x")
    nested.run("sync", check=0)
    (nested.root / "copy.yaml").unlink()
    os.link(nested.config_file, nested.root / "copy.yaml")
    nested.run("sync", check=0)
    assert nested.bucket.read("data/copy.yaml") == b"x"
    assert (nested.root / "copy.yaml").samefile(nested.config_file)


# Everything rewritten
# --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command, side", [("upload", "local"), ("sync", "bucket"),
                                           ("download", "bucket")])
def test_too_much_new_content_replaces_and_deletes_nothing(here, command, side):
    here.configure(max_rewrite="50%")
    for number in range(8):
        here.write(f"f{number}", f"old {number}")
    here.run("sync", check=0)
    for number in range(5):
        if side == "local":
            here.write(f"f{number}", f"encrypted {number}")
        else:
            here.bucket.write(f"data/f{number}", f"encrypted {number}".encode())
    if side == "local":
        here.write("new", b"n")
        (here.root / "f7").unlink()
    else:
        here.bucket.write("data/new", b"n")
        here.bucket.delete("data/f7")
    args = () if command == "sync" else ("--delete",)
    for extra in (("--dry-run",), ()):
        result = here.run(command, *args, *extra, check=5)
        assert result.summary["brake"] == "rewritten"
        assert "5 of 8 known files" in result.stderr and "--force rewritten" in result.stderr
    replaced = here.bucket.read if side == "local" else here.read
    prefix = "data/" if side == "local" else ""
    assert replaced(f"{prefix}f0") == b"old 0" and replaced(f"{prefix}f7") == b"old 7"
    assert replaced(f"{prefix}new") == b"n"
    here.run(command, *args, "--force", "rewritten", check=0)
    assert replaced(f"{prefix}f0") == b"encrypted 0"
    assert here.bucket.keys() == [f"data/f{n}" for n in range(7)] + ["data/new"]


def test_as_much_new_content_as_is_allowed_passes(here):
    here.configure(max_rewrite=3)
    for number in range(5):
        here.write(f"f{number}", f"old {number}")
    here.run("sync", check=0)
    for number in range(3):
        here.write(f"f{number}", f"edited {number}")
    result = here.run("sync", check=0)
    assert result.summary["uploaded"] == 3 and result.summary["rewritten"] == 0
    assert here.bucket.read("data/f2") == b"edited 2"


def test_a_mass_rewrite_is_said_without_a_limit_too(here):
    for number in range(150):
        here.write(f"f{number}", f"old {number}")
    here.run("sync", check=0)
    for number in range(110):
        here.write(f"f{number}", f"encrypted {number}")
    log = here.folder / "run.log"
    result = here.run("sync", "--log-file", log, check=0)
    assert result.summary["rewritten"] == 110 and result.summary["uploaded"] == 110
    assert "110 of 150 known files" in result.stderr
    assert "110 of 150 known files" in log.read_text()


def test_a_retry_from_an_emptied_folder_deletes_nothing(here):
    """What failed before is decided anew, but not where its source has gone altogether."""
    here.write("f", b"1")
    here.run("upload", check=0)
    with sqlite3.connect(here.database) as db:
        db.execute("INSERT INTO retry SELECT 1, key, 'x', 1, 1, 'local_io', 'x', 0 FROM entries")
    here.configure(deletes="propagate")
    (here.root / "f").unlink()
    result = here.run("retry", check=5)
    assert result.summary["brake"] == "emptied"
    assert here.bucket.keys() == ["data/f"]
