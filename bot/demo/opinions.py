"""What the invented cadres find of some groups and apps; of one too few answered for anything to be shown."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from bot.channels.playground import Playground
from bot.demo import city
from bot.house import House
from config.settings import Settings
from handlers.events import Event, SubjectRated
from handlers.rules.rating import round_of
from handlers.rules.week import first_day, midnight, week_of

# So many weeks before the last one the answers are given, all within one week.
WEEKS_AGO = 2
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "group:playground:g17": ("useless", "useless", "useless", "useless", "unsure", "useful"),
    "group:playground:g01": ("useful", "useful", "useful", "useful", "useful", "unsure", "useless"),
    "group:playground:g15": ("useful", "useless", "unsure"),
    "app:demo:青石随手拍": ("useless", "useless", "useless", "unsure", "useless", "useless", "useful"),
    "app:demo:柳湾微讯": ("useful", "unsure"),
}
# Below so many monthly users an app of the demonstration is watched.
FEW_USERS = 50


def demonstration(settings: Settings) -> Settings:
    """What is switched off at home is shown here."""
    rules = settings.inventory.model_copy(update={"app_active_least": settings.inventory.app_active_least or FEW_USERS})
    return settings.model_copy(update={"ratings": settings.ratings.model_copy(update={"enabled": True}), "inventory": rules})


def after_week(db: Connection, house: House, event: Event, left: int) -> None:
    if left != WEEKS_AGO:
        return
    week = week_of(event.at)
    for subject, answers in ANSWERS.items():
        for number, answer in enumerate(answers):
            person = f"{Playground.name}:{city.CADRES[number]}"
            voter = house.links.voter(round_of(week), subject, person)
            told = {"subject": subject, "voter": voter, "answer": answer}
            house.dispatch.decide(
                db, SubjectRated(id=f"demo:{subject}:{number}", at=midnight(first_day(week)), **told)  # type: ignore[arg-type]
            )
