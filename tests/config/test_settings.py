"""An unknown or unusable setting stops the start with a sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import SettingsError, load_settings


def written(folder: Path, text: str) -> Path:
    path = folder / "my.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_order_is_file_then_environment_then_flags(tmp_path: Path) -> None:
    path = written(tmp_path, 'port = 1\nhost = "1.1.1.1"\nbot_name = "小轻"\n[acknowledge]\nundo_minutes = 3\n')
    environ = {"QINGQUN_PORT": "2", "QINGQUN_HOST": "2.2.2.2", "QINGQUN_ACKNOWLEDGE__REVISE_SECONDS": "0.5"}
    settings = load_settings(path, {"port": 3, "data": None}, environ)
    assert (settings.port, settings.host, settings.bot_name) == (3, "2.2.2.2", "小轻")
    assert (settings.acknowledge.undo_minutes, settings.acknowledge.revise_seconds) == (3, 0.5)


def test_the_file_of_the_working_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "qingqun.toml").write_text('bot_name = "小群"', encoding="utf-8")
    assert load_settings(environ={}).bot_name == "小群"


@pytest.mark.parametrize(
    ("text", "named", "near"),
    [
        ("prot = 1", "prot", "port"),
        ("[acknowledge]\nundo_minute = 3", "acknowledge.undo_minute", "acknowledge.undo_minutes"),
        ("[chanels.wechaty]\ntoken = 'x'", "chanels", "channels"),
        ("[channels.wechaty]\nendpiont = 'x'", "channels.wechaty.endpiont", "channels.wechaty.endpoint"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path, text: str, named: str, near: str) -> None:
    with pytest.raises(SettingsError, match=rf"不认识的设置 {named}，最接近的是 {near}"):
        load_settings(written(tmp_path, text), environ={})


def test_an_unknown_variable_is_named_too() -> None:
    with pytest.raises(SettingsError, match="QINGQUN_PROT，最接近的是 QINGQUN_PORT"):
        load_settings(environ={"QINGQUN_PROT": "1"})


@pytest.mark.parametrize(
    ("text", "named"),
    [("port = 70000", "port"), ("[inventory]\nwatch_days = 0", "inventory.watch_days"), ("acknowledge = 3", "acknowledge")],
)
def test_a_bad_value_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load_settings(written(tmp_path, text), environ={})


def test_broken_toml_and_a_missing_file_are_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="不是正确的 TOML"):
        load_settings(written(tmp_path, "port = "), environ={})
    with pytest.raises(SettingsError, match="找不到配置文件"):
        load_settings(tmp_path / "none.toml", environ={})


def test_a_secret_may_come_from_a_file_and_is_not_shown(tmp_path: Path) -> None:
    path = written(tmp_path, "a-very-long-secret-value\n")
    settings = load_settings(environ={"QINGQUN_SECRET_FILE": str(path)})
    assert settings.secret.get_secret_value() == "a-very-long-secret-value"
    assert "a-very-long" not in repr(settings)
    with pytest.raises(SettingsError, match="QINGQUN_SECRET_FILE"):
        load_settings(environ={"QINGQUN_SECRET_FILE": str(tmp_path / "none")})


def test_lists_and_dates_come_from_the_environment() -> None:
    settings = load_settings(
        environ={"QINGQUN_ACKNOWLEDGE__SENDERS": '["p1", "p2"]', "QINGQUN_WORK__DAYS": "{ 2027-01-02 = true }"}
    )
    assert settings.acknowledge.senders == ["p1", "p2"]
    assert [str(day) for day in settings.work.days] == ["2027-01-02"]
