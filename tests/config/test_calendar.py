"""Working days as the State Council arranges them, working hours as a county office keeps them."""

from datetime import UTC, date, datetime, time

import pytest

from config.calendar import SHANGHAI, Calendar


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("moment", "working"),
    [
        pytest.param("2026-03-10T10:00", True, id="a Tuesday morning"),
        pytest.param("2026-03-10T12:30", True, id="the noon break counts"),
        pytest.param("2026-03-10T07:59", False, id="before eight"),
        pytest.param("2026-03-10T18:00", False, id="the closing minute"),
        pytest.param("2026-03-14T10:00", False, id="a Saturday"),
        pytest.param("2026-02-14T10:00", True, id="a Saturday worked for the Spring Festival"),
        pytest.param("2026-02-17T10:00", False, id="Spring Festival"),
        pytest.param("2026-10-01T10:00", False, id="National Day"),
    ],
)
def test_working_time_follows_the_arranged_holidays(moment: str, working: bool) -> None:
    assert Calendar().is_working_time(at(moment)) is working


def test_a_moment_elsewhere_is_read_in_shanghai() -> None:
    assert Calendar().is_working_time(datetime(2026, 3, 10, 2, 0, tzinfo=UTC))


def test_two_working_days_after_the_friday_before_spring_festival_end_after_the_holidays() -> None:
    assert Calendar().add_working_days(at("2026-02-13T16:00"), 2) == date(2026, 2, 24)


@pytest.mark.parametrize(
    ("a", "b", "days"),
    [
        pytest.param("2026-03-10T10:00", "2026-03-10T18:00", 0, id="the same day"),
        pytest.param("2026-03-10T10:00", "2026-03-12T18:00", 2, id="the day after tomorrow"),
        pytest.param("2026-03-13T17:00", "2026-03-16T09:00", 1, id="Friday evening to Monday"),
        pytest.param("2026-03-12T10:00", "2026-03-10T10:00", 0, id="backwards"),
    ],
)
def test_working_days_between_do_not_count_the_day_of_speaking(a: str, b: str, days: int) -> None:
    assert Calendar().working_days_between(at(a), at(b)) == days


def test_a_far_away_deadline_is_counted_in_bounded_time() -> None:
    assert Calendar().working_days_between(date(2026, 1, 1), date(9999, 1, 1)) > 200


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        pytest.param("2026-03-10T10:00", "2026-03-10T10:00", id="working time is itself"),
        pytest.param("2026-03-10T06:00", "2026-03-10T08:00", id="early morning"),
        pytest.param("2026-03-10T20:00", "2026-03-11T08:00", id="evening"),
        pytest.param("2026-03-13T20:00", "2026-03-16T08:00", id="Friday evening"),
        pytest.param("2026-03-14T06:00", "2026-03-16T08:00", id="Saturday early"),
    ],
)
def test_the_next_working_moment(moment: str, opens: str) -> None:
    assert Calendar().next_working_moment(at(moment)) == at(opens)


def test_an_unknown_year_falls_back_to_weekdays_and_says_so() -> None:
    calendar = Calendar()
    assert not calendar.knows(date(2031, 5, 1))
    assert calendar.is_working_day(date(2031, 5, 1))
    assert not calendar.is_working_day(date(2031, 5, 3))


def test_an_override_wins_and_makes_its_year_known() -> None:
    calendar = Calendar({date(2031, 5, 1): False})
    assert calendar.knows(at("2031-03-01T10:00"))
    assert not calendar.is_working_day(date(2031, 5, 1))


def test_own_working_hours() -> None:
    assert not Calendar(work_hours=(time(9), time(17))).is_working_time(at("2026-03-10T08:30"))


def test_hours_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match="须早于"):
        Calendar(work_hours=(time(18), time(8)))


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="时区"):
        Calendar().is_working_time(datetime(2026, 3, 10, 10))  # noqa: DTZ001


def test_overrides_without_a_working_day_are_an_error_not_an_endless_search() -> None:
    start = date(2026, 1, 1).toordinal()
    calendar = Calendar({date.fromordinal(start + i): False for i in range(900)})
    with pytest.raises(ValueError, match="没有一个工作日"):
        calendar.next_working_moment(at("2026-01-02T10:00"))
