"""Every start brings the database to the schema of tables.py, keeps what is in it, or changes nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, inspect, select, text

from storage import migrate
from storage.database import StoreError
from storage.tables import Table
from tests.storage.places import Place, clear, described

BEFORE = Path(__file__).with_name("before_migrations.sql")
BATCH = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9001", "{head}"


def upgrade():
    op.create_table("extras", sa.Column("id", sa.String(), primary_key=True))
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("note", sa.String(), nullable=False, server_default="无"))
        table.alter_column("error", new_column_name="failure")
    with op.batch_alter_table("outbox") as table:
        table.alter_column("note", server_default=None)
    op.execute("INSERT INTO extras VALUES ('1')")
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    made = Place(tmp_path / "t.db", os.environ["QINGQUN_TEST_POSTGRESQL"] if request.param == "postgresql" else "")
    await made.run(clear)
    return made


class Program:
    """A program with other revisions than this one: a copy of the folder, in a path that has to be escaped."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.versions = folder / "100%" / "versions"
        self._patch = monkeypatch
        shutil.copytree(migrate.FOLDER, self.versions.parent, ignore=shutil.ignore_patterns("__pycache__"))

    def starts_with(self, head: str) -> None:
        self._patch.setattr(migrate, "FOLDER", self.versions.parent)
        self._patch.setattr(migrate, "HEAD", head)

    def add(self, source: str) -> None:
        (self.versions / "9001_test.py").write_text(source.replace("{head}", migrate.HEAD), encoding="utf-8")
        self.starts_with("9001")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(tmp_path, monkeypatch)


def make_old(db: Connection) -> None:
    """As create_all left it, before there were migrations."""
    script = BEFORE.read_text(encoding="utf-8").split("\n", 1)[1]
    if db.dialect.name == "sqlite":
        script = script.replace("SERIAL", "INTEGER")
    for statement in script.split(";\n"):
        if statement.strip():
            db.exec_driver_sql(statement)


def fill(db: Connection) -> None:
    """Two rows in every table."""
    for table in reflected(db).sorted_tables:
        if table.name == "alembic_version":
            continue
        for number in (1, 2):
            db.execute(table.insert(), {column.name: value_for(column, number) for column in table.columns})


def value_for(column: Any, number: int) -> Any:
    if column.nullable and number == 2:
        return None
    values = {int: number, bool: number == 1, date: date(2026, 11, 15 + number)}
    return values.get(column.type.python_type, f"第{number}个‘{column.name}’")


def reflected(db: Connection) -> MetaData:
    metadata = MetaData()
    metadata.reflect(db)
    return metadata


def rows_of(db: Connection, metadata: MetaData) -> dict[str, list[tuple[Any, ...]]]:
    kept = [table for table in metadata.sorted_tables if table.name != "alembic_version"]
    return {table.name: sorted(map(tuple, db.execute(select(table))), key=str) for table in kept}


def differences(db: Connection) -> list[Any]:
    context = MigrationContext.configure(db, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, Table.metadata))


def by_create_all(db: Connection) -> dict[str, dict[str, Any]]:
    """What the metadata would make on this engine, made beside what is there and taken away again."""
    if db.dialect.name == "sqlite":
        with create_engine("sqlite://").begin() as beside:
            Table.metadata.create_all(beside)
            return described(beside)
    db.exec_driver_sql("CREATE SCHEMA beside")
    db.exec_driver_sql("SET LOCAL search_path TO beside")
    Table.metadata.create_all(db)
    found = described(db)
    db.exec_driver_sql("DROP SCHEMA beside CASCADE")
    return found


async def test_the_revisions_make_what_the_metadata_says(place: Place) -> None:
    await place.opened()
    assert await place.run(differences) == []
    made = await place.run(described)
    assert made == await place.run(by_create_all)


async def test_the_first_revision_makes_what_was_there_before_it(place: Place, program: Program) -> None:
    for path in program.versions.glob("*.py"):
        if not path.name.startswith("0001"):
            path.unlink()
    program.starts_with("0001")
    await place.opened()
    made = await place.run(described)
    await place.run(clear)
    await place.run(make_old)
    assert made == await place.run(described)


async def test_an_old_database_is_taken_over_with_all_its_rows(place: Place) -> None:
    await place.run(make_old)
    await place.run(fill)
    old = await place.run(reflected)
    before = await place.run(lambda db: rows_of(db, old))
    assert all(len(rows) == 2 for rows in before.values())
    await place.opened()
    assert await place.run(lambda db: rows_of(db, old)) == before
    assert await place.run(differences) == []
    assert await place.run(migrate.revision) == migrate.HEAD


