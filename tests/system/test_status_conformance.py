"""Waiting ledgers and counted deviations at a real status service."""

import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from contracts.envelope import encode_event, new_salt
from contracts.facts import (
    Collected,
    Decided,
    DocumentsRequested,
    DocumentsVerified,
    Examined,
    Fact,
    Issued,
    Reason,
    RequestedDocument,
    Submitted,
)
from deploy.local.database import temporary_database
from tests.system.status_process import APPLICANT, BEGAN, OFFICE, OFFICER, Status, status_process, wait_until

pytestmark = pytest.mark.system

HANDED_IN = Submitted(service="travel_document", office="lebong", channel="internet", by=APPLICANT)
VERIFIED = DocumentsVerified(by=OFFICER)
DECIDED = Decided(outcome="approved", by=OFFICER)
ISSUED = Issued(product="travel_document", by=OFFICER)


@pytest.fixture(scope="module")
def status(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Status]:
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path_factory.mktemp("status"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-conformance-{secrets.token_hex(5)}",
        ) as service,
    ):
        service.start()
        yield service


def _publish(status: Status, facts: Sequence[Fact], at: datetime = BEGAN) -> str:
    """The number of a new application with these facts, one an hour."""
    number = status.new_number()
    status.publish(
        [
            (number, encode_event(
                fact, id=f"{number}/{place}", source=f"{OFFICE}/processing", subject=number,
                time=at + timedelta(hours=place), salt=new_salt(bytes(32)),
            ))
            for place, fact in enumerate(facts)
        ]
    )  # fmt: skip
    status.wait_for_all()
    return number


def test_the_whole_ledger_of_an_application_is_answered_and_its_parts_sum_to_the_whole(status: Status) -> None:
    number = _publish(status, [HANDED_IN, VERIFIED, Examined(examinations=["interview"], by=OFFICER)])
    with status.client() as client:
        answer = client.get(f"/applications/{number}/waiting")
        shown = client.get(f"/applications/{number}").json()
        entries = client.get(shown["links"]["timeline"]).json()["entries"]
        unknown = client.get(f"/applications/{status.new_number()}/waiting")
    ledger = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert unknown.status_code == 404
    assert shown["links"]["waiting"] == f"/applications/{number}/waiting"
    assert not ledger["ended"]
    whole = datetime.fromisoformat(ledger["until"]) - datetime.fromisoformat(ledger["submitted_at"])
    assert ledger["seconds"] == pytest.approx(whole.total_seconds(), abs=1e-6)
    assert sum(one["seconds"] for one in ledger["waited"]) == pytest.approx(ledger["seconds"], abs=1e-6)
    assert all(before["end"] == after["begin"] for before, after in pairwise(ledger["pieces"]))
    assert [piece["seconds"] for piece in ledger["pieces"][:2]] == [3600.0, 3600.0]
    assert [entry["waiting"][0]["party"] for entry in entries] == ["office"] * 3
    assert [entry["waiting"][0]["end"] is None for entry in entries] == [False, False, True]
    assert [(one["party"], one["seconds"], one["since"]) for one in shown["waited"]] == [
        ("office", 0.0, BEGAN.isoformat().replace("+00:00", "Z"))
    ]


