"""Two PostgreSQL servers, each with half of the partitions, and one reader in front of them."""

import json
import random
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from contracts.envelope import PARTITIONS
from deploy.local.database import temporary_database
from deploy.local.remote import running_system
from services.status.folding.partitions import partition_of
from tests.system.status_process import Status, events_of, status_process, wait_until

pytestmark = pytest.mark.system
HALVES = ("0-5", "6-11")


@dataclass
class Divided:
    """Two status services with a database each, on servers of their own, and a reader."""

    halves: tuple[Status, Status]
    reader: Status


@pytest.fixture(scope="module")
def divided(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Divided]:
    topic = f"test-shards-{secrets.token_hex(5)}"

    def process(name: str, database: str) -> Any:
        folder: Path = tmp_path_factory.mktemp(name)
        return status_process(folder, kafka=infrastructure.kafka, database=database, topic=topic)

    with (
        running_system("--infrastructure-only") as elsewhere,
        temporary_database(infrastructure.database) as first,
        temporary_database(elsewhere.database) as second,
        temporary_database(infrastructure.database) as front,
        process("first", first) as one,
        process("second", second) as other,
        process("reader", front) as reader,
    ):
        other.chance, reader.chance = random.Random(2), random.Random(3)  # else all three make the same numbers
        one.start(JEJAK_PARTITIONS=HALVES[0], JEJAK_CONSUMER=f"{topic}-first")
        other.start(JEJAK_PARTITIONS=HALVES[1], JEJAK_CONSUMER=f"{topic}-second")
        one.publish_lives(120)
        wait_until(lambda: one._position() + other._position() >= one.sent, "both halves have taken everything in")
        reader.start(JEJAK_SHARDS=f"{HALVES[0]}={first} {HALVES[1]}={second}")
        wait_until(lambda: _answers(reader), "the reader sees the halves")
        yield Divided((one, other), reader)


def _answers(reader: Status) -> bool:
    try:
        return bool(reader.fetch("SELECT count(*) FROM application")[0][0])
    except psycopg.errors.UndefinedTable:
        return False


def test_each_database_has_its_half_and_nothing_of_the_other(divided: Divided) -> None:
    for half, partitions in zip(divided.halves, (range(6), range(6, 12)), strict=True):
        found = {place for (place,) in half.fetch("SELECT DISTINCT partition FROM application")}
        assert found == set(partitions)
        assert {place for (place,) in half.fetch("SELECT DISTINCT partition FROM archive")} == set(partitions)


def test_the_reader_answers_for_both_halves_as_they_would(divided: Divided) -> None:
    seen = set()
    for half in divided.halves:
        for (number,) in half.fetch("SELECT number FROM application ORDER BY number LIMIT 5"):
            with half.client() as at_home, divided.reader.client() as in_front:
                for path in (f"/applications/{number}", f"/applications/{number}/timeline"):
                    own, read = at_home.get(path), in_front.get(path)
                    assert read.status_code == 200
                    assert read.json() == own.json()
                    assert in_front.get(path, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
            seen.add(partition_of(number, PARTITIONS) < 6)
    assert seen == {True, False}


def test_an_unknown_number_is_unknown_in_front_too(divided: Divided) -> None:
    with divided.reader.client() as client:
        assert client.get(f"/applications/{divided.reader.new_number()}").status_code == 404


def test_a_look_up_is_one_indexed_read_in_the_database_that_has_it(divided: Divided) -> None:
    (number,) = divided.halves[1].fetch("SELECT number FROM application LIMIT 1")[0]
    place = partition_of(number, PARTITIONS)
    (plan,) = divided.reader.fetch(
        f"EXPLAIN (VERBOSE, FORMAT JSON) SELECT state FROM application WHERE partition = {place} AND number = '{number}'"
    )[0]
    text = json.dumps(plan)
    assert text.count("Foreign Scan") == 1
    assert "WHERE" in text
    assert number in text.partition("Remote SQL")[2]


def test_what_is_counted_in_front_is_the_sum_of_the_halves(divided: Divided) -> None:
    def counted(service: Status) -> tuple[int, int]:
        with service.client() as client:
            found = client.get("/statistics/counts", headers=service.token("auditor")).json()
            return found["applications"], found["events"]

    halves = [counted(half) for half in divided.halves]
    assert counted(divided.reader) == (sum(one for one, _ in halves), sum(events for _, events in halves))
    assert counted(divided.reader)[1] == divided.halves[0].sent


def test_statistics_and_search_in_front_are_of_both_halves(divided: Divided) -> None:
    shards = f"{HALVES[0]}={divided.halves[0].database} {HALVES[1]}={divided.halves[1].database}"
    documents = []
    for source in ("projection", "archive"):
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local.cli", "statistics", "--from", source, "--until", "2026-06-01T00:00:00Z"],
            env=divided.reader.environment | {"JEJAK_SHARDS": shards}, capture_output=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        documents.append(done.stdout)
    assert documents[0] == documents[1]
    (year,) = [row for row in json.loads(documents[0])["rows"] if (row["of"], row["unit"]) == ("all", "year")]
    assert year["volumes"]["submitted"] == sum(
        half.fetch("SELECT count(*) FROM application WHERE submitted_at IS NOT NULL")[0][0] for half in divided.halves
    )
    found: list[str] = []
    page: str | None = "/search?sort=submitted&limit=50"
    with divided.reader.client() as client:
        while page:
            answer = client.get(page, headers=divided.reader.token("officer"))
            found += [row["number"] for row in answer.json()["applications"]]
            page = answer.links.get("next", {}).get("url")
    assert sorted(found) == sorted(
        number for half in divided.halves for (number,) in half.fetch("SELECT number FROM application")
    )


def test_new_events_of_both_halves_reach_the_streams_of_the_reader(divided: Divided) -> None:
    for half in divided.halves:
        number = next(
            number
            for number in iter(half.new_number, "")
            if (partition_of(number, PARTITIONS) < 6) is (half is divided.halves[0])
        )
        first, *later = [*events_of(number, half.chance)]
        divided.halves[0].publish([(number, first)])
        with divided.reader.client() as client:
            wait_until(lambda: client.get(f"/applications/{number}").status_code == 200, "the first event is seen")  # noqa: B023
        came: list[int] = []
        listening = threading.Thread(target=_listen, args=(divided.reader, number, len(later) + 1, came))
        listening.start()
        time.sleep(0.3)
        divided.halves[0].publish([(number, event) for event in later])
        listening.join(timeout=30)
        assert came == list(range(1, len(later) + 2))


def _listen(reader: Status, number: str, count: int, came: list[int]) -> None:
    with reader.client() as client, client.stream("GET", f"/applications/{number}/events", timeout=30) as answer:
        try:
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    came.append(int(line[4:]))
                if len(came) == count:
                    return
        except httpx.HTTPError:
            return


def test_a_half_is_rebuilt_from_the_log_without_the_other(divided: Divided) -> None:
    half = divided.halves[1]
    done = half.rebuild("--from", "kafka", JEJAK_PARTITIONS=HALVES[1], JEJAK_CONSUMER=f"{half.topic}-second")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("rebuild: identical ")
    with divided.reader.client() as client:
        (number,) = half.fetch("SELECT number FROM application LIMIT 1")[0]
        assert client.get(f"/applications/{number}").status_code == 200
