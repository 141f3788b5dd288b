"""The office's accounts: who may sign in, invite, switch off, set a password anew by another link."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, Row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.invitations import ROLES, invitation, problem_of
from bot.links import Bearer
from bot.web.auth import keys_of
from bot.web.forms import Form, form_of
from bot.web.noting import note_read
from bot.web.office import NO_STORE, office_only, page, signed_in
from bot.wire import MAX_NAME, clean
from handlers.events import AccountSwitched
from storage import accounts, pages


def routes(house: House) -> list[BaseRoute]:
    return [
        Route("/office/accounts", signed_in(house, show), methods=["GET"]),
        Route("/office/accounts", signed_in(house, invite), methods=["POST"]),
        Route("/office/accounts/{account}", signed_in(house, change), methods=["POST"]),
    ]


async def show(house: House, visitor: Bearer, request: Request) -> Response:
    return await _page(house, visitor, request)


async def _page(
    house: House, visitor: Bearer, request: Request, *, link: str = "", problem: str = "", form: Form | None = None,
    bare: str = "",
) -> Response:  # fmt: skip
    office_only(visitor)

    def read(db: Connection) -> dict[str, Any]:
        keys = None if visitor.everything else keys_of(db, visitor)
        living = [row for row in pages.living_groups(db) if keys is None or row.id in keys]
        rows = accounts.listed(db, visitor.units)
        if visitor.units is not None:
            rows = [row for row in rows if _within(db, visitor, row)]
        known = sorted(visitor.units) if visitor.units is not None else accounts.units(db)
        return {"rows": rows, "groups": living, "units": known}

    facts = await house.store.read(read)
    await note_read(house, visitor, "accounts", f"{len(facts['rows'])} 个")
    return page(
        "accounts.html", house, visitor, request, 422 if problem else 200, link=link, bare=bare, problem=problem, roles=ROLES,
        form=form or Form([]), days=house.settings.signin.invite_days, own=visitor.id.removeprefix("account:"), **facts,
    )  # fmt: skip


def _within(db: Connection, visitor: Bearer, account: Row[Any]) -> bool:
    """Whether the account sees nothing beyond what the visitor sees."""
    if visitor.units is None:
        return True
    if account.role == "group":
        return set(accounts.groups_of(account)) <= keys_of(db, visitor)
    return account.unit in visitor.units


async def invite(house: House, visitor: Bearer, request: Request) -> Response:
    office_only(visitor)
    form = await form_of(request)
    role, unit, keys = form.get("role"), form.get("unit").strip()[:MAX_NAME], tuple(dict.fromkeys(form.all("group")))
    name = clean(form.get("name"), keep_lines=False).strip()[:MAX_NAME]
    problem = "" if name else "请写姓名。"
    problem = problem or problem_of(role, unit, keys) or await _beyond(house, visitor, role, unit, keys)
    if problem:
        return await _page(house, visitor, request, problem=problem, form=form)
    link = await _made(house, visitor, role, name, unit, keys)
    seen = house.links.holder(role, name, keys, "", unit)
    bare = bool(unit) and not await house.store.read(lambda db: keys_of(db, seen))
    return await _page(house, visitor, request, link=link, bare=unit if bare else "")


async def _beyond(house: House, visitor: Bearer, role: str, unit: str, keys: tuple[str, ...]) -> str:
    """Nobody gives away more than they have."""
    living = {row.id for row in await house.store.read(pages.living_groups)}
    if not living.issuperset(keys):
        return "没有这个群，或已解散，请重新选群。"
    if visitor.units is None:
        return ""
    own = await house.store.read(lambda db: keys_of(db, visitor))
    allowed = set(keys) <= own if role == "group" else unit in visitor.units
    return "" if allowed else "只能邀请本单位和下级单位的人，请写明在您范围内的单位或群。"


async def _made(
    house: House, visitor: Bearer, role: str, name: str, unit: str, keys: tuple[str, ...], account: str = ""
) -> str:
    token, event = invitation(
        visitor.id, house.now(), house.settings.signin.invite_days,
        role=role, name=name, unit=unit, groups=keys, account=account,
    )  # fmt: skip
    await house.tell(event)
    return f"{house.links.base_url}/office/invite/{token}"


async def change(house: House, visitor: Bearer, request: Request) -> Response:
    """`act` is disable, enable, or reset: a link to choose a new password."""
    office_only(visitor)
    wanted, act = request.path_params["account"], (await form_of(request)).get("act")

    def read(db: Connection) -> Row[Any] | None:
        row = accounts.get(db, wanted)
        return row if row is not None and _within(db, visitor, row) else None

    row = await house.store.read(read)
    if row is None:
        raise HTTPException(404, "没有这个账号，或不在您的单位范围内。")
    if act == "reset" and row.password and row.disabled_at is None:
        link = await _made(house, visitor, row.role, row.name, row.unit, accounts.groups_of(row), row.id)
        return await _page(house, visitor, request, link=link)
    if act not in ("disable", "enable"):
        raise HTTPException(422, "请选择停用、启用或重设密码；已停用的先启用。")
    if act == "disable" and f"account:{row.id}" == visitor.id:
        raise HTTPException(422, "不能停用自己正在用的账号，请由另一个机制办账号来停用。")
    event = AccountSwitched(
        id=uuid.uuid4().hex, at=house.now(), account=row.id, by=visitor.id, disabled=act == "disable"
    )
    await house.tell(event)
    return RedirectResponse("/office/accounts", 303, headers=NO_STORE)
