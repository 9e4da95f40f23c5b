"""Look-ups, timelines and event streams at a real status service."""

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from contracts.envelope import PARTITIONS, encode_event, new_salt
from contracts.facts import DocumentsVerified
from deploy.local.database import temporary_database
from services.status.answering.reads import SELECT, read_pool
from services.status.folding.partitions import partition_of
from tests.system.status_process import BEGAN, CODECS, OFFICE, OFFICER, Status, events_of, status_process, wait_until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def status(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Status]:
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path_factory.mktemp("status"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-status-{secrets.token_hex(5)}",
        ) as service,
    ):
        service.start()
        yield service


def _one_more(number: str, id: str) -> bytes:
    return encode_event(
        DocumentsVerified(by=OFFICER), id=id, source=f"{OFFICE}/processing", subject=number, time=BEGAN, salt=new_salt(bytes(32))
    )  # fmt: skip


def test_an_application_is_shown_with_its_whole_timeline(status: Status) -> None:
    (number,) = status.publish_lives(1)
    status.wait_for_all()
    with status.client() as client:
        shown = client.get(f"/applications/{number}").json()
        entries = client.get(f"/applications/{number}/timeline").json()["entries"]
    assert shown["number"] == number
    assert shown["events"] == len(entries) > 0
    assert [entry["n"] for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[0]["type"] == "submitted"
    assert set(shown["headline"]) == {"id", "en"}


def test_a_number_may_be_typed_as_people_type_it(status: Status) -> None:
    (number,) = status.publish_lives(1)
    status.wait_for_all()
    with status.client() as client:
        assert client.get(f"/applications/{number.lower().replace('-', ' ')}").json()["number"] == number


def test_unknown_and_malformed_numbers_look_the_same(status: Status) -> None:
    wait_until(lambda: httpx.get(f"{status.url}/health/ready").status_code == 200, "the service is ready")
    answers = []
    with status.client() as client:
        for text in (status.new_number(), "LBG-0000-0000-0000-0000-1", "nonsense", "%00", "x" * 300):
            for path in ("", "/timeline", "/events"):
                answer = client.get(f"/applications/{text}{path}")
                body = {key: value for key, value in answer.json().items() if key != "instance"}
                answers.append((answer.status_code, body, sorted(set(answer.headers) - {"content-length"})))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 404


def test_a_conditional_look_up_is_answered_without_a_body_until_something_happens(status: Status) -> None:
    (number,) = status.publish_lives(1)
    status.wait_for_all()
    with status.client() as client:
        for path in ("", "/timeline"):
            first = client.get(f"/applications/{number}{path}")
            again = client.get(f"/applications/{number}{path}", headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        status.publish([(number, _one_more(number, "later"))])
        status.wait_for_all()
        answer = client.get(f"/applications/{number}", headers={"If-None-Match": first.headers["etag"]})
        assert answer.status_code == 200


async def test_a_look_up_reads_one_index_of_one_table(status: Status) -> None:
    (number,) = status.publish_lives(1)
    status.wait_for_all()
    pool = read_pool(status.database, "status")
    async with pool, pool.acquire() as connection:
        await connection.execute(f"PREPARE look_up AS {SELECT}")
        plan = "\n".join(
            row[0]
            for row in await connection.fetch(
                "EXPLAIN (ANALYZE, COSTS off) EXECUTE look_up"
                f"('{{{partition_of(number, PARTITIONS)}}}', '{{{number}}}', '{{0}}')"
            )
        )
    assert "Seq Scan" not in plan
    assert plan.count("Index Scan") == PARTITIONS
    assert plan.count("never executed") == PARTITIONS - 1


def test_a_long_timeline_comes_in_pages(status: Status) -> None:
    number = status.new_number()
    status.publish([(number, event) for event in events_of(number, status.chance)[:1]])
    status.publish([(number, _one_more(number, f"again-{place}")) for place in range(120)])
    status.wait_for_all()
    seen: list[int] = []
    with status.client() as client:
        page: str | None = f"/applications/{number}/timeline?limit=50"
        while page:
            answer = client.get(page)
            seen += [entry["n"] for entry in answer.json()["entries"]]
            page = answer.links.get("next", {}).get("url")
        assert client.get(f"/applications/{number}/timeline?cursor=!!").status_code == 400
    assert seen == list(range(1, 122))


def test_compressed_records_of_every_codec_reach_the_timeline(status: Status) -> None:
    numbers = {codec: status.publish_lives(5, codec=codec) for codec in CODECS}
    status.wait_for_all()
    with status.client() as client:
        for codec, published in numbers.items():
            for number in published:
                assert client.get(f"/applications/{number}").status_code == 200, codec


def test_what_cannot_be_read_is_archived_and_quarantined_and_stops_only_its_own_key(status: Status) -> None:
    number, bystander = status.new_number(), status.new_number()
    status.publish([(number, b"\x00corrupt"), (number, events_of(number, status.chance)[0]), (None, None)])
    status.publish([(bystander, events_of(bystander, status.chance)[0])])
    status.wait_for_all()
    with status.client() as client:
        assert client.get(f"/applications/{bystander}").status_code == 200
        assert client.get(f"/applications/{number}").status_code == 404
        listed = client.get("/quarantine/", headers=status.token("operator")).json()["records"]
        chain = [record for record in listed if record["key"] == number]
        assert [record["state"] for record in chain] == ["failed", "behind"]
        assert status.fetch(f"SELECT count(*) FROM archive WHERE key = '{number}'") == [(2,)]
        discarded = client.post(
            f"/quarantine/{chain[0]['id']}/discard", json={"reason": "corrupt"}, headers=status.token("operator")
        )
        assert discarded.status_code == 204
        wait_until(
            lambda: client.get(f"/applications/{number}").status_code == 200, "what waited behind it is taken in"
        )


def _listen(url: str, headers: dict[str, str], into: list[dict[str, Any]], opened: threading.Event) -> None:
    with httpx.stream("GET", url, headers=headers, timeout=30) as stream:
        opened.set()
        for line in stream.iter_lines():
            if line.startswith("data: "):
                into.append(json.loads(line.removeprefix("data: ")))


def test_an_event_stream_goes_on_from_the_last_event_and_ends_when_the_service_stops(status: Status) -> None:
    number = status.new_number()
    status.publish([(number, events_of(number, status.chance)[0]), (number, _one_more(number, "second"))])
    status.wait_for_all()
    url = f"{status.url}/applications/{number}/events"
    whole: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    opened = [threading.Event(), threading.Event()]
    threads = [
        threading.Thread(target=_listen, args=(url, {}, whole, opened[0])),
        threading.Thread(target=_listen, args=(url, {"Last-Event-ID": "1"}, rest, opened[1])),
    ]
    for thread in threads:
        thread.start()
    assert all(event.wait(10) for event in opened)
    wait_until(lambda: len(whole) == 2 and len(rest) == 1, "the events so far arrive")
    status.publish([(number, _one_more(number, "third"))])
    wait_until(lambda: len(whole) == 3 and len(rest) == 2, "the new event arrives")
    assert [entry["n"] for entry in whole] == [1, 2, 3]
    assert [entry["n"] for entry in rest] == [2, 3]
    status.stop()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    status.start()


def test_staff_may_see_counts_and_archive_and_others_may_not(status: Status) -> None:
    status.publish_lives(3)
    status.wait_for_all()
    with status.client() as client:
        for path in ("/statistics/counts", "/archive/?partition=0", "/digest/"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers=status.token("officer")).status_code == 403
        counts = client.get("/statistics/counts", headers=status.token("operator")).json()
        assert counts["applications"] == sum(count["applications"] for count in counts["by"])
        assert status.fetch("SELECT count(*), sum(n) FROM application") == [(counts["applications"], counts["events"])]
        records: list[dict[str, Any]] = []
        for partition in range(12):
            page: str | None = f"/archive/?partition={partition}&limit=100"
            while page:
                answer = client.get(page, headers=status.token("auditor"))
                records += answer.json()["records"]
                page = answer.links.get("next", {}).get("url")
        assert len(records) == status.sent
        assert any(base64.b64decode(record["value"] or "") == b"\x00corrupt" for record in records)


def test_too_many_look_ups_are_refused_for_a_while(status: Status) -> None:
    status.stop()
    status.start(JEJAK_LOOKUPS_PER_S="0.5", JEJAK_LOOKUPS_BURST="2")
    with status.client() as client:
        wait_until(lambda: client.get("/health/ready").status_code == 200, "the service is ready")
        codes = [client.get("/applications/nonsense").status_code for _ in range(4)]
        refused = client.get("/applications/nonsense")
    assert codes[-1] == refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    status.stop()
    status.start()
