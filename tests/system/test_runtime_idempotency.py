"""Idempotency keys on a real PostgreSQL: the same rules as in memory, and across processes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.answers import Claimed, Completed, OtherRequest, PostgresAnswers, Running
from runtime.database import Pool, open_pool
from runtime.migrations import migrate

pytestmark = pytest.mark.system

COUNT = "SELECT count(*) FROM idempotency"


@pytest.fixture
async def pool(fresh_database: str, tmp_path: Path) -> AsyncIterator[Pool]:
    pool = await open_pool(fresh_database, schema="intake")
    await migrate(pool, "intake", tmp_path)
    yield pool
    await pool.close()


async def test_a_key_is_claimed_once_completed_and_replayed(pool: Pool) -> None:
    answers = PostgresAnswers(pool)
    claimed = await answers.claim(b"k", b"f")
    assert isinstance(claimed, Claimed)
    running = await answers.claim(b"k", b"f")
    assert isinstance(running, Running)
    assert 0 < running.remaining_s <= 60
    await answers.complete(b"k", claimed.claim, b"answer")
    assert await answers.claim(b"k", b"f") == Completed(b"answer")
    assert await answers.claim(b"k", b"other") == OtherRequest()
    await answers.release(b"k", claimed.claim)  # an answer once kept is not given up
    assert await answers.claim(b"k", b"f") == Completed(b"answer")


async def test_of_many_racing_requests_one_gets_the_key(pool: Pool) -> None:
    answers = PostgresAnswers(pool)
    found = await asyncio.gather(*(answers.claim(b"k", b"f") for _ in range(64)))
    assert sum(isinstance(one, Claimed) for one in found) == 1


async def test_a_released_key_is_free_again(pool: Pool) -> None:
    answers = PostgresAnswers(pool)
    claimed = await answers.claim(b"k", b"f")
    assert isinstance(claimed, Claimed)
    await answers.release(b"k", claimed.claim)
    assert isinstance(await answers.claim(b"k", b"another request"), Claimed)


async def test_the_claim_of_a_process_that_died_is_taken_over_and_its_late_answer_ignored(pool: Pool) -> None:
    dead = await PostgresAnswers(pool, lock_s=0).claim(b"k", b"f")
    assert isinstance(dead, Claimed)
    answers = PostgresAnswers(pool)
    assert await answers.claim(b"k", b"other") == OtherRequest()
    taken_over = await answers.claim(b"k", b"f")
    assert isinstance(taken_over, Claimed)
    await answers.complete(b"k", dead.claim, b"late")
    assert isinstance(await answers.claim(b"k", b"f"), Running)
    await answers.complete(b"k", taken_over.claim, b"answer")
    assert await answers.claim(b"k", b"f") == Completed(b"answer")


async def test_a_claim_lasts_as_long_as_it_is_extended(pool: Pool) -> None:
    claimed = await PostgresAnswers(pool, lock_s=0).claim(b"k", b"f")
    assert isinstance(claimed, Claimed)
    answers = PostgresAnswers(pool)
    await answers.extend(b"k", claimed.claim)
    assert isinstance(await answers.claim(b"k", b"f"), Running)
    await answers.complete(b"k", claimed.claim, b"answer")
    await answers.extend(b"k", claimed.claim)
    assert await answers.claim(b"k", b"f") == Completed(b"answer")


async def test_answers_that_are_over_are_cleared_away_by_later_ones(pool: Pool) -> None:
    brief = PostgresAnswers(pool, lock_s=0, retention_s=0.001)
    for n in range(6):
        claimed = await brief.claim(b"old-%d" % n, b"f")
        assert isinstance(claimed, Claimed)
    await asyncio.sleep(0.01)
    answers = PostgresAnswers(pool)
    for n in range(3):
        claimed = await answers.claim(b"new-%d" % n, b"f")
        assert isinstance(claimed, Claimed)
        await answers.complete(b"new-%d" % n, claimed.claim, b"answer")
    assert await pool.fetchval(COUNT) == 3


async def test_an_answer_that_is_over_frees_its_key_for_any_request(pool: Pool) -> None:
    brief = PostgresAnswers(pool, lock_s=0, retention_s=0.001)
    assert isinstance(await brief.claim(b"k", b"f"), Claimed)
    await asyncio.sleep(0.01)
    assert isinstance(await PostgresAnswers(pool).claim(b"k", b"other"), Claimed)
