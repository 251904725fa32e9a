# SPDX-License-Identifier: Apache-2.0
"""The release build: how it was compiled, what it carries of the place where it was built, and what a
crash leaves behind."""
import json
import os
import pathlib
import re
import resource
import subprocess

import pytest

from conftest import ROOT

RELEASE = ROOT / "build/release/cloudsync"
pytestmark = pytest.mark.skipif(not RELEASE.exists(), reason="tools/build has not been run")


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, RELEASE], check=True,
                          capture_output=True).stdout.decode()


def test_it_is_position_independent_with_everything_bound_at_start():
    assert re.search(r"Type:\s+DYN", readelf("-h"))
    dynamic = readelf("-d")
    assert "BIND_NOW" in dynamic and "PIE" in dynamic
    segments = readelf("-l")
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK.* RW ", segments)


def test_stack_and_buffers_are_guarded():
    symbols = readelf("--dyn-syms")
    assert "__stack_chk_fail" in symbols
    # A check of a size that the compiler knows leaves no symbol behind.
    commands = json.loads((RELEASE.parent / "compile_commands.json").read_text())
    for command in (entry["command"] for entry in commands):
        assert "-D_FORTIFY_SOURCE=3" in command and "-U_FORTIFY_SOURCE" not in command
    assert "_ZSt21__glibcxx_assert_fail" in symbols or "__glibcxx_assert" in symbols


def test_no_path_of_the_builder_is_in_it():
    assert str(ROOT).encode() not in RELEASE.read_bytes()


@pytest.mark.parametrize("asked", [False, True])
def test_a_crash_leaves_a_core_only_where_it_was_asked_for(tmp_path, asked):
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if hard == 0:
        pytest.skip("core dumps are switched off for this session")
    config = tmp_path / "config.yaml"
    os.mkfifo(config)
    process = subprocess.Popen(
        [str(RELEASE), "config", "check", "--config", str(config)], cwd=tmp_path,
        env={"HOME": str(tmp_path), "CLOUDSYNC_CORE_DUMPS": "1" if asked else "0"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)))
    try:
        with open(config, "w"):  # returns when the program has begun to read its configuration
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
    finally:
        process.kill()
        process.wait()
    [limit] = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert (limit.split()[4] == "0") == (not asked)
