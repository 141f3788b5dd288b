"""ROUTES: event → handlers, in order; the table of contents of the product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers import acknowledge, bind, flag, gaps, groups, inventory, notice, remind, retention
from handlers.actions import Action
from handlers.context import Context
from handlers.events import (
    AppealDecided,
    ButtonClicked,
    ChannelDeaf,
    CodeShown,
    DayEnded,
    DeviceAnswered,
    Event,
    FlagAnswered,
    GroupDissolved,
    MessageReceived,
    NoticeCancelled,
    NoticeIssued,
    RosterReceived,
    WeekEnded,
    Woke,
    WorkdayEnding,
)

Handler = Callable[[Any, Context], list[Action]]

ROUTES: Mapping[type[Event], tuple[Handler, ...]] = {
    MessageReceived: (
        groups.hear,
        groups.count,
        bind.hear,
        notice.recall,
        flag.clear,
        notice.warn_classified,
        acknowledge.typed,
        notice.spot,
        flag.review,
        flag.check_draft,
        remind.mine,
        inventory.report,
    ),
    RosterReceived: (groups.take_roster, notice.freeze_late, gaps.heard_again),
    ButtonClicked: (acknowledge.click,),
    GroupDissolved: (groups.dissolved, notice.dissolved),
    NoticeIssued: (notice.issue,),
    NoticeCancelled: (notice.cancel,),
    FlagAnswered: (flag.answer,),
    AppealDecided: (flag.decide,),
    WeekEnded: (inventory.take_snapshot,),
    WorkdayEnding: (remind.digest,),
    DayEnded: (retention.forget, bind.forget),
    ChannelDeaf: (gaps.note,),
    CodeShown: (bind.show,),
    DeviceAnswered: (bind.answer,),
    Woke: (notice.revise, acknowledge.close, remind.remind),
}
