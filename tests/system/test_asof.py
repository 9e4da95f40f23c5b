"""The past of an application at a real status service: equal to what was answered then."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from contracts.envelope import encode_event, new_salt
from contracts.facts import (
    Actor,
    Decided,
    DocumentsVerified,
    EventRef,
    Fact,
    FeeAssessed,
    FeePaid,
    Reason,
    Remedy,
    Submitted,
)
from deploy.local.database import temporary_database
from tests.system.status_process import APPLICANT, BEGAN, OFFICE, OFFICER, Status, status_process, wait_until

pytestmark = pytest.mark.system

BILL = "820260302000001"
REMEDY = Remedy(code="administrative_objection", legal_basis="UU 30/2014", within_days=21)
REFUSED = Decided(outcome="refused", by=OFFICER, reasons=[Reason(code="requirements_not_met")], remedy=REMEDY)
PAYMENT = 4
"""The payment is made as soon as the fee is known, and reported after the documents were verified."""


def history() -> list[Fact]:
    """What happened, in the order in which it is recorded."""
    expires_at = datetime.now(UTC) + timedelta(days=9)
    return [
        Submitted(service="passport_new", office="lebong", channel="internet", by=APPLICANT),
        FeeAssessed(billing_code=BILL, amount=650_000, expires_at=expires_at, by=OFFICER),
        DocumentsVerified(by=OFFICER),
        FeePaid(billing_code=BILL, amount=650_000, by=Actor(role="treasury")),
        REFUSED,
        Decided(outcome="approved", by=OFFICER, corrects=EventRef(source=f"{OFFICE}/processing", id="e5")),
    ]


@dataclass
class Told:
    """What the service answered when an event had just been taken in."""

    recorded: datetime
    status: dict[str, Any]
    entries: list[dict[str, Any]]


@dataclass
class Case:
    """An application whose every answer was kept."""

    number: str
    told: list[Told]

    def between(self, n: int) -> str:
        """An instant after event `n` was recorded and before the next one was."""
        return (self.told[n - 1].recorded + timedelta(milliseconds=1)).isoformat()


@pytest.fixture(scope="module")
def status(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Status]:
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path_factory.mktemp("asof"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-asof-{secrets.token_hex(5)}",
        ) as service,
    ):
        service.start()
        yield service


@pytest.fixture(scope="module")
def case(status: Status) -> Case:
    number = status.new_number()
    told: list[Told] = []
    with status.client() as client:
        for n, fact in enumerate(history(), start=1):
            now = datetime.now(UTC)
            at = (
                told[1].recorded + timedelta(milliseconds=1)
                if n == PAYMENT
                else now.replace(microsecond=now.microsecond // 1_000 * 1_000)
            )
            event = encode_event(
                fact, id=f"e{n}", source=f"{OFFICE}/processing", subject=number, time=at, salt=new_salt(bytes(32))
            )
            status.publish([(number, event)])
            status.wait_for_all()
            entries = client.get(f"/applications/{number}/timeline").json()["entries"]
            recorded = datetime.fromisoformat(entries[-1]["recorded_at"])
            told.append(Told(recorded, client.get(f"/applications/{number}").json(), entries))
            time.sleep(0.05)
    return Case(number, told)


def _ask(status: Status, path: str, **parameters: str) -> httpx.Response:
    with status.client() as client:
        return client.get(path, params=parameters)


def test_as_known_after_each_event_is_what_was_answered_then(status: Status, case: Case) -> None:
    for n, told in enumerate(case.told, start=1):
        for instant in (told.recorded.isoformat(), case.between(n)):
            past = _ask(status, f"/applications/{case.number}", as_of=instant).json()
            assert past["known"]
            links = past["status"].pop("links") | {"timeline": told.status["links"]["timeline"]}
            assert past["status"] | {"links": links} == told.status, (n, instant)
            timeline = _ask(status, f"/applications/{case.number}/timeline", as_of=instant).json()
            assert timeline["entries"] == told.entries, (n, instant)


def test_before_the_first_event_the_answer_is_that_nothing_was_known(status: Status, case: Case) -> None:
    before = (case.told[0].recorded - timedelta(milliseconds=1)).isoformat()
    answer = _ask(status, f"/applications/{case.number}", as_of=before)
    assert answer.status_code == 200
    assert (answer.json()["known"], answer.json()["status"]) == (False, None)
    assert set(answer.json()["text"]) == {"id", "en"}
    assert _ask(status, f"/applications/{case.number}/timeline", as_of=before).json()["entries"] == []


def test_what_was_true_is_told_by_all_that_is_known_now(status: Status, case: Case) -> None:
    soon = (case.told[1].recorded + timedelta(milliseconds=10)).isoformat()
    true = _ask(status, f"/applications/{case.number}", valid_at=soon).json()["status"]
    assert (true["waiting"]["party"], true["events"]) == ("bank", 3)
    known = _ask(status, f"/applications/{case.number}", valid_at=soon, as_of=case.between(3)).json()["status"]
    assert (known["waiting"]["party"], known["events"]) == ("applicant", 2)
    entries = _ask(status, f"/applications/{case.number}/timeline", valid_at=soon).json()["entries"]
    assert [entry["n"] for entry in entries] == [1, 2, 4]


def test_a_correction_is_shown_on_both_events(status: Status, case: Case) -> None:
    entries = _ask(status, f"/applications/{case.number}/timeline").json()["entries"]
    assert (entries[4]["corrected_by"]["n"], entries[5]["corrects"]["n"]) == (6, 5)
    assert [entry["corrected_by"] for entry in case.told[4].entries] == [None] * 5
    assert _ask(status, f"/applications/{case.number}").json()["situation"] == "approved"
    assert case.told[4].status["situation"] == "refused"


def test_the_difference_is_the_events_in_between_and_what_they_changed(status: Status, case: Case) -> None:
    told = _ask(
        status, f"/applications/{case.number}/difference", **{"from": case.between(5), "to": case.between(6)}
    ).json()
    assert [entry["n"] for entry in told["events"]] == [6]
    changed = {(change["what"], change["code"]): change for change in told["changes"]}
    assert changed["correction", "5"]["after"]["en"] == "No longer counts"
    assert "refused" in changed["headline", ""]["before"]["en"]
    assert "approved" in changed["headline", ""]["after"]["en"]


def test_a_past_that_cannot_change_is_kept_by_caches_and_one_that_can_is_asked_for(status: Status, case: Case) -> None:
    settled = _ask(status, f"/applications/{case.number}", as_of=case.between(5))
    still_open = _ask(status, f"/applications/{case.number}", as_of=case.between(6))
    of_truth = _ask(status, f"/applications/{case.number}", valid_at="2026-03-03")
    assert "immutable" in settled.headers["cache-control"]
    assert [answer.headers["cache-control"] for answer in (still_open, of_truth)] == ["no-cache", "no-cache"]
    with status.client() as client:
        for answer in (settled, still_open, of_truth):
            again = client.get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["cache-control"] == answer.headers["cache-control"]


def test_a_record_in_quarantine_keeps_the_past_open_because_it_was_recorded_earlier(status: Status) -> None:
    number = status.new_number()

    def verified(id: str) -> tuple[str, bytes]:
        fact = DocumentsVerified(by=OFFICER)
        source = f"{OFFICE}/processing"
        return number, encode_event(fact, id=id, source=source, subject=number, time=BEGAN, salt=new_salt(bytes(32)))

    status.publish([verified("one")])
    status.wait_for_all()
    time.sleep(0.02)
    status.publish([verified("two")])
    status.wait_for_all()
    first = _ask(status, f"/applications/{number}/timeline").json()["entries"][0]["recorded_at"]
    assert "immutable" in _ask(status, f"/applications/{number}", as_of=first).headers["cache-control"]
    status.publish([(number, b"\x00corrupt")])
    status.wait_for_all()
    assert _ask(status, f"/applications/{number}", as_of=first).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({"as_of": "yesterday"}, "instant"),
        ({"as_of": ""}, "instant"),
        ({"valid_at": "2026-03-02T09:00:00"}, "instant"),
        ({"as_of": "9999-01-01"}, "instant-in-future"),
    ],
)
def test_an_instant_that_cannot_be_meant_is_refused_with_what_to_write(
    status: Status, case: Case, parameters: dict[str, str], kind: str
) -> None:
    for path in ("", "/timeline"):
        answer = _ask(status, f"/applications/{case.number}{path}", **parameters)
        assert answer.status_code == 400
        assert answer.json()["type"].endswith(f"/{kind}")
        assert set(answer.json()["text"]) == {"id", "en"}


def test_a_difference_wants_both_instants_in_order(status: Status, case: Case) -> None:
    path = f"/applications/{case.number}/difference"
    for parameters, kind in (
        ({}, "instant"),
        ({"from": "2026-03-02"}, "instant"),
        ({"from": "2026-03-03", "to": "2026-03-02"}, "instants-reversed"),
    ):
        answer = _ask(status, path, **parameters)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, kind)
    assert _ask(status, path, **{"from": "2026-03-02", "to": "2026-03-03", "by": "rumour"}).status_code == 400


def test_of_an_unknown_number_the_past_is_as_unknown_as_the_present(status: Status) -> None:
    number = status.new_number()
    for path in ("", "/timeline"):
        assert _ask(status, f"/applications/{number}{path}", as_of="yesterday").status_code == 404
    assert _ask(status, f"/applications/{number}/difference").status_code == 404


def test_a_timeline_of_the_past_comes_in_pages_of_the_same_instant(status: Status, case: Case) -> None:
    seen: list[int] = []
    page: str | None = f"/applications/{case.number}/timeline?limit=2&as_of={case.between(5).replace('+', '%2B')}"
    with status.client() as client:
        while page:
            answer = client.get(page)
            seen += [entry["n"] for entry in answer.json()["entries"]]
            page = answer.links.get("next", {}).get("url")
    assert seen == [1, 2, 3, 4, 5]


def _jejak(status: Status, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.local.cli", *arguments],
        env=os.environ | {"JEJAK_STATUS_URL": status.url, "COLUMNS": "200"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_terminal_tells_the_past_and_the_difference(status: Status, case: Case) -> None:
    then = _jejak(status, "status", case.number, "--as-of", case.between(5), "--language", "en")
    assert then.returncode == 0, then.stderr
    assert then.stdout.startswith("As it was on record on ")
    assert "Your application was refused." in then.stdout
    changed = _jejak(
        status, "difference", case.number, "--from", case.between(5), "--to", case.between(6), "--language", "en"
    )
    assert changed.returncode == 0, changed.stderr
    assert "Event 5" in changed.stdout
    assert "+ No longer counts" in changed.stdout
    never = _jejak(status, "status", case.number, "--as-of", "2020-01-01")
    assert (never.returncode, never.stdout.count("\n")) == (0, 2)
    wrong = _jejak(status, "status", case.number, "--as-of", "yesterday")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "2026-03-02T09:00:00+07:00" in wrong.stderr


def test_the_past_is_the_same_after_a_rebuild(status: Status, case: Case) -> None:
    wait_until(lambda: httpx.get(f"{status.url}/health/ready").status_code == 200, "the service is ready")
    instants = [case.between(n) for n in range(1, len(case.told) + 1)]
    before = [_ask(status, f"/applications/{case.number}", as_of=instant).json() for instant in instants]
    rebuilt = status.rebuild("--from", "archive")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert [_ask(status, f"/applications/{case.number}", as_of=instant).json() for instant in instants] == before
    assert msgspec.json.encode(before)
