"""The event store on a real PostgreSQL: what is appended comes back, byte for byte and in the order of the call."""

import asyncio

import asyncpg
import pytest
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from runtime.eventstore import Append, NewEvent, PostgresEventStore, VersionConflict

pytestmark = pytest.mark.system

COLUMNS = """
SELECT column_name, data_type, is_nullable, replace(column_default, $1 || '.', '') AS of_itself
FROM information_schema.columns WHERE table_schema = $1 AND table_name = 'stored_events' ORDER BY ordinal_position
"""
INDEXES = "SELECT indexname, replace(indexdef, $1 || '.', '') FROM pg_indexes WHERE schemaname = $1 ORDER BY indexname"
OPTIONS = "SELECT reloptions FROM pg_class WHERE relname = 'stored_events' AND relnamespace = $1::text::regnamespace"
ODD = [bytes(range(256)), b"", b'{"a": "\\", NULL}', "Sérénité \\x00 '%s'".encode()]


async def test_events_of_many_streams_are_notified_in_the_order_in_which_they_were_appended(
    fresh_database: str,
) -> None:
    store = PostgresEventStore.open(fresh_database, "public")
    await store.prepare()
    try:
        appends = [
            Append(f"stream-{place * 7 % 100}", 0, [NewEvent("odd", state), NewEvent("plain", b"%d" % place)])
            for place, state in enumerate(ODD * 25)
        ]
        await store.append(*appends)
        written = [(append.stream, event.type, event.state) for append in appends for event in append.events]
        assert [notified[1:] for notified in await store.notifications(0, 1_000)] == written
        await store.append(*appends)  # the answer was lost, and it is sent again
        assert len(await store.notifications(0, 1_000)) == len(written)
        with pytest.raises(VersionConflict):
            await store.append(Append("new", 0, [NewEvent("plain", b"1")]), Append("stream-0", 1, [NewEvent("x", b"")]))
        assert await store.load("new") == []
    finally:
        await store.close()


async def test_appends_that_wait_together_are_each_taken_or_refused_by_themselves(fresh_database: str) -> None:
    store = PostgresEventStore.open(fresh_database, "public")
    await store.prepare()
    try:
        await store.append(Append("taken", 0, [NewEvent("first", b"1")]))
        wanted = [Append(f"s{place}", 0, [NewEvent("plain", b"%d" % place)]) for place in range(60)]
        rivals = [Append("taken", 0, [NewEvent("second", b"2")]), Append("s7", 0, [NewEvent("rival", b"x")])]
        outcomes = await asyncio.gather(*(store.append(one) for one in [*wanted, *rivals]), return_exceptions=True)
        assert outcomes[:60] == [None] * 60
        assert [type(outcome) for outcome in outcomes[60:]] == [VersionConflict, VersionConflict]
        assert [event.state for event in await store.load("taken")] == [b"1"]
        assert len(await store.notifications(0, 1_000)) == 61
    finally:
        await store.close()


async def test_who_gives_up_waiting_for_an_append_holds_up_nobody(fresh_database: str) -> None:
    store = PostgresEventStore.open(fresh_database, "public")
    await store.prepare()
    try:
        tasks = [
            asyncio.create_task(store.append(Append(f"s{place}", 0, [NewEvent("plain", b"")]))) for place in range(20)
        ]
        await asyncio.sleep(0)
        for impatient in tasks[::2]:
            impatient.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert done[1::2] == [None] * 10
        await store.append(Append("later", 0, [NewEvent("plain", b"")]))
        assert [event.version for event in await store.load("s1")] == [1]
    finally:
        await store.close()


async def test_appends_fail_together_while_the_database_is_away_and_succeed_afterwards(fresh_database: str) -> None:
    store = PostgresEventStore.open(fresh_database, "public")
    away = PostgresEventStore.open("postgresql://nobody@127.0.0.1:1/none", "public")
    await store.prepare()
    try:
        failed = await asyncio.gather(
            *(away.append(Append(f"s{place}", 0, [NewEvent("plain", b"")])) for place in range(3)),
            return_exceptions=True,
        )
        assert all(isinstance(error, Exception) for error in failed)
        await store.append(Append("s0", 0, [NewEvent("plain", b"")]))
    finally:
        await store.close()
        await away.close()


async def test_the_table_is_the_one_that_the_recorder_of_the_library_makes(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    store = PostgresEventStore.open(fresh_database, "ours")
    try:
        await connection.execute("CREATE SCHEMA ours; CREATE SCHEMA theirs")
        await store.prepare()
        await asyncio.to_thread(make_table_of_the_library, fresh_database, "theirs")
        for query in (COLUMNS, INDEXES, OPTIONS):
            ours, theirs = [[tuple(row) for row in await connection.fetch(query, name)] for name in ("ours", "theirs")]
            assert ours == theirs != []
    finally:
        await store.close()
        await connection.close()


def make_table_of_the_library(dsn: str, schema: str) -> None:
    where = {"password": "", **conninfo_to_dict(dsn)}
    names = {name: str(where[name]) for name in ("dbname", "host", "port", "user", "password")}
    with PostgresDatastore(**names, schema=schema, originator_id_type="text") as datastore:
        PostgresApplicationRecorder(datastore, events_table_name="stored_events").create_table()
