# SPDX-License-Identifier: Apache-2.0
"""What README.md and docs/ show can be copied: configurations load, policies parse, links lead somewhere."""
import json
import os
import re
import subprocess

import pytest

from conftest import BINARY, ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CUSTOMER_KEY = "A" * 43 + "="  # 32 bytes in base64


def code_blocks(text):
    """Indented blocks; blocks that only a blank line parts are one."""
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text + "\n", re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found]


def configurations():
    for page in PAGES:
        for number, block in enumerate(code_blocks(page.read_text())):
            text = block.split("\n\n")[0]
            if re.search(r"^storage:", text, re.MULTILINE):
                yield pytest.param(page, text, id=f"{page.stem}-{number}")


def completed(page, text):
    """A part of a configuration, with what its page says before it."""
    if "provider:" in text:
        return text
    account = "\n  account: account" if page.stem == "azure" else ""
    return text.replace("storage:", f"storage:\n  provider: {page.stem}\n  bucket: bucket{account}")


@pytest.mark.parametrize("page, text", list(configurations()))
def test_configurations_load(page, text, tmp_path):
    config = tmp_path / "cloudsync.yaml"
    config.write_text(completed(page, text))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    environment.update((name, CUSTOMER_KEY) for name in re.findall(r"\$\{(\w+)\}", text))
    check = subprocess.run([BINARY, "config", "check", "--config", config], env=environment,
                           capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_policies_parse_and_links_lead_somewhere(page):
    text = page.read_text()
    for block in code_blocks(text):
        if block.startswith("{"):
            assert json.loads(block)["Statement"]
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_the_s3_policy_holds_what_requests_name():
    source = "".join(path.read_text() for path in (ROOT / "src/storage/s3").glob("*_requests.cc"))
    needed = set(re.findall(r"s3:\w+", source))
    policy, read_only = (json.loads(block) for block in code_blocks(
        (ROOT / "docs/providers/s3.md").read_text()) if block.startswith("{"))
    # The tags of a write are a header of it.
    needed |= {"s3:PutObjectTagging"}
    # Nothing in a run lists the uploads of others; versions are looked at only on servers that take a
    # delete marker for an object.
    assert actions(policy) == needed - {"s3:ListBucketMultipartUploads", "s3:ListBucketVersions"}
    assert actions(read_only) == {"s3:ListBucket", "s3:GetObject"}


def actions(policy):
    listed = [statement["Action"] for statement in policy["Statement"]]
    return {action for entry in listed for action in ([entry] if isinstance(entry, str) else entry)}
