"""ROUTES: event → handlers, in order; the table of contents of the product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers import (
    acknowledge,
    bind,
    cleanup,
    erase,
    flag,
    gaps,
    groups,
    inventory,
    notice,
    register,
    remind,
    retention,
    rounds,
)
from handlers.actions import Action
from handlers.context import Context
from handlers.events import (
    AppealDecided,
    ButtonClicked,
    ChannelDeaf,
    CleanupDecided,
    CleanupDeclared,
    CleanupReviewed,
    CleanupWithdrawn,
    CodeShown,
    DayEnded,
    DeviceAnswered,
    Event,
    FlagAnswered,
    GroupDissolved,
    MessageReceived,
    NoticeCancelled,
    NoticeIssued,
    PersonErased,
    RegisterEdited,
    RegisterImportConfirmed,
    RegisterPartReceived,
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
        cleanup.mine,
    ),
    RosterReceived: (groups.take_roster, notice.freeze_late, gaps.heard_again),
    ButtonClicked: (acknowledge.click,),
    GroupDissolved: (groups.dissolved, notice.dissolved, rounds.dissolved),
    NoticeIssued: (notice.issue,),
    NoticeCancelled: (notice.cancel,),
    FlagAnswered: (flag.answer,),
    AppealDecided: (flag.decide,),
    CleanupDecided: (cleanup.decide,),
    CleanupReviewed: (cleanup.review,),
    CleanupDeclared: (cleanup.declare,),
    CleanupWithdrawn: (cleanup.withdraw,),
    RegisterEdited: (register.edit,),
    RegisterPartReceived: (register.keep_part,),
    RegisterImportConfirmed: (register.take,),
    PersonErased: (erase.erase,),
    WeekEnded: (inventory.take_snapshot, rounds.weekly),
    WorkdayEnding: (remind.digest,),
    DayEnded: (retention.forget, bind.forget, rounds.daily),
    ChannelDeaf: (gaps.note,),
    CodeShown: (bind.show,),
    DeviceAnswered: (bind.answer,),
    Woke: (notice.revise, acknowledge.close, remind.remind),
}
