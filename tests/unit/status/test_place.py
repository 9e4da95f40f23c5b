"""The place among those that wait for the office: the order, the count, and what is said of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.status.answering.views import Presenter
from services.status.place.api import PlaceTeller
from services.status.place.places import Group, Place, Places, Standing, place_of, turn_of
from tests.unit.status.story import CATALOGUE, MONDAY, PROCEDURES

GROUP = Group("passport_new", "lebong", "examination")


def turn(days: float | None, since_h: float = 0, number: str = "A") -> Any:
    due = None if days is None else MONDAY + timedelta(days=days)
    return turn_of(due, MONDAY + timedelta(hours=since_h), number)


def test_the_earliest_deadline_comes_first_and_no_deadline_last() -> None:
    queue = sorted([turn(None, number="C"), turn(3, number="B"), turn(1, number="A")])
    assert [one.number for one in queue] == ["A", "B", "C"]
    assert place_of(turn(3, number="B"), queue) == Place(1, 3)


def test_of_two_with_the_same_deadline_the_one_that_waits_longer_comes_first() -> None:
    queue = sorted([turn(1, 5, "A"), turn(1, 2, "B")])
    assert place_of(turn(1, 5, "A"), queue) == Place(1, 2)
    assert place_of(turn(1, 2, "B"), queue) == Place(0, 2)


def test_who_came_after_the_queue_was_read_is_counted_too() -> None:
    assert place_of(turn(2, number="B"), [turn(1), turn(3)]) == Place(1, 3)


def test_beyond_what_is_counted_no_place_is_told() -> None:
    queue = [turn(days, number=str(days)) for days in range(4)]
    assert place_of(queue[2], queue, most=3) == Place(2, None)
    assert place_of(turn(9), queue, most=3) == Place(None, None)


class Database:
    """Counts the questions."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False

    async def fetch(self, _: str, *given: Any) -> list[Any]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise ConnectionError
        return [(MONDAY, MONDAY, "A"), (None, MONDAY, "B")]


async def test_a_group_is_read_once_for_all_who_ask_within_seconds() -> None:
    database, now = Database(), [0.0]
    places = Places(database, fresh_s=5, clock=lambda: now[0])  # type: ignore[arg-type]
    standing = Standing("office", GROUP, turn(None, number="B"))
    assert set(await asyncio.gather(*[places.place(standing) for _ in range(20)])) == {Place(1, 2)}
    assert database.asked == 1
    now[0] = 5.1
    await places.place(standing)
    assert database.asked == 2


async def test_a_question_that_failed_is_asked_again_at_once() -> None:
    database = Database()
    places = Places(database, clock=lambda: 0.0)  # type: ignore[arg-type]
    standing = Standing("office", GROUP, turn(None, number="B"))
    database.is_away = True
    with pytest.raises(ConnectionError):
        await places.place(standing)
    database.is_away = False
    assert await places.place(standing) == Place(1, 2)


def said(found: tuple[Group, Place] | None) -> tuple[str, int | None, str]:
    view = PlaceTeller(Presenter(CATALOGUE, PROCEDURES)).view("LBG-…", found, datetime(2026, 3, 2, tzinfo=UTC))
    return view.state, view.ahead, view.text.en


@pytest.mark.parametrize(
    ("place", "state", "ahead", "words"),
    [
        (Place(0, 1), "placed", 0, "Yours is the only application"),
        (
            Place(0, 8),
            "placed",
            0,
            "No application is ahead of yours. After the step “Interview and biometrics”, 8 wait",
        ),
        (Place(1234, 5678), "placed", 1234, "1,234 ahead of yours, of 5,678"),
        (Place(3, None), "placed", 3, "of more than 10,000"),
        (Place(None, None), "more_than_counted", None, "More than 10,000 applications are ahead"),
    ],
)
def test_the_place_is_told_as_a_number_only_where_it_is_known(
    place: Place, state: str, ahead: int | None, words: str
) -> None:
    found = said((GROUP, place))
    assert found[:2] == (state, ahead)
    assert words in found[2]


def test_of_what_another_system_handles_no_order_is_told() -> None:
    assert said((Group("no_service_of_ours", "lebong", "received"), Place(3, 9)))[:2] == ("order_not_known", None)


def test_who_does_not_wait_for_the_office_has_no_place() -> None:
    assert said(None)[:2] == ("not_waiting", None)
