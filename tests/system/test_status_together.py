"""Records of many partitions in one transaction make what they make one by one."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.envelope import PARTITIONS, encode_event, new_salt
from contracts.facts import Actor, Decided, DocumentsVerified, EventRef, Fact, Submitted
from contracts.number import RANDOM_BYTES, format_number
from runtime.positions import Advance, Fenced, stored_position
from runtime.records import Record, by_partition
from services.status.folding.partitions import partition_of
from services.status.projections import _narrowest, _take_stored
from services.status.store import generations
from services.status.store.archive import Archive
from services.status.store.digests import live_digest
from services.status.store.following import Following
from services.status.taking_in import TakingIn
from tests.system.projected import CATALOGUE, Projected, projected
from tests.system.status_process import APPLICANT, BEGAN, OFFICE

pytestmark = pytest.mark.system
OFFICER = Actor(role="officer", office="lebong", desk="counter")
CHANCE = random.Random(20261124)


def history() -> Iterator[tuple[str, Fact]]:
    """An application's facts with their ids; one is said twice, and one is corrected."""
    yield "e1", Submitted(service="passport_new", office="lebong", channel="internet", by=APPLICANT)
    yield "e2", DocumentsVerified(by=OFFICER)
    yield "e2", DocumentsVerified(by=OFFICER)
    yield "e3", Decided(outcome="refused", by=OFFICER, reasons=[])
    yield "e4", Decided(outcome="approved", by=OFFICER, corrects=EventRef(source=f"{OFFICE}/processing", id="e3"))


def log_of(applications: int) -> list[Record]:
    """What many applications told at the same time is in the log."""
    told: list[tuple[str, str, Fact, int]] = []
    for _ in range(applications):
        number = format_number("LBG", CHANCE.randbytes(RANDOM_BYTES))
        told += [(number, event_id, fact, hour) for hour, (event_id, fact) in enumerate(history())]
    told.sort(key=lambda one: one[3])
    ends = dict.fromkeys(range(PARTITIONS), 0)
    records = []
    for number, event_id, fact, hour in told:
        partition, at = partition_of(number, PARTITIONS), BEGAN + timedelta(hours=hour)
        value = encode_event(
            fact, id=event_id, source=f"{OFFICE}/processing", subject=number, time=at, salt=new_salt(bytes(32))
        )
        at_ms = int(at.timestamp() * 1_000)
        records.append(Record("t", partition, ends[partition], at_ms, number.encode(), value))
        ends[partition] += 1
    return records


async def project(status: Projected, batches: Sequence[Sequence[Record]]) -> list[str]:
    changed: list[str] = []
    for records in batches:
        async with status.pool.acquire() as connection, connection.transaction():
            live = await generations.live_generation(connection, status.projector.version)
            assert live is not None
            changed += await status.projector.project(connection, live.id, records)
    return changed


async def test_records_of_many_partitions_make_what_they_make_one_by_one(fresh_database: str, tmp_path: Path) -> None:
    records = log_of(40)
    halves = [records[: len(records) // 2], records[len(records) // 2 - 30 :]]  # thirty come again
    digests = []
    for schema, batches in (("one", [[record] for record in records]), ("many", halves), ("whole", [records])):
        (tmp_path / schema).mkdir()
        async with projected(fresh_database, tmp_path / schema, schema=schema) as status:
            changed = await project(status, batches)
            assert len(set(changed)) == 40
            assert await project(status, halves) == []
        digests.append(live_digest(fresh_database, schema, generations.version_of(CATALOGUE)))
    assert digests[0] == digests[1] == digests[2] != ""


async def test_what_another_replica_has_taken_in_is_refused_whole(fresh_database: str, tmp_path: Path) -> None:
    records = log_of(10)
    runs = by_partition(records)
    topic = "t@1"

    def first_step(partition: int) -> Advance:
        return Advance("status", topic, partition, 0, runs[partition][-1].offset + 1)

    async def generation() -> str:
        return "1"

    async def qualified() -> str:
        return topic

    async with projected(fresh_database, tmp_path) as status:
        following = Following(status.projector, "status", qualified)
        effect = TakingIn(status.pool, following, Archive("t", generation))
        for partition in runs:
            async with status.pool.acquire() as connection:
                assert await stored_position(connection, "status", topic, partition) == 0
        first, *others = runs
        await effect.write(runs[first], [first_step(first)])
        before = await counted(status)
        assert before["archive"] == len(runs[first])
        with pytest.raises(Fenced, match="any more"):
            await effect.write(
                records, [first_step(partition) for partition in runs]
            )  # `first` among them, as if it were new
        assert await counted(status) == before
        await effect.write(
            [record for place in others for record in runs[place]], [first_step(place) for place in others]
        )
        assert await counted(status) == {"archive": len(records), "timeline": 40, "application": 10}


async def counted(status: Projected) -> dict[str, int]:
    return {
        table: await status.pool.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("archive", "timeline", "application")
    }


async def test_applications_are_looked_up_one_by_one_however_few_there_are(fresh_database: str, tmp_path: Path) -> None:
    async with projected(fresh_database, tmp_path) as status:
        await project(status, [log_of(200)])
        await status.pool.execute("ANALYZE")
        numbers = [row["number"] for row in await status.pool.fetch("SELECT number FROM application LIMIT 20")]
        asked = (
            [partition_of(number, PARTITIONS) for number in numbers],
            numbers,
            [f"new-{number}" for number in numbers],
        )
        plan = await status.pool.fetch(f"EXPLAIN {_take_stored(*_narrowest(1, set(asked[0])))}", *asked)
        joins = {line.split("->")[-1].split("(")[0].strip() for (line,) in plan if " Join " in line or " Loop " in line}
        assert joins == {"Nested Loop"}
