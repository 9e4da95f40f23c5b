"""Look-ups that wait together are asked for together; each gets its own answer."""

import asyncio
from typing import Any

import pytest

from contracts.number import format_number
from services.status.answering.bodies import Bodies
from services.status.answering.reads import Reads, Standing

NUMBERS = [format_number("LBG", place.to_bytes(10)) for place in range(1, 41)]


class Database:
    """Rows by number, and how often they were asked for."""

    def __init__(self) -> None:
        self.rows = {number: (place, "2-a", None, b"state") for place, number in enumerate(NUMBERS, 1)}
        self.asked: list[list[str]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.away = False

    async def fetch(self, _: str, partitions: list[int], numbers: list[str], known: list[int]) -> list[Any]:
        self.asked.append(numbers)
        await self.may_answer.wait()
        if self.away:
            raise ConnectionResetError
        found = [(place, *self.rows[number]) for place, number in enumerate(numbers, 1) if number in self.rows]
        return [(*row[:-1], None if row[1] == known[row[0] - 1] else row[-1]) for row in reversed(found)]


@pytest.fixture
def database() -> Database:
    return Database()


async def test_what_is_asked_in_one_turn_is_one_question(database: Database) -> None:
    reads = Reads(database)  # type: ignore[arg-type]
    found = await asyncio.gather(*[reads.standing(number) for number in NUMBERS])
    assert database.asked == [NUMBERS]
    assert found == [Standing(place, "2-a", None, b"state") for place in range(1, 41)]


async def test_what_comes_while_the_database_is_asked_waits_for_the_next_question(database: Database) -> None:
    reads = Reads(database, lanes=1)  # type: ignore[arg-type]
    database.may_answer.clear()
    first = reads.standing(NUMBERS[0])
    await asyncio.sleep(0.01)
    rest = [reads.standing(number) for number in NUMBERS[1:4]]
    await asyncio.sleep(0.01)
    assert database.asked == [NUMBERS[:1]]
    database.may_answer.set()
    await asyncio.gather(first, *rest)
    assert database.asked == [NUMBERS[:1], NUMBERS[1:4]]


async def test_a_number_that_is_asked_for_twice_is_answered_twice_each_as_asked(database: Database) -> None:
    reads = Reads(database)  # type: ignore[arg-type]
    whole, known, none = await asyncio.gather(
        reads.standing(NUMBERS[6]), reads.standing(NUMBERS[6], 7), reads.standing("AAA-0000-0000-0000-0000-0")
    )
    assert whole == Standing(7, "2-a", None, b"state")
    assert known == Standing(7, "2-a", None, None)
    assert none is None


async def test_a_failure_is_told_to_everyone_who_waits_and_the_next_question_is_asked(database: Database) -> None:
    reads = Reads(database, lanes=1)  # type: ignore[arg-type]
    database.away = True
    failed = await asyncio.gather(*[reads.standing(number) for number in NUMBERS[:3]], return_exceptions=True)
    assert [type(error) for error in failed] == [ConnectionResetError] * 3
    database.away = False
    assert await reads.standing(NUMBERS[0]) is not None


async def test_someone_who_goes_away_takes_nobody_else_along(database: Database) -> None:
    reads = Reads(database)  # type: ignore[arg-type]
    database.may_answer.clear()
    gone, stays = reads.standing(NUMBERS[0]), reads.standing(NUMBERS[1])
    await asyncio.sleep(0.01)
    gone.cancel()
    database.may_answer.set()
    assert await stays == Standing(2, "2-a", None, b"state")


def test_bodies_keep_to_their_size_and_forget_what_was_not_asked_for_the_longest() -> None:
    bodies = Bodies(5_000)
    for number in NUMBERS[:4]:
        bodies.keep(number, (1, "2-a", False), b"x" * 800)
    assert bodies.get(NUMBERS[0], (1, "2-a", False))
    bodies.keep(NUMBERS[4], (1, "2-a", False), b"x" * 800)
    assert bodies.used_bytes <= 5_000
    assert [bodies.known(number) for number in NUMBERS[:5]] == [1, 0, 1, 1, 1]


def test_a_body_is_given_only_for_what_it_was_made_of() -> None:
    bodies = Bodies(5_000)
    bodies.keep(NUMBERS[0], (1, "2-a", False), b"x")
    assert bodies.get(NUMBERS[0], (2, "2-a", False)) is None
    assert bodies.get(NUMBERS[0], (1, "2-b", False)) is None
    assert bodies.get(NUMBERS[0], (1, "2-a", True)) is None
    assert bodies.get(NUMBERS[0], (1, "2-a", False)) == b"x"


def test_without_room_nothing_is_kept() -> None:
    bodies = Bodies(0)
    bodies.keep(NUMBERS[0], (1, "2-a", False), b"x")
    assert (bodies.known(NUMBERS[0]), bodies.used_bytes) == (0, 0)
