"""What applicants were shown, kept by a real status service in a real PostgreSQL."""

import secrets
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local.database import temporary_database
from runtime.database import Pool, open_pool
from runtime.metrics import Metrics
from runtime.migrations import migrate
from services.status.main import MIGRATIONS
from services.status.past.shown import Look, Shown
from tests.system.status_process import Status, events_of, status_process, wait_until

pytestmark = pytest.mark.system

JANUARY = datetime(2026, 1, 15, 12, tzinfo=UTC)


class Clock:
    """A clock that tests set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> int:
        return int(self.now.timestamp()) * 1_000_000_000


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    opened = await open_pool(fresh_database, schema="status")
    await migrate(opened, "status", MIGRATIONS)
    yield opened
    await opened.close()


def _shown(pool: Pool, clock: Clock, days: int = 60) -> Shown:
    return Shown(pool, Metrics("status"), retention_days=days, flush_s=1, now_ns=clock)


async def test_it_can_be_told_what_had_been_shown_at_any_instant(pool: Pool) -> None:
    clock = Clock(JANUARY)
    shown = _shown(pool, clock)
    for hours, n in ((0, 1), (1, 1), (2, 3), (3, 3), (30, 4)):
        clock.now = JANUARY + timedelta(hours=hours)
        shown.note("LBG-A", n)
        await shown.flush()

    async def by(hours: float) -> list[tuple[int, int]]:
        return [(seen.events, seen.looks) for seen in await shown.seen("LBG-A", JANUARY + timedelta(hours=hours))]

    assert await by(-1) == []
    assert await by(0) == [(1, 1)]
    assert await by(1.5) == [(1, 2)]
    assert await by(29) == [(1, 2), (3, 2)]
    assert await by(31) == [(1, 2), (3, 2), (4, 1)]
    first = (await shown.seen("LBG-A", JANUARY + timedelta(hours=29)))[1]
    assert (first.first_at, first.last_at) == (JANUARY + timedelta(hours=2), JANUARY + timedelta(hours=3))
    assert await shown.seen("LBG-B", JANUARY) == []


async def test_a_batch_that_is_written_twice_counts_once(pool: Pool) -> None:
    clock = Clock(JANUARY)
    shown = _shown(pool, clock)
    at = clock()
    await shown._write([Look("LBG-A", 2, at, at, 1)])
    await shown._write([Look("LBG-A", 2, at, at + 5_000_000_000, 4)])
    assert [(seen.looks, seen.last_at) for seen in await shown.seen("LBG-A", JANUARY + timedelta(hours=1))] == [
        (4, JANUARY + timedelta(seconds=5))
    ]


async def test_a_month_is_dropped_whole_when_all_of_it_is_past_the_retention(pool: Pool) -> None:
    clock = Clock(JANUARY)
    shown = _shown(pool, clock)
    await shown.keep_tables()
    shown.note("LBG-A", 1)
    await shown.flush()

    async def months() -> list[str]:
        rows = await pool.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'shown'::regclass"
        )
        return sorted(row["name"] for row in rows)

    assert await months() == ["shown_2026_01", "shown_2026_02"]
    clock.now = datetime(2026, 4, 1, tzinfo=UTC)  # 59 days after the end of January
    await shown.keep_tables()
    assert "shown_2026_01" in await months()
    assert await shown.seen("LBG-A", JANUARY + timedelta(days=1)) == []  # but of it is no longer told
    clock.now = datetime(2026, 4, 2, tzinfo=UTC)
    await shown.keep_tables()
    assert await months() == ["shown_2026_02", "shown_2026_04", "shown_2026_05"]


async def test_two_processes_keep_the_same_tables_and_add_up(pool: Pool) -> None:
    clock = Clock(JANUARY)
    one, two = _shown(pool, clock), _shown(pool, clock)
    one.note("LBG-A", 1)
    await one.flush()
    clock.now += timedelta(seconds=1)
    two.note("LBG-A", 1)
    await two.flush()
    await two.keep_tables()
    assert [seen.looks for seen in await one.seen("LBG-A", JANUARY + timedelta(hours=1))] == [2]


async def test_more_than_one_batch_is_written_by_one_flush(pool: Pool) -> None:
    shown = _shown(pool, Clock(JANUARY))
    for place in range(4_500):
        shown.note(f"LBG-{place}", 1)
    await shown.flush()
    assert await pool.fetchval("SELECT count(*) FROM shown") == 4_500


async def test_what_a_failed_flush_held_is_written_by_the_next(pool: Pool) -> None:
    shown = _shown(pool, Clock(JANUARY))
    shown.note("LBG-A", 1)
    await shown.flush()
    await pool.execute("DROP TABLE shown_2026_01")
    shown.note("LBG-A", 2)
    with pytest.raises(asyncpg.PostgresError):
        await shown.flush()
    shown.note("LBG-A", 2)
    await shown.flush()
    assert [(seen.events, seen.looks) for seen in await shown.seen("LBG-A", JANUARY)] == [(2, 2)]


async def test_a_look_that_takes_long_does_not_hold_up_the_writing_when_a_month_is_to_be_made(pool: Pool) -> None:
    clock = Clock(JANUARY)
    shown = _shown(pool, clock)
    await shown.keep_tables()
    async with pool.acquire() as reader, reader.transaction():
        await reader.fetch("SELECT * FROM shown")
        clock.now += timedelta(days=60)
        shown.note("LBG-A", 1)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await shown.flush()
    await shown.flush()
    assert [seen.events for seen in await shown.seen("LBG-A", clock.now)] == [1]


# At the service


@pytest.fixture(scope="module")
def status(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Status]:
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path_factory.mktemp("shown"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-shown-{secrets.token_hex(5)}",
        ) as service,
    ):
        service.start(JEJAK_SHOWN_FLUSH_S="0.2")
        yield service


def _published(status: Status, count: int) -> str:
    """An application with so many events, taken in."""
    number = status.new_number()
    events: list[bytes] = []
    while len(events) < count:
        events = events_of(number, status.chance)
    status.publish([(number, event) for event in events[:count]])
    status.wait_for_all()
    return number


def _rows(status: Status, number: str) -> list[tuple[int, int]]:
    """(n, how many look-ups), as written."""
    query = f"SELECT n, sum(looks)::integer FROM shown WHERE number = '{number}' GROUP BY n ORDER BY n"
    return [(n, looks) for n, looks in status.fetch(query)]


def test_look_ups_of_applicants_count_also_where_nothing_had_changed(status: Status) -> None:
    number = _published(status, 2)
    with status.client() as client:
        tag = client.get(f"/applications/{number}").headers["etag"]
        assert client.get(f"/applications/{number}", headers={"If-None-Match": tag}).status_code == 304
        client.get(f"/applications/{number}/timeline")
        client.get(f"/applications/{number}/timeline?limit=1")
        client.get(f"/applications/{number}", headers=status.token("officer"))
    wait_until(lambda: _rows(status, number) == [(1, 1), (2, 3)], "what was shown is written")


def test_a_look_up_with_a_forged_token_is_answered_and_counts_as_the_applicants(status: Status) -> None:
    number = _published(status, 2)
    officer = status.token("officer")
    signed, _, signature = officer["Authorization"].rpartition(".")
    forged = {"Authorization": f"{signed}.{'A' * len(signature)}"}
    with status.client() as client:
        entries = client.get(f"/applications/{number}/timeline", headers=officer).json()["entries"]
        past = {"as_of": entries[-1]["recorded_at"]}
        for path, given in (("", {}), ("/timeline", {}), ("", past)):
            for headers in (officer, forged):
                answer = client.get(f"/applications/{number}{path}", params=given, headers=headers)
                assert answer.status_code == 200
    wait_until(lambda: _rows(status, number) == [(2, 3)], "what was shown is written")


def test_a_look_into_the_past_counts_with_what_it_showed(status: Status) -> None:
    number = _published(status, 1)
    with status.client() as client:
        first = client.get(f"/applications/{number}/timeline").json()["entries"][0]["recorded_at"]
        time.sleep(0.05)
        status.publish([(number, event) for event in events_of(number, status.chance)[:1]])
        status.wait_for_all()
        client.get(f"/applications/{number}", params={"as_of": "2020-01-01"})
        client.get(f"/applications/{number}", params={"as_of": first})
    wait_until(lambda: _rows(status, number) == [(1, 2)], "what was shown is written")


def test_what_an_event_stream_delivered_was_shown(status: Status) -> None:
    number = _published(status, 2)
    with httpx.stream("GET", f"{status.url}/applications/{number}/events", timeout=20) as stream:
        for line in stream.iter_lines():
            if line == "id: 2":
                break
    wait_until(lambda: _rows(status, number) == [(2, 1)], "what was shown is written")


def test_staff_are_told_what_the_applicant_had_been_shown_and_nobody_else_is(status: Status) -> None:
    number = _published(status, 2)
    path = f"/applications/{number}/shown"
    with status.client() as client:
        assert client.get(path).status_code == 401
        assert client.get(path, headers=status.token("officer")).status_code == 403
        nothing = client.get(path, headers=status.token("auditor")).json()
        assert (nothing["on_record"], nothing["shown"], nothing["looks"]) == (2, 0, [])
        assert nothing["text"]["en"].endswith("the applicant had been shown nothing.")
        client.get(f"/applications/{number}")
        wait_until(lambda: bool(_rows(status, number)), "what was shown is written")
        told = client.get(path, headers=status.token("supervisor")).json()
        assert (told["on_record"], told["shown"], [look["events"] for look in told["looks"]]) == (2, 2, [2])
        assert "events 1 to 2" in told["text"]["en"]
        long_ago = client.get(path, params={"as_of": "2020-01-01"}, headers=status.token("auditor")).json()
        assert "no longer kept" in long_ago["text"]["en"]
        unknown = client.get(f"/applications/{status.new_number()}/shown", headers=status.token("auditor"))
        assert unknown.status_code == 404


def test_nothing_of_who_looked_is_kept(status: Status) -> None:
    columns = status.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'status' AND table_name = 'shown'"
    )
    assert {name for (name,) in columns} == {"number", "n", "first_at", "last_at", "looks"}


def test_a_service_that_is_stopped_writes_what_it_holds_and_one_that_is_killed_loses_one_interval(
    status: Status,
) -> None:
    number = _published(status, 1)
    status.stop()
    status.start(JEJAK_SHOWN_FLUSH_S="60")
    with status.client() as client:
        wait_until(lambda: client.get(f"/applications/{number}").status_code == 200, "the service answers")
    status.stop()
    written = _rows(status, number)
    assert [n for n, _ in written] == [1]
    status.start(JEJAK_SHOWN_FLUSH_S="0.2")
    with status.client() as client:
        wait_until(lambda: client.get(f"/applications/{number}").status_code == 200, "the service answers")
        wait_until(lambda: _rows(status, number) > written, "what was shown is written")
        before = _rows(status, number)
        client.get(f"/applications/{number}")
    status.kill()
    after = _rows(status, number)
    assert before[0][1] <= after[0][1] <= before[0][1] + 1
    status.start(JEJAK_SHOWN_FLUSH_S="0.2")
