"""What was shown: how look-ups are held until they are written, and what becomes of them when they cannot be."""

import asyncio
import time
from typing import Any

import pytest

from runtime.metrics import Metrics
from services.status.past.shown import Look, Notes, Shown, first_of

A, B = "LBG-A", "LBG-B"


def test_look_ups_that_show_the_same_are_one_row_with_first_and_last_time_and_count() -> None:
    notes = Notes(limit=10)
    for at in (5, 7, 9):
        notes.add(A, 3, at)
    notes.add(A, 4, 11)
    notes.add(B, 3, 12)
    taken = notes.take()
    assert first_of(taken, 2) == [Look(A, 3, 5, 9, 3), Look(A, 4, 11, 11, 1)]
    assert first_of(taken, 9)[2:] == [Look(B, 3, 12, 12, 1)]
    assert notes.take() == {}


def test_what_there_is_no_room_for_is_counted_and_what_is_held_already_goes_on() -> None:
    notes = Notes(limit=1)
    notes.add(A, 1, 5)
    notes.add(B, 1, 6)
    notes.add(A, 1, 7)
    assert first_of(notes.take(), 9) == [Look(A, 1, 5, 7, 2)]
    assert (notes.take_dropped(), notes.take_dropped()) == (1, 0)


def test_what_could_not_be_written_is_joined_to_what_was_noted_meanwhile() -> None:
    notes = Notes(limit=2)
    notes.add(A, 1, 5)
    notes.add(B, 1, 5)
    notes.add(B, 1, 6)
    taken = notes.take()
    notes.add(A, 1, 8)
    notes.add(A, 2, 9)
    notes.put_back(taken)
    assert first_of(notes.take(), 9) == [Look(A, 1, 5, 8, 2), Look(A, 2, 9, 9, 1)]
    assert notes.take_dropped() == 2


class _Away:
    """A database that fails until it is told not to."""

    def __init__(self) -> None:
        self.fails = True
        self.rows: list[tuple[Any, ...]] = []

    async def execute(self, _: str, *columns: list[Any]) -> None:
        if self.fails:
            raise ConnectionError("away")
        self.rows += zip(*columns, strict=True)


def _shown(pool: _Away, limit: int = 50_000) -> Shown:
    shown = Shown(pool, Metrics("status"), retention_days=400, flush_s=1, limit=limit, now_ns=lambda: 1)  # type: ignore[arg-type]
    shown._months = {"shown_1970_01"}
    return shown


async def test_while_the_database_is_away_look_ups_are_held_and_written_when_it_is_back() -> None:
    pool = _Away()
    shown = _shown(pool)
    shown.note(A, 2)
    with pytest.raises(ConnectionError):
        await shown.flush()
    shown._months = {"shown_1970_01"}
    shown.note(A, 2)
    pool.fails = False
    await shown.flush()
    assert [(row[0], row[1], row[4]) for row in pool.rows] == [(A, 2, 2)]
    await shown.flush()
    assert len(pool.rows) == 1


async def test_what_was_not_kept_is_a_metric() -> None:
    pool = _Away()
    pool.fails = False
    shown = _shown(pool, limit=2)
    for place in range(5):
        shown.note(f"LBG-{place}", 1)
    await shown.flush()
    metrics = shown._kept, shown._dropped
    assert [metric._value.get() for metric in metrics] == [2, 3]


async def test_a_full_memory_is_written_before_its_time() -> None:
    pool = _Away()
    pool.fails = False
    shown = Shown(pool, Metrics("status"), retention_days=400, flush_s=3_600, limit=4, now_ns=lambda: 1)  # type: ignore[arg-type]

    async def keep_tables() -> None:
        shown._months = {"shown_1970_01"}

    shown.keep_tables = keep_tables  # type: ignore[method-assign]
    task = asyncio.create_task(shown.run())
    shown.note(A, 1)
    shown.note(A, 2)
    async with asyncio.timeout(5):
        while not pool.rows:
            await asyncio.sleep(0)
    task.cancel()
    assert len(pool.rows) == 2


def test_noting_a_look_up_costs_next_to_nothing() -> None:
    shown = Shown(_Away(), Metrics("status"), retention_days=400, flush_s=1)  # type: ignore[arg-type]
    began = time.perf_counter()
    for _ in range(20_000):
        shown.note(A, 3)
    assert (
        time.perf_counter() - began
    ) / 20_000 < 20e-6  # measured: 1 µs with both cores busy; much more for a busy machine
