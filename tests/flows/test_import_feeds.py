"""`qingqun import feeds`: an account's own record becomes its last update, and broken files lose nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from bot.commands import import_
from config.settings import Settings
from handlers.inventory import snapshot_for
from storage import register
from storage.database import Store
from storage.sqlite import SqliteStore
from tests.flows.test_import import arguments, settings
from tests.handlers.test_inventory import END

__all__ = ["settings"]
RSS = "<rss><channel><title>{title}</title><item><pubDate>{day}</pubDate></item></channel></rss>"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = SqliteStore(tmp_path / "t.db")
    await made.open()
    rows = [
        {"id": "app:1", "name": "柳湾微讯", "unit": "柳湾镇", "kind": "公众号", "updated": date(2026, 10, 1), "filing": "a"},
        {"id": "app:2", "name": "发布", "unit": "甲镇", "kind": "公众号", "filing": "b"},
        {"id": "app:3", "name": "发布", "unit": "乙镇", "kind": "公众号", "filing": "c"},
    ]
    await made.write(lambda db: [register.save(db, "apps", [row], END) for row in rows])
    yield made
    await made.close()


async def took(store: Store, settings: Settings, *given: str) -> int:
    return await import_.run(arguments(import_, "feeds", *given), settings, store)


async def shown(store: Store, settings: Settings) -> list[tuple[str, str | None, str, str]]:
    found = await store.read(lambda db: snapshot_for(db, settings, "2026-W47", END))
    return [(one["id"], one["updated"] and one["updated"][:10], one["updated_source"], one["verdict"]) for one in found["apps"]]


async def test_a_file_named_after_its_account_tells_its_last_update(
    store: Store, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "柳湾微讯.xml"
    file.write_text(RSS.format(title="别的名字", day="2026-11-02"), encoding="utf-8")
    assert await took(store, settings, str(file), "--dry-run") == 0
    assert "将读入 1 个账号" in capsys.readouterr().out
    assert (await shown(store, settings))[0] == ("app:1", "2026-10-01", "register", "suspected")
    assert await took(store, settings, str(file)) == 0
    assert "柳湾微讯：最近更新 2026年11月2日" in capsys.readouterr().out
    assert (await shown(store, settings))[0] == ("app:1", "2026-11-02", "feed", "suspected")
    found = await store.read(lambda db: snapshot_for(db, settings, "2026-W47", END))
    assert found["apps"][0]["reasons"][0]["text"] == (
        "已 21 天没有更新，最近一次在2026年11月2日（来自单位提供的更新记录文件“柳湾微讯.xml”）"
    )


async def test_a_later_week_knows_later_days_and_an_earlier_one_does_not(store: Store, settings: Settings, tmp_path: Path) -> None:
    items = "".join(f"<item><pubDate>{day}</pubDate></item>" for day in ("2026-10-20", "2026-11-21", "2026-11-30"))
    (tmp_path / "柳湾微讯.rss").write_text(f"<rss><channel>{items}</channel></rss>", encoding="utf-8")
    assert await took(store, settings, str(tmp_path / "柳湾微讯.rss")) == 0
    assert (await shown(store, settings))[0] == ("app:1", "2026-11-21", "feed", "alive")
    early = await store.read(lambda db: snapshot_for(db, settings, "2026-W44", END))
    assert early["apps"][0]["updated"][:10] == "2026-10-20"


async def test_a_folder_is_read_as_far_as_it_can_be_and_every_broken_file_is_told(
    store: Store, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "feeds"
    folder.mkdir()
    (folder / "甲镇-发布.csv").write_text("日期\n2026-11-20\n", encoding="utf-8")
    (folder / "发布.xml").write_text(RSS.format(title="x", day="2026-11-20"), encoding="utf-8")
    (folder / "没有的.xml").write_text(RSS.format(title="也没有", day="2026-11-20"), encoding="utf-8")
    (folder / "坏.xml").write_text("<rss>", encoding="utf-8")
    (folder / "空.json").write_text("", encoding="utf-8")
    (folder / "将来.csv").write_text("名称,日期\n柳湾微讯,2098-01-01\n", encoding="utf-8")
    (folder / "说明.txt").write_text("不是记录", encoding="utf-8")
    assert await took(store, settings, str(folder)) == 2
    told = capsys.readouterr()
    assert told.out.splitlines()[0].startswith("发布：最近更新 2026年11月20日")
    assert told.out.splitlines()[-1] == "共 6 个更新记录文件，读入 1 个账号，5 处没有读入。"
    for said in ("“发布”在政务应用台账里不止一个", "“没有的”在政务应用台账里没有", "坏.xml 不是完整的", "空.json 是空的", "日期都在将来"):
        assert said in told.err
    assert [one[:3] for one in await shown(store, settings)][1:] == [("app:2", "2026-11-20", "feed"), ("app:3", None, "")]


async def test_an_empty_folder_and_a_file_that_is_not_there_say_so(
    store: Store, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert await took(store, settings, str(tmp_path / "empty")) == 2
    assert await took(store, settings, str(tmp_path / "nowhere.xml")) == 2
    assert "没有更新记录文件" in (said := capsys.readouterr().err)
    assert "找不到文件" in said
