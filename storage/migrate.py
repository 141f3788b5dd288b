"""Brings an open database to the schema that this program knows."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from storage.database import StoreError

# The newest revision, so that a start with nothing to upgrade need not ask Alembic.
HEAD = "0008"
# Stands in a database that `qingqun migrate` has begun and not finished.
PROGRESS = "transfer_progress"
FOLDER = Path(__file__).with_name("migrations")
# Alembic's `op` is one for the whole process: threads take turns. Two PostgreSQL databases in one event loop cannot,
# they are opened one after the other; those who share a database wait for its own lock before they come here.
TURN = threading.Lock()


def upgrade(db: Connection, to: str | None = None) -> None:
    """Run what is missing (up to `to`), in the caller's transaction: when a revision fails, nothing of any stays.

    An empty database gets every revision; one from before there were revisions is taken over as 0001 first.
    StoreError when a newer program was here before.
    """
    at, to = revision(db), to or HEAD
    if inspect(db).has_table(PROGRESS):
        raise StoreError("这个数据库还在迁移当中：请重新运行同一条 qingqun migrate 命令，它会接着做完；在此之前不能启动。")
    if at != to:
        with TURN:
            _run(db, at, to)


def revision(db: Connection) -> str | None:
    """None: the database is empty, or from before there were revisions."""
    if not inspect(db).has_table("alembic_version"):
        return None
    found: str | None = db.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def known(revision: str) -> bool:
    """True when this program can bring a database of that revision to the newest."""
    from alembic.script import ScriptDirectory

    return revision in {one.revision for one in ScriptDirectory(str(FOLDER)).walk_revisions()}


def _run(db: Connection, at: str | None, to: str) -> None:
    # Importing it takes longer than all else of a start; most starts have nothing to upgrade.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
    if at is not None and at not in known:
        raise StoreError(
            f"数据库已被更新版本的轻群升级过（结构版本 {at}，本程序只认到 {HEAD}）。"
            "请把程序升级到同样或更新的版本再启动；要继续用本版本，请用升级前的备份恢复数据库。"
        )
    command.upgrade(config, to)
