"""Who works at a case and whose opinion is asked, on real PostgreSQL and Kafka: races, restarts, links."""

import asyncio
import secrets
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from contracts.envelope import decode_fact
from contracts.facts import StageRecorded
from deploy.local.database import temporary_database
from services.processing.opinions.application import digest_of
from tests.system.processing_process import Processing, payment, processing_process
from tests.system.test_processing import slug

pytestmark = pytest.mark.system
MOST = 3
WHY = {"reason": {"code": "applicant_called"}}


@pytest.fixture(scope="module")
def processing(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processing]:
    topic = f"test-{secrets.token_hex(5)}-applications.v1"
    folder: Path = tmp_path_factory.mktemp("processing")
    with (
        temporary_database(infrastructure.database) as database,
        processing_process(
            folder, kafka=infrastructure.kafka, database=database, topic=topic,
            JEJAK_CLAIMS_AT_ONCE=str(MOST), JEJAK_ESCALATE_LOOK_S="0.2",
        ) as running,
    ):  # fmt: skip
        yield running


def ask(
    processing: Processing, method: str, path: str, who: str = "ana", role: str = "officer", **more: Any
) -> httpx.Response:
    """As the officer `who` of a desk of that name."""
    headers = processing.bearer(role, subject=who, desk=more.pop("desk", f"{who}_desk"), office="lebong")
    return processing.http.request(method, path, headers={**headers, **more.pop("headers", {})}, **more)


def claims(processing: Processing, number: str) -> list[str]:
    steps = ask(processing, "GET", f"/cases/{number}/handling").json()["history"]
    return [step["officer"] for step in steps if step["what"] == "case_claimed"]


def free_all(processing: Processing) -> None:
    """Nobody holds anything, so that one test does not count for the next."""
    for case in processing.inbox(claimed="anybody"):
        ask(processing, "POST", f"/cases/{case['number']}/release", "chief", "supervisor")


# Claims.


def test_of_many_officers_who_press_at_once_no_two_get_the_same_case(processing: Processing) -> None:
    free_all(processing)
    numbers = {processing.opened() for _ in range(6)}
    for number in numbers:
        processing.listed(number)
    who = [f"officer{n}" for n in range(12)]
    with ThreadPoolExecutor(12) as all_of_them:
        answers = list(all_of_them.map(lambda one: ask(processing, "POST", "/cases/take-next", one), who))
    taken = [answer.json()["number"] for answer in answers if answer.status_code == 200]
    assert len(taken) == len(set(taken))
    assert numbers <= set(taken)
    assert all(slug(answer) == "nothing-to-take" for answer in answers if answer.status_code != 200)
    assert all(len(claims(processing, number)) == 1 for number in numbers)
    free_all(processing)


def test_an_officer_pressing_many_times_at_once_never_holds_more_than_allowed(processing: Processing) -> None:
    free_all(processing)
    for _ in range(MOST + 3):
        processing.listed(processing.opened())
    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda _: ask(processing, "POST", "/cases/take-next", "greedy"), range(8)))
    assert [answer.status_code for answer in answers].count(200) == MOST
    assert {slug(answer) for answer in answers if answer.status_code != 200} == {"holds-enough"}
    mine = ask(processing, "GET", "/cases?claimed=me", "greedy").json()["cases"]
    assert len(mine) == MOST
    assert all(case["mine"] for case in mine)
    free_all(processing)


def test_of_two_officers_who_claim_one_case_one_has_it_and_the_other_learns_so(processing: Processing) -> None:
    free_all(processing)
    number = processing.opened()
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda one: ask(processing, "POST", f"/cases/{number}/claim", one), ["ana", "budi"]))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    lost = next(answer for answer in answers if answer.status_code == 409)
    assert slug(lost) == "claimed-by-another"
    assert lost.json()["words"]["id"]


def test_claims_make_nobodys_work_stale(processing: Processing) -> None:
    free_all(processing)
    number = processing.opened()
    ask(processing, "POST", f"/cases/{number}/claim", "ana")
    ask(processing, "POST", f"/cases/{number}/openings", "budi", json=WHY)
    assert processing.command(number, "verify-documents", version=1).status_code == 200


