"""The store: one protocol, `write` returns after the commit, `read` sees committed rows only.

Work is a plain function of one open connection. It runs in a transaction of its own or shares one with
its neighbours; when it raises, nothing of it stays. It never waits for anything but the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Dialect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlmodel import SQLModel

Result = TypeVar("Result")
Work = Callable[[Connection], Result]
Insert = sqlite.Insert | postgresql.Insert


class StoreError(Exception):
    """The database did not take it; the message is a Chinese sentence. Nothing of the work was kept."""


class StoreBusy(StoreError):
    """Another process holds the file."""


class Store(Protocol):
    """`snapshot` runs a long reading on what is there at this moment, and keeps nobody from writing.

    `write` takes turns with all other works of the same `key`, in whatever process: they would only be in each other's
    way. It may run its work more than once (after a conflict with another process); only the last run stays.

    `hold` gives those of the names that this process has to itself in the group, from now on and until it asks
    without them, closes or dies; `holders` counts the names of a group that any process holds.
    """

    async def open(self) -> None: ...
    async def write(self, work: Work[Result], key: str = "") -> Result: ...
    async def read(self, work: Work[Result]) -> Result: ...
    async def snapshot(self, work: Work[Result]) -> Result: ...
    async def hold(self, group: str, names: Collection[str]) -> frozenset[str]: ...
    async def holders(self, group: str) -> int: ...

    async def study(self, work: Work[Result]) -> Result:
        """A long read, which may compute for minutes: in a thread beside the loop, and of one moment's facts.

        On PostgreSQL `snapshot` is the same. In the embedded store `study` is a transaction on the file itself: its log
        grows by what is written meanwhile and is cut afterwards; `snapshot` copies the file first, for a reading whose
        end depends on somebody else, and costs the file's size on disk. So pages and files of the week are studies.
        """

    async def close(self) -> None: ...


# SQLSTATE classes of PostgreSQL that say: not your fault, come again (08 connection, 25 a standby that only reads,
# 28 and 3D no way in, 40 conflict, 53 resources, 55 not now, 57 operator, 58 system).
PASSING = ("08", "25", "28", "3D", "40", "53", "55", "57", "58")


def is_outage(error: Exception) -> bool:
    """True when the database itself failed or asks to begin anew, so that nothing of this transaction can be kept."""
    if isinstance(error, StoreError | OperationalError | InterfaceError):
        return True
    return isinstance(error, DBAPIError) and state_of(error).startswith(PASSING)


def state_of(error: DBAPIError) -> str:
    """PostgreSQL's SQLSTATE, "" when there is none."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def table(model: type[SQLModel]) -> Any:
    """The Core table of a model: rows on the hot path are tuples, not objects."""
    return model.__table__  # type: ignore[attr-defined]


def insert(db: Connection, model: type[SQLModel]) -> Any:
    """An INSERT in the dialect of this connection, with `on_conflict_do_nothing` and `…_do_update`."""
    return insert_for(db.dialect.name, model)


def insert_for(dialect: str, model: type[SQLModel]) -> Any:
    """The same by the dialect's name: statements of the hot path are built once a dialect, not once a row."""
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return make(table(model))


# Of a parameter: its name, the value that the statement itself gives it, and what turns a value into the database's.
Bind = tuple[str, Any, Callable[[Any], Any] | None]


class Hot:
    """A statement that every message needs: compiled once a dialect, then run by its text, at half the price of Core.

    `build(dialect)` gives the statement, whose parameters are named; calling it with them gives the cursor's result, whose
    rows hold what the database holds: an Instant comes back as its number.
    """

    def __init__(self, build: Callable[[str], Any]) -> None:
        self._build = build
        self._ready: dict[str, tuple[str, tuple[Bind, ...]]] = {}

    def __call__(self, db: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        text, binds = self._ready.get(db.dialect.name) or self._compile(db.dialect)
        given = [values.get(name, own) for name, own, _ in binds]
        return db.exec_driver_sql(
            text, tuple(turn(value) if turn else value for value, (_, _, turn) in zip(given, binds, strict=True))
        )

    def _compile(self, dialect: Dialect) -> tuple[str, tuple[Bind, ...]]:
        compiled: Any = self._build(dialect.name).compile(dialect=dialect)
        types = {name: compiled.binds[name].type.dialect_impl(dialect) for name in compiled.positiontup}
        binds = tuple(
            (name, compiled.params[name], types[name].bind_processor(dialect)) for name in compiled.positiontup
        )
        self._ready[dialect.name] = str(compiled), binds
        return self._ready[dialect.name]


@contextmanager
def savepoint(db: Connection) -> Iterator[None]:
    """What is done inside stays or goes as a whole; a fifth of the price of `begin_nested`, which compiles each."""
    db.exec_driver_sql("SAVEPOINT step")
    try:
        yield
    except BaseException:
        db.exec_driver_sql("ROLLBACK TO SAVEPOINT step")
        db.exec_driver_sql("RELEASE SAVEPOINT step")
        raise
    db.exec_driver_sql("RELEASE SAVEPOINT step")
