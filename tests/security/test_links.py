"""Links are keys: nobody can make, alter or outlive one; whoever was forwarded one can do what it says and nothing else."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from itsdangerous import TimestampSigner
from sqlalchemy import select

from bot.house import House
from bot.links import LinkError, Links
from handlers.events import DayEnded
from storage import notices
from storage.database import table
from storage.tables import Press
from tests.conftest import MONDAY, Town
from tests.web.conftest import Client, client  # noqa: F401 - a fixture

DAY = 86_400


@pytest.fixture
async def notice(house: House, town: Town) -> str:
    await town.roster()
    await town.says("boss", "明天上午九点在三楼开会，请带上台账，收到请回复。")
    return str((await town.the_notice()).id)


def paths(house: House, notice: str) -> list[str]:
    links = house.links
    return [
        f"/n/{links.notice_token(notice, 'playground:p1')}",
        links.mine_url("playground:p1").removeprefix(links.base_url),
        links.cleanup_url("playground:p1").removeprefix(links.base_url),
    ]


def altered(path: str) -> list[str]:
    """The token with one character changed at every place, cut short, and lengthened."""
    stem, token = path.rsplit("/", 1)
    # The last character of a base64 signature holds spare bits that nobody reads; nobody gains by them either.
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(0, len(token) - 1, 3)]
    return [f"{stem}/{one}" for one in (*changed, token[:-4], token + "AAAA", "." * 9, token.split(".")[0])]


@pytest.mark.parametrize("which", [0, 1, 2], ids=["acknowledge", "mine", "cleanup"])
async def test_an_altered_link_opens_nothing(house: House, notice: str, client: Client, which: int) -> None:  # noqa: F811
    path, nobody = paths(house, notice)[which], client(None)
    assert (await nobody.get(path)).status_code == 200
    for one in altered(path):
        assert (await nobody.get(one)).status_code == 404, one
        assert (await nobody.post(one)).status_code in (403, 404), one
    assert await house.store.read(lambda db: notices.counts(db, notice)) == (0, 5)


def test_a_link_signed_with_another_secret_is_refused(house: House) -> None:
    forger = Links("x" * 32, house.links.base_url, 365)
    for made, read in (
        (forger.notice_token("n", "playground:p1"), house.links.read_notice),
        (forger.mine_url("playground:p1").rsplit("/", 1)[1], house.links.read_mine),
        (forger.cleanup_url("playground:p1").rsplit("/", 1)[1], house.links.read_cleanup),
        (forger.bearer("office", "机制办", ()), house.links.read_bearer),
    ):
        with pytest.raises(LinkError):
            read(made)
    with pytest.raises(LinkError):
        house.links.read_session(forger.session("playground", "u1"), "playground")
    with pytest.raises(LinkError):
        house.links.read_flow(forger.flow("state"), 600)


def test_a_link_of_one_kind_is_none_of_another(house: House) -> None:
    links = house.links
    tokens = {
        "notice": links.notice_token("n", "playground:p1"),
        "mine": links.mine_url("playground:p1").rsplit("/", 1)[1],
        "cleanup": links.cleanup_url("playground:p1").rsplit("/", 1)[1],
        "bearer": links.bearer("office", "机制办", ()),
        "session": links.session("playground", "u1"),
        "flow": links.flow("s", "n", "v", "b"),
    }
    readers: dict[str, Any] = {
        "notice": links.read_notice, "mine": links.read_mine, "cleanup": links.read_cleanup, "bearer": links.read_bearer,
        "session": lambda token: links.read_session(token, "playground"), "flow": lambda token: links.read_flow(token, 600),
    }  # fmt: skip
    for kind, token in tokens.items():
        readers[kind](token)
        for other in readers.keys() - {kind}:
            with pytest.raises(LinkError):
                readers[other](token)
    with pytest.raises(LinkError):
        links.read_session(tokens["session"], "office")


async def test_a_replayed_acknowledgement_counts_once_and_keeps_its_first_time(
    house: House, town: Town, notice: str, client: Client  # noqa: F811
) -> None:
    path = paths(house, notice)[0]
    for minutes in (3, 60, 600):
        house.now = lambda m=minutes: MONDAY + timedelta(minutes=m)  # type: ignore[misc]
        assert (await client(None).post(path)).status_code == 303
    receipt = await town.read(lambda db: notices.receipt(db, notice, "playground:p1"))
    assert receipt.first_at == MONDAY + timedelta(minutes=3)
    assert await town.read(lambda db: notices.counts(db, notice)) == (1, 5)


@pytest.mark.parametrize("which", [1, 2], ids=["mine", "cleanup"])
async def test_a_personal_page_ends_after_its_days(
    house: House, notice: str, client: Client, monkeypatch: pytest.MonkeyPatch, which: int  # noqa: F811
) -> None:
    path, nobody = paths(house, notice)[which], client(None)
    days = house.settings.link_days
    for later, status in ((days - 1, 200), (days + 2, 404)):
        moved = int(time.time()) + later * DAY
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self, moved=moved: moved)
        page = await nobody.get(path)
        assert page.status_code == status
    assert "链接已过期" in page.text


def test_two_links_of_one_day_are_one_address(house: House) -> None:
    assert house.links.mine_url("playground:p1") == house.links.mine_url("playground:p1")
    assert house.links.mine_url("playground:p1") != house.links.mine_url("playground:p2")


async def test_an_acknowledge_link_ends_with_its_notice(house: House, town: Town, notice: str, client: Client) -> None:  # noqa: F811
    path = paths(house, notice)[0]
    at = MONDAY + timedelta(days=house.settings.retention.notice_days + 1)
    await house.tell(DayEnded(id="later", at=at, day=at.date()))
    page = await client(None).get(path)
    assert page.status_code == 404
    assert "已过保留期" in page.text
    assert (await client(None).post(path)).status_code == 404


async def test_a_token_ends_after_its_days(house: House, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    office = client()
    assert (await office.get("/api/v1/notices")).status_code == 200
    moved = int(time.time()) + (house.settings.token_days + 1) * DAY
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: moved)
    answer = await office.get("/api/v1/notices")
    assert answer.status_code == 401
    assert "过期" in answer.json()["error"]


async def test_a_forwarded_link_acts_for_its_person_and_tells_of_nobody_else(
    house: House, town: Town, notice: str, client: Client  # noqa: F811
) -> None:
    """Honestly: whoever holds 干部1's link can acknowledge as 干部1; it is noted as a press on a link, and can be undone."""
    await town.clicks("p2", "m", minutes=1)
    stranger, path = client(None), paths(house, notice)[0]
    page = await stranger.get(path)
    assert not any(f"干部{n}" in page.text for n in (2, 3, 4, 5))
    assert (await stranger.post(path)).status_code == 303
    presses = await town.read(lambda db: db.execute(select(table(Press))).all())
    assert [(one.person, one.via) for one in presses if one.via == "link"] == [("playground:p1", "link")]
    for closed in ("/office", "/office/notices", "/api/v1/notices", f"/api/v1/notices/{notice}/links"):
        assert (await stranger.get(closed)).status_code in (303, 401)
    assert (await stranger.post(path + "/undo")).status_code == 303
    assert await town.read(lambda db: notices.counts(db, notice)) == (0, 5)


async def test_the_card_in_the_group_carries_no_key(house: House, town: Town, notice: str) -> None:
    """What everybody in a group can forward names the notice only: it acknowledges nothing for anybody."""
    from bot.app import address
    from handlers.cards import Link

    shared = address(house, Link(label="x", page="notice", subject=notice), None)
    assert shared == f"{house.links.base_url}/c/{notice}"
    [post] = await town.said("post")
    assert "playground:p" not in str(post.card["links"])


async def test_anothers_notice_cannot_be_acknowledged_by_ones_own_page(
    house: House, town: Town, notice: str, client: Client  # noqa: F811
) -> None:
    """The page of somebody who is not in the notice's frozen roster."""
    await town.roster(people=2, group="g2", minutes=5)
    path = house.links.mine_url("playground:outsider").removeprefix(house.links.base_url)
    assert (await client(None).post(path, data={"notice": notice})).status_code == 303
    assert await town.read(lambda db: notices.counts(db, notice)) == (0, 5)
    assert "三楼开会" not in (await client(None).get(path)).text