def test_a_case_handed_to_a_desk_is_taken_by_that_desk_only(processing: Processing) -> None:
    free_all(processing)
    number = processing.opened()
    handed = ask(processing, "POST", f"/cases/{number}/assign", json={"desk": "budi_desk"})
    assert (handed.status_code, handed.json()["queue"]) == (200, "budi_desk")
    assert [case["number"] for case in processing.inbox(queue="budi_desk")] == [number]
    others = set()
    while (answer := ask(processing, "POST", "/cases/take-next", "ana")).status_code == 200:
        others.add(answer.json()["number"])
    assert number not in others
    found = set()
    while (answer := ask(processing, "POST", "/cases/take-next", "budi")).status_code == 200:
        found.add(answer.json()["number"])
    assert number in found or len(found) == MOST
    free_all(processing)


def test_the_person_is_in_no_answer_no_event_and_no_log(processing: Processing) -> None:
    free_all(processing)
    number = processing.opened()
    ask(processing, "POST", f"/cases/{number}/claim", "siti.rahma@lebong.example", desk="counter_9")
    shown = ask(processing, "GET", f"/cases/{number}/handling", "budi").text
    assert "siti.rahma" not in shown

    async def stored() -> bytes:
        connection = await asyncpg.connect(processing.database)
        try:
            rows = await connection.fetch("SELECT state FROM processing.stored_events")
            return b"".join(bytes(row["state"]) for row in rows)
        finally:
            await connection.close()

    assert b"siti.rahma" not in asyncio.run(stored())
    assert "siti.rahma" not in (processing.folder / "log").read_text()
    assert all("case_claimed" not in event.type for event in processing.published(number))


@pytest.mark.parametrize("role", ["auditor", "operator", "system"])
def test_only_officers_and_supervisors_claim(processing: Processing, role: str) -> None:
    number = processing.opened()
    for path in ("claim", "release", "assign", "openings"):
        assert ask(processing, "POST", f"/cases/{number}/{path}", role=role, json={}).status_code == 403
    assert ask(processing, "PUT", f"/cases/{number}/presence", role=role).status_code == 403


# Presence.


def test_two_officers_on_one_case_see_each_other_by_desk_and_not_by_name(processing: Processing) -> None:
    number = processing.opened()
    processing.listed(number)
    assert ask(processing, "PUT", f"/cases/{number}/presence", "ana").json()["others"] == []
    seen = ask(processing, "PUT", f"/cases/{number}/presence", "budi").json()
    assert [(one["role"], one["desk"]) for one in seen["others"]] == [("officer", "ana_desk")]
    assert seen["version"] == 1
    assert ask(processing, "DELETE", f"/cases/{number}/presence", "ana").status_code == 204
    assert ask(processing, "PUT", f"/cases/{number}/presence", "budi").json()["others"] == []
    assert ask(processing, "PUT", "/cases/LBG-0000-0000-0000-0000-0/presence").status_code == 404


# The help desk.


def test_an_opening_of_the_help_desk_is_an_event_of_the_case_that_auditors_see(processing: Processing) -> None:
    number = processing.opened()
    once = {"Idempotency-Key": secrets.token_hex(8)}
    first = ask(processing, "POST", f"/cases/{number}/openings", json=WHY, headers=once)
    again = ask(processing, "POST", f"/cases/{number}/openings", json=WHY, headers=once)
    assert (first.status_code, again.status_code) == (201, 201)
    seen = ask(processing, "GET", f"/cases/{number}/handling", "eve", "auditor").json()
    assert [(step["what"], step["by"]["desk"]) for step in seen["history"]] == [("case_looked_into", "ana_desk")]
    told = ask(processing, "GET", f"/cases/{number}/openings", "portal", "system").json()["openings"]
    assert [opening["reason"]["words"]["id"] for opening in told] == ["Pemohon menelepon."]
    assert "officer" not in told[0]
    assert all("looked_into" not in event.type for event in processing.published(number))


def test_a_case_is_not_opened_without_a_reason_of_the_catalogue(processing: Processing) -> None:
    number = processing.opened()
    answer = ask(processing, "POST", f"/cases/{number}/openings", json={"reason": {"code": "curiosity"}})
    assert (answer.status_code, slug(answer)) == (422, "unknown-reason")
    assert ask(processing, "POST", f"/cases/{number}/openings", json={}).status_code == 400


# Opinions.


def asked(processing: Processing, number: str, secret: str) -> dict[str, Any]:
    body = {"body": "civil_registry", "question": "identity_matches_register", "link": digest_of(secret)}
    return processing.do(number, "ask-opinion", body)


