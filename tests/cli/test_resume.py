# SPDX-License-Identifier: Apache-2.0
"""kill -9, signals and locks."""
import os
import signal
import subprocess
import time

import pytest

from conftest import make_bucket, stop
from servers import await_condition

PARTS = "SELECT count(*) FROM parts"


@pytest.fixture(params=["local", "minio", "resuming_gcs", "azurite"])
def bucket(request, tmp_path):
    return make_bucket(request, tmp_path)


def big(machine, size=96 << 20):
    content = os.urandom(1 << 20) * (size >> 20)
    machine.write("big.bin", content)
    return content


@pytest.fixture
def parts_machine(machine):
    machine.configure(storage={"multipart_threshold": "8MiB"}, max_workers=2)
    return machine


@pytest.fixture
def parts_other(other):
    other.configure(storage={"multipart_threshold": "8MiB"}, max_workers=2)
    return other


def test_killed_upload_goes_on_where_it_was(parts_machine):
    content = big(parts_machine)
    process = parts_machine.start("upload")
    await_condition(lambda: (parts_machine.query(PARTS) or [(0,)])[0][0] >= 4, "four parts")
    stop(process)
    finished = parts_machine.query(PARTS)[0][0]
    assert parts_machine.bucket.keys() == []
    result = parts_machine.run("upload", check=0)
    assert result.summary["bytes_uploaded"] <= len(content) - finished * (5 << 20) + (1 << 20) * 5
    assert parts_machine.bucket.read("data/big.bin") == content
    assert parts_machine.query("SELECT count(*) FROM transfers") == [(0,)]


def test_killed_upload_of_a_file_that_changed_starts_anew(parts_machine):
    big(parts_machine)
    process = parts_machine.start("upload")
    await_condition(lambda: (parts_machine.query(PARTS) or [(0,)])[0][0] >= 2, "two parts")
    stop(process)
    content = big(parts_machine, 48 << 20)
    parts_machine.run("upload", check=0)
    assert parts_machine.bucket.read("data/big.bin") == content
    if parts_machine.bucket.provider == "s3":
        assert parts_machine.bucket.uploads() == []


def test_killed_download_goes_on_where_it_was(parts_machine, parts_other):
    content = big(parts_machine)
    parts_machine.run("upload", check=0)
    process = parts_other.start("download")
    await_condition(lambda: (parts_other.query(PARTS) or [(0,)])[0][0] >= 4, "four parts")
    stop(process)
    finished = parts_other.query(PARTS)[0][0]
    if parts_other.query("SELECT count(*) FROM transfers") == [(0,)]:
        pytest.skip("the download was faster than the kill")
    assert "big.bin" not in parts_other.contents()
    result = parts_other.run("download", check=0)
    assert result.summary["bytes_downloaded"] <= len(content) - finished * (5 << 20) + (5 << 20)
    assert parts_other.read("big.bin") == content
    assert list((parts_other.root / ".cloudsync/tmp").iterdir()) == []


def test_killed_download_of_an_object_that_changed_is_never_a_mix(parts_machine, parts_other):
    big(parts_machine)
    parts_machine.run("upload", check=0)
    process = parts_other.start("download")
    await_condition(lambda: (parts_other.query(PARTS) or [(0,)])[0][0] >= 2, "two parts")
    stop(process)
    content = os.urandom(96 << 20)
    parts_machine.write("big.bin", content)
    parts_machine.run("upload", check=0)
    parts_other.run("download", check=0)
    assert parts_other.read("big.bin") == content


def test_kill_at_random_moments_loses_nothing(machine, other):
    for number in range(300):
        machine.write(f"d{number % 7}/f{number}", os.urandom(2000))
    expected = machine.contents()
    for command, one in (("upload", machine), ("download", other)):
        for moment in (0.02, 0.05, 0.1, 0.2, 0.3):
            process = one.start(command)
            try:
                process.wait(timeout=moment)
            except subprocess.TimeoutExpired:
                stop(process)
            for path, content in one.contents().items():
                assert expected[path] == content
        one.run(command, check=0)
        assert one.contents() == expected
        assert one.run(command, check=0).actions() == []


@pytest.mark.alone
@pytest.mark.parametrize("how, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_within_two_seconds_with_state_saved(parts_machine, how, code):
    content = big(parts_machine, 128 << 20)
    process = parts_machine.start("upload")
    await_condition(lambda: (parts_machine.query(PARTS) or [(0,)])[0][0] >= 1, "a part")
    begin = time.monotonic()
    process.send_signal(how)
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - begin < 2
    assert process.returncode == code
    assert b'"exit_code":%d' % code in output
    parts_machine.run("upload", check=0)
    assert parts_machine.bucket.read("data/big.bin") == content


def test_second_run_of_the_same_pair_is_refused(parts_machine):
    big(parts_machine)
    process = parts_machine.start("upload")
    await_condition(lambda: (parts_machine.query(PARTS) or [(0,)])[0][0] >= 1, "a part")
    result = parts_machine.run("upload")
    still_running = process.poll() is None
    status = parts_machine.run("status")
    stop(process)
    if not still_running:
        pytest.skip("the first run was too quick to be met")
    assert result.code == 7
    assert status.code == 0
