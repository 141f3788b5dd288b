"""Accounts, sessions and the log as events, on both engines: what comes twice or at once has one effect."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from handlers.events import (
    AccountIntroduced,
    AccountSwitched,
    DayEnded,
    InvitationAccepted,
    InvitationMade,
    PasswordChanged,
    PersonalDataRead,
    SessionClosed,
    SessionOpened,
    SessionUsed,
    SigninTried,
)
from storage import accounts, audit, sessions
from storage.audit import Asked
from tests.handlers.cleaning import Cleaning, on, on_both

NOW = on(0)
LATER = NOW + timedelta(days=7)


async def invite(city: Cleaning, link: str = "l1", at: datetime = NOW, **more: Any) -> None:
    told = {"role": "unit", "name": "小秦", "by": "cli", "unit": "柳湾镇", **more}
    await city.happens(InvitationMade(id=link, at=at, link=link, until=at + timedelta(days=7), **told))


def accepted(number: int, link: str = "l1", login: str = "", at: datetime = NOW) -> InvitationAccepted:
    return InvitationAccepted(
        id=f"a{number}", at=at, link=link, account=f"account{number}", login=login or f"login{number}", password=f"h{number}",
        name="",
    )  # fmt: skip


async def all_accounts(city: Cleaning) -> list[Any]:
    return list(await city.read(lambda db: accounts.listed(db, None)))


async def session(city: Cleaning, name: str, account: str = "account1", at: datetime = NOW, **more: str) -> None:
    event = SessionOpened(id=name, at=at, session=name, account=account, until=at + timedelta(hours=12), **more)
    await city.happens(event)


async def is_living(city: Cleaning, name: str, at: datetime = NOW) -> bool:
    row = await city.read(lambda db: sessions.living(db, name, at, at - timedelta(hours=1)))
    return row is not None


@on_both
async def test_one_link_makes_one_account_however_many_use_it(city: Cleaning) -> None:
    await invite(city)
    await asyncio.gather(*(city.happens(accepted(number)) for number in range(1, 5)))
    (row,) = await all_accounts(city)
    assert (row.name, row.role, row.unit) == ("小秦", "unit", "柳湾镇")
    await city.happens(accepted(9))
    assert len(await all_accounts(city)) == 1


@on_both
async def test_a_login_that_is_taken_leaves_the_link(city: Cleaning) -> None:
    await invite(city)
    await invite(city, "l2")
    await city.happens(accepted(1, login="qin"))
    await city.happens(accepted(2, "l2", login="qin"))
    assert len(await all_accounts(city)) == 1
    await city.happens(accepted(3, "l2", login="qin2"))
    assert [row.login for row in await all_accounts(city)] == ["qin", "qin2"]


@on_both
async def test_a_link_that_is_over_or_unknown_makes_nothing(city: Cleaning) -> None:
    await invite(city)
    await city.happens(accepted(1, at=LATER))
    await city.happens(accepted(2, "nowhere"))
    assert await all_accounts(city) == []


@on_both
async def test_a_reset_is_for_its_own_account_and_ends_its_sessions(city: Cleaning) -> None:
    await invite(city)
    await city.happens(accepted(1))
    await session(city, "s1")
    await invite(city, "r1", account="account1")
    await city.happens(accepted(2, "r1"))
    assert await is_living(city, "s1"), "somebody else's account id does nothing"
    reset = InvitationAccepted(id="r", at=NOW, link="r1", account="account1", login="x", password="new", name="x")
    await city.happens(reset)
    (row,) = await all_accounts(city)
    assert (row.login, row.password, row.name) == ("login1", "new", "小秦")
    assert not await is_living(city, "s1")


@on_both
async def test_switching_off_ends_sessions_and_links(city: Cleaning) -> None:
    await invite(city)
    await city.happens(accepted(1))
    await session(city, "s1")
    await invite(city, "r1", account="account1")
    await city.happens(AccountSwitched(id="off", at=NOW, account="account1", by="x", disabled=True))
    assert not await is_living(city, "s1")
    assert (await city.read(lambda db: accounts.invitation(db, "r1"))).used_at == NOW
    await city.happens(AccountSwitched(id="on", at=NOW, account="account1", by="x", disabled=False))
    assert (await all_accounts(city))[0].disabled_at is None


@on_both
async def test_a_single_sign_on_brings_its_account_up_to_date(city: Cleaning) -> None:
    for number, (role, groups) in enumerate((("office", ()), ("group", ("playground:g1",)))):
        event = AccountIntroduced(
            id=f"i{number}", at=NOW, account="sso1", login="oidc:1", name="统一", role=role, groups=groups
        )
        await city.happens(event)
    (row,) = await all_accounts(city)
    assert (row.role, accounts.groups_of(row)) == ("group", ("playground:g1",))


@on_both
async def test_sessions_are_used_replaced_and_closed(city: Cleaning) -> None:
    await session(city, "s1")
    await session(city, "s2", replaces="s1")
    assert not await is_living(city, "s1")
    late = NOW + timedelta(minutes=50)
    await city.happens(SessionUsed(id="u", at=late, session="s2"))
    assert await is_living(city, "s2", NOW + timedelta(minutes=100))
    await session(city, "s3")
    changed = PasswordChanged(id="p", at=NOW, account="account1", password="h", session="s3")
    await city.happens(changed)
    assert not await is_living(city, "s2")
    assert await is_living(city, "s3")
    await city.happens(SessionClosed(id="c", at=NOW, session="s3"))
    assert not await is_living(city, "s3")


@on_both
async def test_tries_are_counted_by_login_and_forgiven_by_the_right_password(city: Cleaning) -> None:
    async def tried(number: int, at: datetime = NOW, login: str = "l") -> datetime | None:
        await city.happens(SigninTried(id=f"t{number}", at=at, login=login, address=f"from{number}"))
        row = await city.read(lambda db: sessions.get_try(db, f"t{number}"))
        return row.until  # type: ignore[no-any-return]

    free = city.house.settings.signin.free_tries
    assert [await tried(number) for number in range(free)] == [None] * free
    assert await tried(free) == NOW + timedelta(seconds=5)
    assert await tried(free + 1, login="another") is None
    assert await tried(free + 2, NOW + timedelta(seconds=5)) is None
    assert await tried(free + 3, NOW + timedelta(seconds=6)) == NOW + timedelta(seconds=15)
    await session(city, "s1", at=NOW + timedelta(seconds=15), login="l")
    assert await tried(free + 4, NOW + timedelta(seconds=16)) is None


@on_both
async def test_a_read_is_one_row_however_often_it_is_told(city: Cleaning) -> None:
    event = PersonalDataRead(id="r1", at=NOW, who="token:1", name="机制办", what="links", subject="n1", scope="柳湾镇")
    for _ in range(3):
        await city.happens(event)
    (row,) = await city.read(lambda db: audit.listed(db, Asked(units=["柳湾镇"]), 10))
    assert (row.at, row.who, row.what, row.subject) == (NOW, "token:1", "links", "n1")
    assert await city.read(lambda db: audit.count(db, Asked(units=["白沙镇"]))) == 0
    assert await city.read(lambda db: audit.readers(db, None)) == [("token:1", "机制办")]
    await city.happens(DayEnded(id="d", at=NOW + timedelta(days=186), day=NOW.date()))
    assert await city.read(lambda db: audit.count(db, Asked())) == 0