def test_the_terminal_tells_how_long_each_party_was_waited_on_and_what_is_to_be_expected(status: Status) -> None:
    asked = DocumentsRequested(
        documents=[RequestedDocument(requirement="identity_card", reason=Reason(code="unreadable"))], by=OFFICER
    )
    number = _publish(status, [HANDED_IN, asked])
    with status.client() as client:  # a service that has just started cannot say yet what is to be expected
        wait_until(lambda: client.get(f"/applications/{number}/expected").status_code == 200, "expected times")
    shown = subprocess.run(
        [sys.executable, "-m", "deploy.local.cli", "status", number, "--language", "en"],
        env=status.environment | {"JEJAK_STATUS_URL": status.url, "COLUMNS": "200"},
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert "Time: the office 1 hour · you since Monday, 2 March 2026, 10:00 WIB\n" in shown
    with status.client() as client:
        expected = client.get(f"/applications/{number}/expected").json()["text"]["en"]
    assert f"\n{expected}\n" in shown


def test_deviations_are_counted_by_service_and_month_with_links_to_the_cases(status: Status) -> None:
    examined, collected = Examined(examinations=["interview"], by=OFFICER), Collected(by=OFFICER)
    april = datetime.fromisoformat("2026-03-31T17:30:00+00:00")  # 1 April, 00:30 in Lebong
    orderly = _publish(status, [HANDED_IN, VERIFIED, examined], april)
    skipping = _publish(status, [HANDED_IN, VERIFIED, examined, DECIDED, ISSUED, collected], april)
    going_on = _publish(status, [HANDED_IN, VERIFIED, examined, DECIDED], april)
    twice = _publish(status, [HANDED_IN, VERIFIED, VERIFIED], april)
    early = _publish(status, [VERIFIED])
    with status.client() as client:
        for role in ("officer", "supervisor", "auditor"):
            assert client.get("/deviations/", headers=status.token(role)).status_code == 200
        assert client.get("/deviations/").status_code == 401
        assert client.get("/deviations/", headers=status.token("operator")).status_code == 403
        assert client.get("/deviations/?month=april", headers=status.token("auditor")).status_code == 400
        counted = client.get("/deviations/?month=2026-04", headers=status.token("auditor")).json()
        (cohort,) = counted["cohorts"]
        assert (cohort["service"]["code"], cohort["month"]) == ("travel_document", "2026-04")
        assert (cohort["applications"], cohort["conforming"], cohort["fitness"]) == (4, 1, 0.25)
        assert (counted["applications"], counted["fitness"]) == (4, 0.25)
        by_code = {one["code"]: one for one in cohort["deviations"]}
        expected = {
            "skipped:billing": [skipping], "skipped:payment": [skipping], "ahead_of:billing": [going_on],
            "ahead_of:payment": [going_on], "repeated:verification": [twice],
        }  # fmt: skip
        assert {code: one["applications"] for code, one in by_code.items()} == dict.fromkeys(expected, 1)
        for code, numbers in expected.items():
            listed = client.get(by_code[code]["cases"], headers=status.token("officer")).json()["cases"]
            assert [case["number"] for case in listed] == numbers
            assert code in [deviation["code"] for deviation in listed[0]["deviations"]]
            assert client.get(listed[0]["status"]).json()["deviations"] == listed[0]["deviations"]
        assert client.get(f"/applications/{orderly}").json()["deviations"] == []
        unknown = client.get("/deviations/?month=none", headers=status.token("auditor")).json()["cohorts"]
        (one,) = unknown[0]["deviations"]
        listed = client.get(one["cases"], headers=status.token("auditor")).json()["cases"]
        assert [case["number"] for case in listed] == [early]


def test_the_cases_come_in_pages(status: Status) -> None:
    june = datetime.fromisoformat("2026-06-10T02:00:00+00:00")
    numbers = sorted(_publish(status, [HANDED_IN, VERIFIED, VERIFIED], june) for _ in range(5))
    seen: list[str] = []
    with status.client() as client:
        page: str | None = "/deviations/cases?code=repeated:verification&month=2026-06&limit=2"
        while page:
            answer = client.get(page, headers=status.token("auditor"))
            seen += [case["number"] for case in answer.json()["cases"]]
            page = answer.links.get("next", {}).get("url")
    assert seen == numbers


def test_what_an_application_still_does_in_order_is_no_deviation_after_a_late_report(status: Status) -> None:
    may = datetime.fromisoformat("2026-05-10T02:00:00+00:00")
    number = _publish(status, [HANDED_IN, Examined(examinations=["interview"], by=OFFICER)], may)
    with status.client() as client:
        before = client.get("/deviations/?month=2026-05", headers=status.token("auditor")).json()
        late = encode_event(
            VERIFIED, id="late", source=f"{OFFICE}/processing", subject=number, time=may + timedelta(minutes=30),
            salt=new_salt(bytes(32)),
        )  # fmt: skip
        status.publish([(number, late)])
        status.wait_for_all()
        after = client.get("/deviations/?month=2026-05", headers=status.token("auditor")).json()
        flagged = client.get(f"/applications/{number}/timeline").json()["entries"][1]["deviations"]
    assert (before["conforming"], after["conforming"]) == (0, 1)
    assert [deviation["code"] for deviation in flagged] == ["ahead_of:verification"]
