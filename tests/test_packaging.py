"""What surrounds the code keeps its word: lock files, compose file, Dockerfile, settings page, README."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.roles import ROLES
from config.settings import PREFIX, known_keys

ROOT = Path(__file__).parent.parent
HOSTS = re.compile(r"https?://|file:|--index-url|--find-links")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_every_package_with_a_hash_and_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not HOSTS.search(text)
    entries = [block for block in re.split(r"\n(?=\S)", text) if block.strip()]
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_the_lock_holds_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    locked = set(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    wanted = {re.split(r"[\[<>=~! ]", one)[0].lower() for one in project["project"]["dependencies"]}
    assert wanted <= locked


def test_compose_passes_only_settings_that_exist(compose: dict[str, Any]) -> None:
    keys = set(known_keys())
    passed = [name for name in compose["services"]["bot"]["environment"] if name.startswith(PREFIX)]
    assert passed
    for name in passed:
        assert name.removeprefix(PREFIX).lower().replace("__", ".") in keys, name


def test_the_bot_needs_none_of_the_other_services(compose: dict[str, Any]) -> None:
    roles = set(ROLES) - {"all"}
    assert set(compose["services"]) == {"bot", "postgresql", "nats", "wechaty"} | roles
    assert "depends_on" not in compose["services"]["bot"]
    assert "profiles" not in compose["services"]["bot"]
    for name in ("postgresql", "nats", "wechaty", *roles):
        assert compose["services"][name]["profiles"], name
    for name in roles:
        assert compose["services"][name]["command"][:3] == ["run", "--role", name]
        shared = compose["services"][name]["environment"]
        assert shared.keys() == compose["services"]["bot"]["environment"].keys()
        assert "postgresql+asyncpg://" in shared["QINGQUN_DATABASE"]


def test_compose_holds_no_secret(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", name):
                assert str(value).startswith("${"), name


def test_every_copied_file_of_the_dockerfile_is_there() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists(), name


@pytest.mark.slow
def test_the_dockerfiles_install_steps_work_in_a_clean_folder(tmp_path: Path) -> None:
    """The same COPY and pip lines, in an empty virtual environment instead of an image."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    app = tmp_path / "app"
    app.mkdir()
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv/bin/python")
    for step, rest in re.findall(r"^(COPY|RUN python -m pip) (.+)$", text, re.MULTILINE):
        if step == "COPY":
            *names, target = rest.split()
            for name in names:
                subprocess.run(["cp", "-r", ROOT / name, app / target], check=True)
        else:
            subprocess.run([python, "-m", "pip", *rest.replace("--no-cache-dir", "").split(), "-q"], check=True, cwd=app)
    done = subprocess.run(
        [tmp_path / "venv/bin/qingqun", "check", "请大家把截图发到群里，没发的通报"],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert "screenshot" in done.stdout


def test_the_settings_page_is_current() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    from generate import pages

    for name, content in pages().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == content, f"run `make docs`: docs/{name} is old"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_the_two_commands_and_shows_a_picture_that_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "make run" in text
    assert "make test" in text
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).stat().st_size > 10_000, picture
    for link in re.findall(r"(?<!!)\[[^\]]+\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / link).exists(), link