def by_link(processing: Processing, secret: str, answer: dict[str, Any] | None = None) -> httpx.Response:
    headers = {"Opinion-Link": secret}
    if answer is None:
        return processing.http.get("/opinions/asked", headers=headers)
    return processing.http.post("/opinions/asked", headers=headers, json=answer)


YES = {"outcome": "favourable", "reasons": [{"code": "confirmed_by_register"}]}
NO = {"outcome": "unfavourable", "reasons": [{"code": "not_in_register"}]}


def test_a_body_answers_by_its_link_once_and_both_are_on_the_public_timeline(processing: Processing) -> None:
    number, secret = processing.opened(), secrets.token_urlsafe(32)
    case = asked(processing, number, secret)
    assert case["opinions"][0]["state"] == "awaited"
    question = by_link(processing, secret).json()
    assert (question["number"], question["outcome"]) == (number, None)
    assert next(choice["code"] for choice in question["answers"]["favourable"]) == "confirmed_by_register"
    assert by_link(processing, secret, YES).json()["outcome"] == "favourable"
    assert by_link(processing, secret, YES).status_code == 200
    other = by_link(processing, secret, NO)
    assert (other.status_code, slug(other)) == (409, "opinion-already-given")
    opinion = processing.case(number)["opinions"][0]
    assert (opinion["state"], opinion["reasons"][0]["code"]) == ("given", "confirmed_by_register")
    stages = processing.wait_until(
        lambda: (
            len(found := [e for e in processing.published(number) if e.type.endswith("stage_recorded.v1")]) == 2
            and found
        )
    )
    facts = [decode_fact(event) for event in stages]
    assert all(isinstance(fact, StageRecorded) for fact in facts)
    assert [fact.stage for fact in facts] == ["opinion_requested.2", "opinion_received.2"]  # type: ignore[attr-defined]
    assert b"confirmed_by_register" not in b"".join(bytes(event.data) for event in processing.published(number))


def test_of_two_answers_at_once_one_counts(processing: Processing) -> None:
    number, secret = processing.opened(), secrets.token_urlsafe(32)
    asked(processing, number, secret)
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda answer: by_link(processing, secret, answer).status_code, [YES, NO]))
    assert sorted(answers) == [200, 409]


def test_only_the_links_hash_is_kept(processing: Processing) -> None:
    number, secret = processing.opened(), secrets.token_urlsafe(32)
    asked(processing, number, secret)
    by_link(processing, secret)

    async def dump() -> str:
        connection = await asyncpg.connect(processing.database)
        try:
            events = await connection.fetch("SELECT convert_from(state, 'UTF8') AS s FROM processing.stored_events")
            kept = await connection.fetch("SELECT * FROM processing.idempotency")
            return "".join(row["s"] for row in events) + "".join(map(str, kept))
        finally:
            await connection.close()

    assert secret not in asyncio.run(dump())
    assert secret not in (processing.folder / "log").read_text()


@pytest.mark.parametrize("secret", ["", "x", "a" * 43, "é" * 43, "a" * 200, "../cases", "%00"])
def test_a_forged_link_is_not_found(processing: Processing, secret: str) -> None:
    headers = [(b"Opinion-Link", secret.encode())]
    answer = processing.http.get("/opinions/asked", headers=headers)
    assert (answer.status_code, slug(answer)) == (404, "no-such-opinion")


def test_a_withdrawn_or_replaced_link_says_that_it_is_good_no_more(processing: Processing) -> None:
    number, first, second = processing.opened(), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    asked(processing, number, first)
    processing.do(number, "reissue-opinion-link", {"opinion": 2, "link": digest_of(second)})
    old = by_link(processing, first, YES)
    assert (old.status_code, slug(old)) == (410, "opinion-link-replaced")
    assert by_link(processing, second).status_code == 200
    processing.do(number, "withdraw-opinion", {"opinion": 2})
    ended = by_link(processing, second, YES)
    assert (ended.status_code, slug(ended)) == (410, "opinion-withdrawn")
    assert processing.case(number)["opinions"][0]["state"] == "withdrawn"


def test_a_link_used_for_one_case_is_refused_for_another(processing: Processing) -> None:
    secret = secrets.token_urlsafe(32)
    asked(processing, processing.opened(), secret)
    body = {"body": "police", "question": "loss_reported", "link": digest_of(secret)}
    answer = processing.command(processing.opened(), "ask-opinion", body)
    assert (answer.status_code, slug(answer)) == (422, "opinion-link-taken")