@pytest.mark.parametrize("schema", [one.revision for one in ScriptDirectory(str(migrate.FOLDER)).walk_revisions()])
async def test_every_released_schema_is_upgraded_with_its_rows(place: Place, schema: str) -> None:
    await place.run(lambda db: migrate.upgrade(db, schema))
    await place.run(fill)
    old = await place.run(reflected)
    before = await place.run(lambda db: rows_of(db, old))
    await place.opened()
    assert await place.run(lambda db: rows_of(db, old)) == before
    assert await place.run(differences) == []


async def test_an_old_database_gets_the_tables_that_it_lacks(place: Place) -> None:
    await place.run(make_old)
    await place.run(lambda db: db.exec_driver_sql("DROP TABLE bind_tries"))
    await place.opened()
    assert await place.run(differences) == []


async def test_a_start_with_nothing_to_upgrade_asks_nothing_of_alembic(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.opened()
    monkeypatch.setattr("alembic.command.upgrade", lambda *_: pytest.fail("upgraded again"))
    await place.opened()


async def test_programs_that_start_at_once_upgrade_once(place: Place, program: Program) -> None:
    program.add(BATCH)
    stores = [place.store() for _ in range(4)]
    try:
        await asyncio.gather(*(store.open() for store in stores))
    finally:
        await asyncio.gather(*(store.close() for store in stores))
    assert await place.run(lambda db: db.scalars(text("SELECT version_num FROM alembic_version")).all()) == ["9001"]


async def test_two_databases_upgraded_at_once_do_not_mix(tmp_path: Path) -> None:
    places = [Place(tmp_path / f"{number}.db") for number in range(4)]
    await asyncio.gather(*(one.opened() for one in places))
    assert [await one.run(differences) for one in places] == [[]] * 4


async def test_a_batch_changes_a_table_and_keeps_the_rest_of_it(place: Place, program: Program) -> None:
    await place.run(make_old)
    await place.run(fill)
    await place.opened()
    outbox = (await place.run(described))["outbox"]
    rows = (await place.run(lambda db: rows_of(db, reflected(db))))["outbox"]
    program.add(BATCH)
    await place.opened()
    made = await place.run(described)
    assert made["extras"]["key"]["name"] == "pk_extras"
    changed = made["outbox"]
    columns = changed["columns"]
    assert (columns["note"]["nullable"], columns.pop("note")["default"]) == (False, None)
    columns["error"] = {**columns.pop("failure"), "name": "error"}
    assert changed == outbox
    assert (await place.run(lambda db: rows_of(db, reflected(db))))["outbox"] == [(*row, "无") for row in rows]


async def test_a_database_of_a_newer_program_is_refused_and_left_alone(place: Place) -> None:
    await place.opened()
    await place.run(lambda db: db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    before = await place.run(described)
    with pytest.raises(StoreError, match=r"更新版本的轻群.*9999.*升级到同样或更新的版本.*备份恢复"):
        await place.opened()
    assert await place.run(migrate.revision) == "9999"
    assert await place.run(described) == before


@pytest.mark.parametrize("failure", ["raise ValueError('mid-way')", "op.execute('SELECT no_such_column FROM extras')"])
async def test_a_failing_revision_leaves_nothing_in_an_empty_database(
    place: Place, program: Program, failure: str
) -> None:
    program.add(f"{BATCH}    {failure}\n")
    with pytest.raises((ValueError, StoreError), match=r"mid-way|no_such_column"):
        await place.opened()
    assert await place.run(lambda db: inspect(db).get_table_names()) == []


async def test_a_failing_revision_leaves_an_old_database_as_it_was(place: Place, program: Program) -> None:
    await place.run(make_old)
    await place.run(fill)
    schema, old = await place.run(described), await place.run(reflected)
    before = await place.run(lambda db: rows_of(db, old))
    program.add(f"{BATCH}    raise ValueError('mid-way')\n")
    with pytest.raises(ValueError, match="mid-way"):
        await place.opened()
    assert await place.run(described) == schema
    assert await place.run(lambda db: rows_of(db, old)) == before
    assert await place.run(migrate.revision) is None


def test_the_newest_revision_is_the_only_head() -> None:
    script = ScriptDirectory(str(migrate.FOLDER))
    assert script.get_heads() == [migrate.HEAD]
    assert script.get_bases() == ["0001"]


def test_a_start_is_silent_and_imports_alembic_only_to_upgrade(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from config.logging import set_up_logging
from storage.sqlite import SqliteStore

async def start():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    await store.close()

set_up_logging(None)
asyncio.run(start())
print("alembic" in sys.modules)
"""
    for needed in ("True", "False"):
        done = subprocess.run(
            [sys.executable, "-c", program, tmp_path / "t.db"], capture_output=True, text=True, check=True
        )
        assert (done.stdout.strip(), done.stderr) == (needed, "")
