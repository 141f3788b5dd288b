"""The events of the register and of an erasure go over a broker and come back the same."""

from __future__ import annotations

import json

import pytest

from bot import wire
from handlers.events import Event, PersonErased, RegisterEdited, RegisterImportConfirmed, RegisterPartReceived
from tests.conftest import MONDAY


@pytest.mark.parametrize(
    "event",
    [
        RegisterEdited(id="1", at=MONDAY, book="groups", row="wechat:r1", who="office:甲", version="v",
                       fields=("name", "created"), values=("群", "2026-01-05")),
        RegisterPartReceived(id="2", at=MONDAY, draft="i1", book="apps", file="a.csv", sha256="f", who="office:甲", number=0,
                             parts=1, body="[]"),
        RegisterImportConfirmed(id="3", at=MONDAY, draft="i1", shown="d", who="office:甲"),
        PersonErased(id="4", at=MONDAY, person="wechat:p", request="SC1", who="office:甲", talks=3),
    ],
    ids=lambda event: type(event).__name__,
)  # fmt: skip
def test_it_comes_back_the_same(event: Event) -> None:
    assert wire.load(json.loads(json.dumps(wire.dump(event)))) == event