def test_a_late_opinion_is_flagged_in_the_inbox_and_an_expired_link_says_so(processing: Processing) -> None:
    number, secret = processing.opened(), secrets.token_urlsafe(32)
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    body = {"body": "police", "question": "loss_reported", "link": digest_of(secret), "answer_by": soon}
    processing.do(number, "ask-opinion", body)
    processing.wait_until(lambda: number in [case["number"] for case in processing.inbox(opinion="late")])
    assert processing.case(number)["opinions"][0]["state"] == "late"
    assert by_link(processing, secret).json()["late"] is True
    processing.stop()
    processing.start(JEJAK_OPINION_GRACE_DAYS="0", JEJAK_CLAIMS_AT_ONCE=str(MOST), JEJAK_ESCALATE_LOOK_S="0.2")
    other, short = processing.opened(), secrets.token_urlsafe(32)
    soon = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
    processing.do(other, "ask-opinion", {**body, "link": digest_of(short), "answer_by": soon})
    processing.wait_until(lambda: by_link(processing, short).status_code == 410)
    assert slug(by_link(processing, short, YES)) == "opinion-link-expired"


# Escalation.


def test_a_deadline_that_is_near_is_escalated_once_also_after_a_restart(processing: Processing) -> None:
    number = processing.opened()
    due = processing.assessed()[0]
    # The clock of a passport begins with the examination; one that began long ago is past its escalation at once.
    code = processing.case(due)["assessments"][-1]["billing_code"]
    processing.pays(due, payment(code))
    processing.do(due, "verify-documents")
    processing.do(due, "examine", {"examinations": ["interview", "biometrics"]})
    environment = {"JEJAK_ESCALATE_PERCENT": "100", "JEJAK_CLAIMS_AT_ONCE": str(MOST), "JEJAK_ESCALATE_LOOK_S": "0.2"}

    def escalations() -> int:
        steps = ask(processing, "GET", f"/cases/{due}/handling").json()["history"]
        return len([step for step in steps if step["what"] == "case_escalated"])

    processing.stop()
    _begin_earlier(processing, due)
    processing.start(**environment)
    processing.wait_until(lambda: escalations() == 1)
    processing.wait_until(lambda: [case["number"] for case in processing.inbox(escalated="true")] == [due])
    assert processing.inbox(sort="urgency")[0]["number"] == due
    assert number in [case["number"] for case in processing.inbox(sort="urgency", limit=1)]
    processing.stop(signal.SIGKILL)
    processing.start(**environment)
    processing.wait_until(lambda: processing.listed(due)["escalated_at"])
    processing.wait_until(lambda: processing.http.get("/health/ready").is_success)
    _wait_for_looks(processing)
    assert escalations() == 1
    assert all("escalated" not in event.type for event in processing.published(due))


def _wait_for_looks(processing: Processing) -> None:
    """Until the escalation has certainly looked again: another case that is near is escalated."""
    fresh, code = processing.assessed()
    processing.pays(fresh, payment(code))
    processing.do(fresh, "verify-documents")
    processing.do(fresh, "examine", {"examinations": ["interview", "biometrics"]})
    processing.stop()
    _begin_earlier(processing, fresh)
    processing.start(JEJAK_ESCALATE_PERCENT="100", JEJAK_ESCALATE_LOOK_S="0.2")
    processing.wait_until(
        lambda: any(
            step["what"] == "case_escalated"
            for step in ask(processing, "GET", f"/cases/{fresh}/handling").json()["history"]
        )
    )


def _begin_earlier(processing: Processing, number: str) -> None:
    """The examination of this case was a month ago: as events of another day would have it; rows are made anew."""

    async def rewrite() -> None:
        connection = await asyncpg.connect(processing.database)
        then = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            await connection.execute(
                """
                UPDATE processing.stored_events
                SET state = convert_to((convert_from(state, 'UTF8')::jsonb || jsonb_build_object('time', $2::text))::text, 'UTF8')
                WHERE originator_id = $1 AND topic LIKE '%.examined.v1'
                """,
                number,
                then,
            )
            await connection.execute("UPDATE processing.worklist_position SET notification_id = 0")
        finally:
            await connection.close()

    asyncio.run(rewrite())
