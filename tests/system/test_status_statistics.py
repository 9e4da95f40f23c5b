"""Statistics of a real status service: published, recomputed from its rows and from its archive, identical to the byte."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from contracts.envelope import encode_event, new_salt
from contracts.facts import Decided, EventRef, Submitted
from deploy.local.database import temporary_database
from services.status.statistics.figures import canonical
from services.status.statistics.recount import Recount, recount
from services.status.store.extents import Database
from tests.system.status_process import (
    APPLICANT,
    BEGAN,
    OFFICE,
    OFFICER,
    Status,
    events_of,
    status_process,
    wait_until,
)

pytestmark = pytest.mark.system
UNTIL = "2026-06-01T00:00:00Z"


@pytest.fixture(scope="module")
def status(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Status]:
    """A service that has taken in applications, one correction, and records that nobody can read; one is discarded."""
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path_factory.mktemp("status"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-status-{secrets.token_hex(5)}",
        ) as service,
    ):
        service.start(JEJAK_STATISTICS_EVERY_S="5")
        service.publish_lives(150, repeats=True)
        service.publish(_corrected(service))
        waiting, discarded = service.new_number(), service.new_number()
        for number in (waiting, discarded):
            service.publish([(number, b"{corrupt"), *((number, event) for event in events_of(number, service.chance))])
        service.publish([(None, b"\xff")])
        service.wait_for_all()
        _discard(service, discarded)
        yield service


def _event(number: str, id: str, fact: Any, hours: float) -> bytes:
    return encode_event(
        fact, id=f"{number}/{id}", source=f"{OFFICE}/processing", subject=number, time=BEGAN + timedelta(hours=hours),
        salt=new_salt(bytes(32)),
    )  # fmt: skip


def _corrected(status: Status) -> list[tuple[str | None, bytes | None]]:
    """Six applications whose approval was corrected to a refusal."""
    records: list[tuple[str | None, bytes | None]] = []
    for _ in range(6):
        number = status.new_number()
        wrong = EventRef(source=f"{OFFICE}/processing", id=f"{number}/wrong")
        records += [
            (
                number,
                _event(number, "new", Submitted(service="itas", office="lebong", channel="internet", by=APPLICANT), 0),
            ),
            (number, _event(number, "wrong", Decided(outcome="approved", by=OFFICER), 5)),
            (number, _event(number, "right", Decided(outcome="refused", by=OFFICER, corrects=wrong), 6)),
        ]
    return records


def _discard(status: Status, number: str) -> None:
    with status.client() as client:
        listed = client.get("/quarantine/", headers=status.token("operator")).json()["records"]
        (failed,) = [record for record in listed if record["key"] == number and record["state"] == "failed"]
        client.post(f"/quarantine/{failed['id']}/discard", json={"reason": "corrupt"}, headers=status.token("operator"))
        wait_until(lambda: client.get(f"/applications/{number}").status_code == 200, "the rest is taken in")


def _statistics(status: Status, *options: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.local.cli", "statistics", *options],
        env=status.environment | settings, capture_output=True, timeout=100, check=False,
    )  # fmt: skip


def _published(status: Status, path: str = "/statistics", **options: Any) -> httpx.Response:
    with status.client() as client:
        wait_until(lambda: client.get("/statistics").status_code == 200, "they are computed")
        return client.get(path, **options)


def test_from_the_projection_and_from_the_archive_they_are_the_same(status: Status) -> None:
    live = _statistics(status, "--until", UNTIL)
    again = _statistics(status, "--from", "archive", "--until", UNTIL)
    assert live.returncode == 0, live.stderr
    assert again.returncode == 0, again.stderr
    assert live.stdout == again.stdout
    document = json.loads(live.stdout)
    assert document["until"] == UNTIL
    assert sum(position["next_offset"] for position in document["positions"]) == status.sent
    assert any(position.get("left_out") for position in document["positions"])


def test_what_a_correction_takes_the_place_of_is_not_counted(status: Status) -> None:
    rows = json.loads(_statistics(status, "--until", UNTIL).stdout)["rows"]
    (itas,) = [row for row in rows if row["service"] == "itas" and row["unit"] == "year"]
    assert (itas["volumes"]["approved"], itas["volumes"]["refused"]) == (0, 6)
    assert itas["backlog"]["open"] == 0


def test_an_earlier_instant_makes_other_statistics(status: Status) -> None:
    assert _statistics(status, "--until", UNTIL).stdout != _statistics(status, "--until", "2026-03-09T00:00:00Z").stdout


def test_what_is_published_is_recomputed_from_the_archive_after_the_log_has_gone_on(status: Status) -> None:
    _published(status)
    status.publish_lives(30)
    status.wait_for_all()
    done = _statistics(status, "--as-published")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(b"statistics: identical from=archive")


def test_anyone_may_read_them_and_they_are_told_from_what_they_were_made(status: Status) -> None:
    answer = _published(status, params={"period": "year", "from": "2026-01-01"})
    assert answer.status_code == 200
    shown = answer.json()
    assert {row["unit"] for row in shown["rows"]} == {"year"}
    assert shown["basis"]["digest"] == answer.headers["etag"].strip('"')
    assert set(shown["names"]["services"]["itas"]) == {"id", "en"}
    (passports,) = [row for row in shown["rows"] if row["service"] == "passport_new" and row["period"] == "2026"]
    assert passports["volumes"]["submitted"] >= 150
    assert "desks" not in shown
    assert answer.headers["cache-control"].startswith("public")


def test_a_conditional_request_is_answered_without_a_body(status: Status) -> None:
    for _ in range(3):  # they may be computed anew between the two requests
        first = _published(status)
        again = _published(status, headers={"If-None-Match": first.headers["etag"]})
        if again.status_code == 304:
            break
    assert (again.status_code, again.content) == (304, b"")


def test_rows_can_be_chosen_and_nonsense_is_named(status: Status) -> None:
    rows = _published(status, params={"service": "itas", "period": "quarter"}).json()["rows"]
    assert {(row["service"], row["unit"]) for row in rows} == {("itas", "quarter")}
    assert _published(status, params={"from": "2027-01-01"}).json()["rows"] == []
    for parameters, named in (
        ({"period": "week"}, "period"),
        ({"from": "monday"}, "from"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "to"),
    ):
        answer = _published(status, params=parameters)
        assert answer.status_code == 400
        assert named in {error["parameter"] for error in answer.json()["errors"]}


def test_desks_are_told_to_supervisors_and_auditors_only(status: Status) -> None:
    for role, expected in (("supervisor", 200), ("auditor", 200), ("officer", 403)):
        assert _published(status, "/statistics/desks", headers=status.token(role)).status_code == expected
    assert _published(status, "/statistics/desks").status_code == 401
    rows = _published(status, "/statistics/desks", headers=status.token("auditor")).json()["rows"]
    assert "verification" in {row["desk"] for row in rows}


def test_as_many_cases_are_found_behind_a_figure_as_it_says(status: Status) -> None:
    _published(status)

    def found(service: str, until: str, **figure: str) -> int:
        period = {"counted_from": "2026-01-01T00:00:00+07:00", "counted_to": until}
        with status.client() as client:
            answer = client.get(
                "/export", params=figure | period | {"service": service}, headers=status.token("auditor")
            )
            assert answer.headers["x-total"] == str(len(answer.text.splitlines()))
            return int(answer.headers["x-total"])

    def all_agree() -> bool:  # once they are computed anew after the last events
        shown = _published(status, params={"period": "year"}).json()
        until = shown["basis"]["until"]
        rows = [row for row in shown["rows"] if row["of"] == "one" and row["period"] == "2026"]
        assert {row["service"] for row in rows} >= {"passport_new", "itas"}
        return all(
            [found(row["service"], until, counted=event) for event in row["volumes"]] == list(row["volumes"].values())
            and found(row["service"], until, counted="open") == row["backlog"]["open"]
            and all(
                found(row["service"], until, counted=state, counted_rule=rule["rule"]) == rule[state]
                for rule in row["legal"]
                for state in ("met", "missed")
            )
            for row in rows
        )

    wait_until(all_agree, "figures and cases agree")


def test_counts_for_staff_are_where_they_were(status: Status) -> None:
    counts = _published(status, "/statistics/counts", headers=status.token("operator"))
    assert counts.status_code == 200
    assert counts.json()["applications"] > 150


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "kafka"], b"--from is projection or archive"),
        (["--until", "yesterday"], b"is no instant"),
        (["--until", "2026-03-01T00:00:00"], b"has no zone"),
        (["--as-published", "--until", UNTIL], b"leave out --until"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(status: Status, options: list[str], words: bytes) -> None:
    done = _statistics(status, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


def test_without_a_database_it_is_one_line_and_exit_code_1(status: Status) -> None:
    done = _statistics(status, JEJAK_DATABASE="postgresql://jejak@127.0.0.1:1/jejak")
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1


def test_two_databases_that_each_have_a_part_make_the_same_statistics(status: Status) -> None:
    (log,) = status.fetch("SELECT DISTINCT topic FROM consumer_positions")[0]

    def counted(source: Any, *parts: range, consumer: str | None = f"{status.topic}-status") -> bytes:
        databases = [Database(status.database, consumer, list(part)) for part in parts]
        until = datetime.fromisoformat(UNTIL)
        return canonical(recount(Recount(databases=databases, schema="status", log=log, source=source, until=until)))

    whole = counted("projection", range(12))
    assert counted("projection", range(7, 12), range(7), consumer=None) == whole
    assert counted("archive", range(5), range(5, 12), consumer=None) == whole


def test_a_publication_that_was_changed_is_found_out(status: Status) -> None:
    _published(status)
    status.stop()  # so that it does not publish anew
    assert _statistics(status, "--as-published").returncode == 0
    with psycopg.connect(status.database, options="-c search_path=status", autocommit=True) as connection:
        connection.execute(
            "UPDATE statistics SET document ="
            " convert_to(replace(convert_from(document, 'UTF8'), '\"refused\":6', '\"refused\":5'), 'UTF8')"
        )
    done = _statistics(status, "--as-published")
    assert done.returncode == 1
    assert done.stderr.startswith(b"statistics: different expected=")
