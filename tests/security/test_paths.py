"""Path traversal: no name that comes from outside becomes a place on the disk."""
# ruff: noqa: E501 (adversaries stand in a row)

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.house import House
from tests.web.conftest import Client, client  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[2]
UP = ["../secret", "..%2f..%2fsecret", "%2e%2e/%2e%2e/secret", "....//secret", "..\\secret", "/etc/passwd", "%00secret", "a/../../secret"]


@pytest.mark.parametrize("way", UP)
@pytest.mark.parametrize("stem", ["/static/", "/static/playground/", "/n/", "/mine/", "/c/", "/playground/files/", "/office/invite/"])
async def test_no_address_leads_out(house: House, client: Client, stem: str, way: str) -> None:  # noqa: F811
    (house.data / "secret").write_text("streng-geheim", "ascii")
    page = await client(None).get(stem + way)
    assert page.status_code in (303, 404, 401), (stem, way, page.status_code)
    assert "streng-geheim" not in page.text
    assert "root:" not in page.text


@pytest.mark.parametrize("week", ["../../secret", "2026-W47/../../x", "2026-W99", "%2e%2e", "2026-W47\x00"])
async def test_a_week_is_a_week(house: House, client: Client, week: str) -> None:  # noqa: F811
    from urllib.parse import quote

    for ending in ("", ".xlsx"):
        answer = await client().get(f"/api/v1/inventories/{quote(week, safe='')}{ending}")
        assert answer.status_code in (404, 422)


def evil(path: Path, files: dict[str, bytes]) -> Path:
    """A backup that is whole by its own manifest, with files that want to be elsewhere."""
    from storage.migrate import HEAD

    manifest = {
        "format": 1, "made": datetime(2026, 11, 16, tzinfo=UTC).isoformat(), "version": "0", "schema": HEAD, "engine": "sqlite",
        "tables": {}, "files": {name: {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)} for name, body in files.items()},
    }  # fmt: skip
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
        archive.writestr("manifest.json", json.dumps(manifest))
    return path


def test_a_backup_cannot_write_beside_the_data(tmp_path: Path) -> None:
    names = ["../evil", "../../evil", str(tmp_path / "evil"), "x/../../evil", "..\\evil", "secret/../../evil"]
    file = evil(tmp_path / "b.zip", dict.fromkeys(names, b"evil"))
    before = set(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "bot", "restore", str(file), "--data", str(tmp_path / "in" / "data"), "--force"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    made = {str(one.relative_to(tmp_path)) for one in {*tmp_path.rglob("*")} - before}
    assert "Traceback" not in done.stderr
    assert not [name for name in made if "evil" in name], made
    assert all(name == "in" or name.startswith("in/data") for name in made), made


@pytest.mark.parametrize(
    "manifest", ["[]", "{}", '{"format": 1, "schema": "0001", "tables": [], "files": []}', '{"format": 1, "schema": [], "tables": {"x": 1}, "files": {}}',
                 '{"format": 1, "schema": "0001", "tables": {"notices": {}}, "files": {}}']
)  # fmt: skip
def test_a_manifest_that_is_none_is_a_sentence(tmp_path: Path, manifest: str) -> None:
    from bot.archive import Archive, ArchiveError

    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", manifest)
    with pytest.raises(ArchiveError):
        Archive(path).check()


async def test_a_name_for_a_download_cannot_break_its_header() -> None:
    from urllib.parse import quote

    assert not set('\r\n"/\\;') - {"/"} & set(quote('a"\r\nset-cookie: x; ../\\b'))
