"""A migration is taken up in the middle of a table, and tells what it cannot take."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage import clockwork, copying, transfer
from storage.copying import Tally
from storage.database import StoreError
from storage.sqlite import SqliteStore
from storage.transfer import Transfer, TransferRefused
from tests.storage.places import Place, clear

pytestmark = pytest.mark.postgresql
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
# Orders differ between the engines: capitals, Chinese, punctuation.
NAMES = [f"{start}{number}" for number in range(30) for start in ("a", "B", "群", "_", "é", "Ａ")]


@pytest.fixture
async def source(tmp_path: Path) -> Path:
    store = SqliteStore(tmp_path / "s.db")
    await store.open()
    for number, name in enumerate(NAMES):
        at = NOW + timedelta(minutes=number % 7)
        await store.write(lambda db, n=name, a=at: clockwork.claim_slot(db, n, a))  # type: ignore[misc]
        await store.write(lambda db, n=name, a=at: clockwork.claim(db, n, a))  # type: ignore[misc]
    await store.close()
    return store.path


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Place]:
    where = Place(tmp_path / "none", os.environ["QINGQUN_TEST_POSTGRESQL"])
    await where.run(clear)
    yield where
    await where.run(clear)


class Heard:
    def __init__(self) -> None:
        self.tables: dict[str, tuple[int, bool]] = {}

    def __call__(self, name: str, tally: Tally, same: bool) -> None:
        self.tables[name] = (tally.rows, same)


async def test_a_table_is_taken_up_where_it_was_left(
    source: Path, target: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "PAGE", 7)
    take, pages = transfer._take, 0

    def interrupted(*args: object, **kwargs: object) -> None:
        nonlocal pages
        pages += 1
        if pages == 11:
            raise KeyboardInterrupt
        take(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(transfer, "_take", interrupted)
    heard = Heard()
    with pytest.raises(KeyboardInterrupt):
        await Transfer(source, target.url, heard).run()
    assert await target.run(copying.counts) == {"claims": 70}
    # 180 rows are 26 pages: ten were there, a broken-off one comes again.
    assert await Transfer(source, target.url, heard).run() == []
    assert pages == 11 + 16 + 26
    assert heard.tables["claims"] == heard.tables["slots"] == (180, True)
    assert await target.run(copying.counts) == {"claims": 180, "slots": 180}


async def test_another_sources_half_done_run_is_not_gone_on_with(
    source: Path, target: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(transfer, "_take", broken)
        with pytest.raises(KeyboardInterrupt):
            await Transfer(source, target.url, Heard()).run()
    other = source.with_name("other.db")
    other.write_bytes(source.read_bytes())
    with pytest.raises(TransferRefused, match=f"没做完的迁移（来自 {source}）"):
        await Transfer(other, target.url, Heard()).run()


async def test_what_postgresql_cannot_hold_is_named_and_nothing_is_half_there(source: Path, target: Place) -> None:
    store = SqliteStore(source)
    await store.open()
    await store.write(lambda db: clockwork.remember(db, "bad", "a\x00b"))
    await store.close()
    with pytest.raises(StoreError, match=r"表 meta 从 .*bad.* 起的一页写不进目标数据库"):
        await Transfer(source, target.url, Heard()).run()


async def test_a_server_that_is_not_there_is_said(source: Path) -> None:
    with pytest.raises(StoreError, match="PostgreSQL 没有接受"):
        await Transfer(source, "postgresql+asyncpg://nobody@127.0.0.1:1/none", Heard()).run()
