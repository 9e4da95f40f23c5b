"""The event store on a real PostgreSQL: what is appended comes back, byte for byte and in the order of the call."""

import pytest

from runtime.eventstore import Append, NewEvent, PostgresEventStore, VersionConflict

pytestmark = pytest.mark.system

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
