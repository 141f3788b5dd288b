"""The bill of materials and the audit of dependencies: whole, without a registry's host, and honest when nobody answers."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from docs.sbom import bill, components
from tests.security.audit import UNREACHABLE, judged

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_every_pinned_package_is_in_the_bill_with_its_hashes() -> None:
    pinned = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==", LOCK, re.MULTILINE)}
    listed = {one["name"]: one for one in components(LOCK)}
    assert listed.keys() == pinned
    assert len(pinned) > 50
    for one in listed.values():
        assert one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}"
        assert [p for p in one["properties"] if p["name"] == "qingqun:sha256"], one["name"]
    wanted = {re.split(r"[\[<>=~ ]", one)[0].lower() for one in PROJECT["dependencies"]}
    assert wanted <= pinned


def test_the_bill_names_no_host_and_is_the_same_each_time() -> None:
    made = bill(LOCK, PROJECT)
    text = json.dumps(made)
    assert not re.search(r"https?://|simple/|index", text)
    assert text == json.dumps(bill(LOCK, PROJECT))
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")


def test_the_locks_name_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (ROOT / name).read_text("utf-8")


def test_an_audit_that_asked_nobody_does_not_say_that_all_is_well() -> None:
    skipped = {"dependencies": [{"name": "jinja2", "skip_reason": "not found"}]}
    assert judged(skipped) == (0, UNREACHABLE)
    assert judged({"dependencies": []}) == (0, UNREACHABLE)
    good = {"name": "x", "version": "1", "vulns": []}
    assert "没有已知漏洞" in judged({"dependencies": [good]})[1]
    assert judged({"dependencies": [good, *skipped["dependencies"]]})[0] == 1
    assert judged({"dependencies": [{**good, "vulns": [{"id": "PYSEC-1"}]}]})[0] == 1
