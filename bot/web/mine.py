"""我的事项: what one person has still to acknowledge, each with one tap; and the flags that only they may see."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import LinkError
from bot.web.acknowledge import PRIVATE, clicked
from bot.web.forms import Form, form_of
from bot.web.templates import render
from config.wording import load_wording
from handlers.events import FlagAnswered, SubjectRated
from handlers.rules.rating import ANSWERS as RATINGS
from handlers.rules.rating import LEAST, round_of
from handlers.rules.week import first_day, midnight, week_of
from storage import dump, flags, notices, pages, ratings
from storage.personal import subject

SHOWN = 100
ANSWERS: tuple[Literal["withdraw", "misjudged", "understood"], ...] = ("withdraw", "misjudged", "understood")


def routes(house: House) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        person = _read(house, request)
        undo_from = house.now() - timedelta(minutes=house.settings.acknowledge.undo_minutes)

        def read(db: Connection) -> dict[str, Any]:
            waiting = notices.open_for(db, person)[:SHOWN]
            return {
                "waiting": waiting,
                "done": pages.acknowledged_since(db, person, undo_from),
                "groups": {row.id: pages.group_names(db, row.id) for row in waiting},
                "hints": flags.open_of(db, person)[:SHOWN],
                **_opinions(house, db, person),
            }

        page = render("mine.html", request, house=house, **await house.store.read(read))
        return HTMLResponse(page, headers=PRIVATE)

    async def press(request: Request) -> Response:
        person = _read(house, request)
        form = await form_of(request)
        back = RedirectResponse(f"/mine/{request.path_params['token']}", 303, headers=PRIVATE)
        if flag := form.get("flag"):
            await house.tell(_answered(house, flag, person, form))
            return back
        if subject := form.get("rate"):
            await house.tell(await _rated(house, person, subject, form.get("answer")))
            return RedirectResponse(f"{back.headers['location']}#ratings", 303, headers=PRIVATE)
        notice, action = form.get("notice", ""), form.get("action", "ack")
        if not notice or action not in ("ack", "undo"):
            raise HTTPException(422, "没有说明要确认哪一条，请返回重试。")
        await house.tell(clicked(house, notice, person, "undo" if action == "undo" else "ack"))
        return back

    async def own(request: Request) -> Response:
        person = _read(house, request)
        told = await house.store.read(lambda db: own_data(db, person, house.wording("export.other")))
        name = quote(house.wording("export.own_file"))
        headers = {**PRIVATE, "content-disposition": f"attachment; filename=\"mine.json\"; filename*=UTF-8''{name}"}
        return Response(json.dumps(told, ensure_ascii=False, indent=2), media_type="application/json", headers=headers)

    return [
        Route("/mine/{token}", show, methods=["GET"]),
        Route("/mine/{token}", press, methods=["POST"]),
        Route("/mine/{token}/data.json", own, methods=["GET"]),
    ]


def own_data(db: Connection, person: str, other: str) -> dict[str, Any]:
    """What is stored about one person (个人信息保护法 第四十五条), by what it is; others' names are left out."""
    say = load_wording()
    parts = {say(f"export.table.{part.name}"): list(part.rows) for part in dump.about(db, subject(db, person), other)}
    return {title: rows for title, rows in parts.items() if rows}


def _answered(house: House, flag: str, person: str, form: Form) -> FlagAnswered:
    answer = form.get("answer")
    if answer not in ANSWERS:
        raise HTTPException(422, "没有说明如何处理这条提示，请返回重试。")
    share = form.get("share").strip().replace("\r\n", "\n") if answer == "misjudged" else ""
    return FlagAnswered(
        id=f"mine:{uuid.uuid4().hex}", at=house.now(), flag=flag, person=person, answer=answer, share=share
    )


def _opinions(house: House, db: Connection, person: str) -> dict[str, Any]:
    """What this person may rate, and what they have answered in this round; nothing where it is switched off."""
    if not house.settings.ratings.enabled:
        return {"offered": [], "answers": {}}
    offered = ratings.offered(db, person, LEAST)
    quarter = round_of(week_of(house.now()))
    voters = {subject: house.links.voter(quarter, subject, person) for subject, _ in offered}
    return {"offered": offered, "answers": ratings.answer_of(db, quarter, voters)}


async def _rated(house: House, person: str, subject: str, answer: str) -> SubjectRated:
    """From here on nobody's name is with the answer, nor the moment, only its week."""
    offered = await house.store.read(lambda db: ratings.offered(db, person, LEAST)) if house.settings.ratings.enabled else []
    if answer not in RATINGS or subject not in dict(offered):
        raise HTTPException(422, "没有说明评价哪个群或应用，或这项评价没有开放，请返回重试。")
    week = week_of(house.now())
    voter = house.links.voter(round_of(week), subject, person)
    return SubjectRated(
        id=f"rated:{uuid.uuid4().hex}", at=midnight(first_day(week)), subject=subject, voter=voter, answer=answer  # type: ignore[arg-type]
    )


def _read(house: House, request: Request) -> str:
    try:
        return house.links.read_mine(request.path_params["token"])
    except LinkError as error:
        raise HTTPException(404, str(error)) from None
