"""Processing on real PostgreSQL and Kafka: cases open from the log, officers decide, payments come as they come."""

import asyncio
import json
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
from contracts.facts import Decided
from deploy.local.database import temporary_database
from tests.system.processing_process import (
    BOOK,
    PRICE,
    TREASURY,
    Processing,
    payment,
    processing_process,
    submission,
    supplied,
    withdrawal,
)
from tests.system.service_process import new_number

pytestmark = pytest.mark.system
REFUSAL = {"outcome": "refused", "reasons": [{"code": "not_eligible"}]}


@pytest.fixture(scope="module")
def processing(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processing]:
    topic = f"test-{secrets.token_hex(5)}-applications.v1"
    folder: Path = tmp_path_factory.mktemp("processing")
    with (
        temporary_database(infrastructure.database) as database,
        processing_process(folder, kafka=infrastructure.kafka, database=database, topic=topic) as running,
    ):
        yield running


def slug(answer: httpx.Response) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(answer.json()["type"]).rsplit("/", 1)[-1]


# The whole way.


def test_an_application_goes_from_the_log_through_all_commands_to_the_log(processing: Processing) -> None:
    number, code = processing.assessed()
    processing.do(
        number, "request-documents", {"documents": [{"requirement": "family_card", "reason": {"code": "unreadable"}}]}
    )
    processing.publish(supplied("family_card"), number)
    processing.wait_until(lambda: not processing.case(number)["requested"])
    processing.pays(number, payment(code))
    at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    processing.do(number, "invite", {"examination": "interview", "at": at})
    processing.do(number, "verify-documents")
    processing.do(number, "examine", {"examinations": ["interview", "biometrics"]})
    processing.do(number, "pause", {"reason": {"code": "blank_shortage"}})
    processing.do(number, "resume")
    processing.do(number, "decide", {"outcome": "approved", "reasons": [{"code": "requirements_met"}]})
    processing.do(number, "issue")
    ended = processing.do(number, "hand-over", {"to": "representative"})
    assert (ended["stage"]["code"], ended["waits_for"]) == ("closed", "nobody")

    facts = [
        "submitted", "fee_assessed", "documents_requested", "document_supplied", "fee_paid", "invited",
        "documents_verified", "examined", "paused", "resumed", "decided", "issued", "collected",
    ]  # fmt: skip
    assert [step["fact"] for step in ended["history"]] == facts
    processing.wait_until(lambda: len(processing.published(number)) == len(facts))
    events = processing.published(number)
    assert sorted(event.type.split(".")[-2] for event in events) == sorted(facts)
    ours = [event for event in events if event.source == "//lebong.imigrasi.go.id/processing"]
    assert [event.type.split(".")[-2] for event in ours] == [
        fact for fact in facts if fact not in ("submitted", "document_supplied", "fee_paid")
    ]
    assert all(event.salt and event.traceparent for event in ours)
    assert all(decode_fact(event).by.office == "lebong" for event in ours)  # type: ignore[attr-defined]


def test_a_case_is_shown_with_all_that_an_officer_needs(processing: Processing) -> None:
    number = processing.opened()
    case = processing.case(number)
    assert case["service"]["labels"]["id"]
    assert case["stage"]["labels"]["en"]
    assert case["documents"][0]["url"].startswith(f"http://intake.example/applications/{number}/documents/")
    decide = next(command for command in case["commands"] if command["outcome"] == "approved")
    assert (decide["allowed"], decide["refusal"]["slug"]) == (False, "fee-not-assessed")
    assert decide["refusal"]["words"]["id"]
    assert case["history"] == [{"version": 1, "fact": "submitted", "at": case["submitted_at"], "by": None}]


# Versions.


def test_of_two_officers_deciding_at_once_one_wins_and_the_other_learns_what_changed(processing: Processing) -> None:
    number = processing.opened()
    bodies = [REFUSAL, {"outcome": "refused", "reasons": [{"code": "no_appearance"}]}]
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda body: processing.command(number, "decide", body, version=1), bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    lost = next(answer for answer in answers if answer.status_code == 412)
    assert lost.headers["ETag"] == '"2"'
    assert [(step["version"], step["fact"]) for step in lost.json()["changed"]] == [(2, "decided")]
    decided = [event for event in processing.published(number) if event.type.endswith("decided.v1")]
    processing.wait_until(lambda: any(e.type.endswith("decided.v1") for e in processing.published(number)))
    decided = [event for event in processing.published(number) if event.type.endswith("decided.v1")]
    assert len(decided) == 1
    fact = decode_fact(decided[0])
    assert isinstance(fact, Decided)
    assert fact.remedy is not None
    assert fact.remedy.within_days == 21


def test_many_officers_at_once_leave_one_decision_and_no_gap(processing: Processing) -> None:
    number = processing.opened()
    with ThreadPoolExecutor(8) as all_of_them:
        answers = list(
            all_of_them.map(lambda _: processing.command(number, "decide", REFUSAL, version=1).status_code, range(16))
        )
    assert sorted(answers) == [200] + [412] * 15
    assert processing.case(number)["version"] == 2


def test_a_command_without_if_match_is_not_done(processing: Processing) -> None:
    number = processing.opened()
    answer = processing.http.post(f"/cases/{number}/verify-documents", headers=processing.bearer())
    assert answer.status_code == 428
    assert processing.case(number)["version"] == 1


@pytest.mark.parametrize("tag", ['"7"', 'W/"1"', '"one"', "1", '""'])
def test_a_command_on_another_version_is_not_done(processing: Processing, tag: str) -> None:
    number = processing.opened()
    headers = {**processing.bearer(), "If-Match": tag}
    assert processing.http.post(f"/cases/{number}/verify-documents", headers=headers).status_code == 412
    assert processing.case(number)["version"] == 1


def test_a_command_repeated_on_the_new_version_changes_nothing(processing: Processing) -> None:
    number = processing.opened()
    first = processing.command(number, "verify-documents", version=1)
    again = processing.command(number, "verify-documents", version=2)
    assert first.headers["ETag"] == again.headers["ETag"] == '"2"'


def test_a_command_repeated_with_its_idempotency_key_gets_the_first_answer(processing: Processing) -> None:
    number = processing.opened()
    key = {"Idempotency-Key": secrets.token_hex(8)}
    first = processing.command(number, "decide", REFUSAL, version=1, **key)
    again = processing.command(number, "decide", REFUSAL, version=1, **key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert processing.case(number)["version"] == 2


def test_a_case_that_did_not_change_is_not_sent_again(processing: Processing) -> None:
    number = processing.opened()
    assert processing.get(f"/cases/{number}", **{"If-None-Match": '"1"'}).status_code == 304
    processing.do(number, "verify-documents")
    assert processing.get(f"/cases/{number}", **{"If-None-Match": '"1"'}).status_code == 200


# Who may.


@pytest.mark.parametrize("role", ["auditor", "operator", "system"])
def test_only_officers_and_supervisors_command(processing: Processing, role: str) -> None:
    number = processing.opened()
    answer = processing.command(number, "decide", REFUSAL, version=1, role=role)
    assert (answer.status_code, slug(answer)) == (403, "insufficient-role")


@pytest.mark.parametrize("path", ["/cases", "/cases/{number}", "/payments/problems"])
def test_auditors_read_and_operators_do_not(processing: Processing, path: str) -> None:
    path = path.format(number=processing.opened())
    assert processing.get(path, "auditor").status_code == 200
    assert processing.get(path, "supervisor").status_code == 200
    assert processing.get(path, "operator").status_code == 403
    answer = processing.http.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_officer_of_another_office_is_refused(processing: Processing) -> None:
    number = processing.opened()
    headers = {**processing.bearer("officer", office="curup"), "If-Match": '"1"'}
    answer = processing.http.post(f"/cases/{number}/verify-documents", headers=headers)
    assert (answer.status_code, slug(answer)) == (409, "case-elsewhere")


def test_the_event_names_role_office_and_desk_and_not_the_person(processing: Processing) -> None:
    number = processing.opened()
    headers = {**processing.bearer("officer", subject="a-persons-login", desk="window_3"), "If-Match": '"1"'}
    answer = processing.http.post(f"/cases/{number}/verify-documents", headers=headers)
    assert answer.json()["history"][-1]["by"] == {"role": "officer", "office": "lebong", "desk": "window_3"}
    processing.wait_until(lambda: len(processing.published(number)) == 2)
    assert all(b"a-persons-login" not in bytes(event.data) for event in processing.published(number))
    assert "a-persons-login" not in (processing.folder / "log").read_text()


# What does not fit.


@pytest.mark.parametrize("number", ["LBG-0000-0000-0000-0000-0", "nonsense", "billing:820260302000001", "%00", "é"])
def test_a_case_that_is_not_there_is_not_found(processing: Processing, number: str) -> None:
    answer = processing.get(f"/cases/{number}")
    assert (answer.status_code, slug(answer)) == (404, "no-such-case")
    headers = {**processing.bearer(), "If-Match": '"1"'}
    assert processing.http.post(f"/cases/{number}/verify-documents", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("decide", b""),
        ("decide", b"{"),
        ("decide", b"[]"),
        ("decide", b'{"outcome":"maybe"}'),
        ("decide", b'{"outcome":"refused","reasons":[{"code":"Not A Code"}]}'),
        ("decide", b'{"outcome":"refused","note":"free text"}'),
        ("decide", b'{"outcome":"refused","reasons":"\xff"}'),
        ("request-documents", b'{"documents":[]}'),
        ("request-documents", b'{"documents":[{"requirement":"family_card"}]}'),
        ("invite", b'{"examination":"interview","at":"tomorrow"}'),
        ("invite", b'{"examination":"interview","at":"2026-03-02T10:00:00"}'),
        ("invite", b'{"examination":"interview","at":"0001-01-01T00:00:00+14:00"}'),
        ("examine", b'{"examinations":[]}'),
        ("issue", b'{"valid_until":"2026-02-30"}'),
        ("assess-fee", b'{"fees":"book"}'),
        ("transfer", b'{"to":"civil_registry"}'),
        ("pause", b"null"),
        ("pause", b'{"reason":' + b"[" * 100_000),
    ],
)
def test_a_malformed_body_is_refused_and_changes_nothing(processing: Processing, name: str, body: bytes) -> None:
    number = processing.opened()
    headers = {**processing.bearer(), "If-Match": '"1"', "Content-Type": "application/json"}
    answer = processing.http.post(f"/cases/{number}/{name}", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert slug(answer)
    assert processing.case(number)["version"] == 1


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        (
            "request-documents",
            {"documents": [{"requirement": "x", "reason": {"code": "missing"}}]},
            "unknown-requirement",
        ),
        ("assess-fee", {"fees": ["book_of_gold"]}, "unknown-fee"),
        ("assess-fee", None, "fee-combination"),
        ("decide", {"outcome": "refused"}, "reason-missing"),
        ("decide", {"outcome": "refused", "reasons": [{"code": "because"}]}, "unknown-reason"),
    ],
)
def test_what_the_catalogue_does_not_have_is_refused_by_name(
    processing: Processing, name: str, body: Any, expected: str
) -> None:
    answer = processing.command(processing.opened(), name, body)
    assert (answer.status_code, slug(answer)) == (422, expected)
    assert answer.json()["words"]["id"]


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("decide", {"outcome": "approved"}, "fee-not-assessed"),
        ("examine", {"examinations": ["interview"]}, "fee-not-assessed"),
        ("issue", None, "not-approved"),
        ("hand-over", None, "not-issued"),
    ],
)
def test_what_comes_too_early_is_refused_by_name(processing: Processing, name: str, body: Any, expected: str) -> None:
    answer = processing.command(processing.opened(), name, body)
    assert (answer.status_code, slug(answer)) == (409, expected)


def test_an_unknown_command_is_not_found(processing: Processing) -> None:
    assert processing.command(processing.opened(), "delete", version=1).status_code == 404


# Payments.


def test_a_payment_settles_the_fee(processing: Processing) -> None:
    number, code = processing.assessed()
    case = processing.pays(number, payment(code))
    assert case["payment"]["amount"] == PRICE
    assert case["payment_problems"] == []


@pytest.mark.parametrize(
    ("amount", "after_days", "kind"),
    [(PRICE - 1, 0, "payment_wrong_amount"), (PRICE, 8, "payment_after_expiry")],
)
def test_a_payment_that_does_not_fit_is_listed_with_words(
    processing: Processing, amount: int, after_days: int, kind: str
) -> None:
    number, code = processing.assessed()
    # The treasury's clock is believed: a payment that it dates after the expiry is one, whenever it is reported.
    case = processing.pays(number, payment(code, amount), at=datetime.now(UTC) + timedelta(days=after_days))
    assert case["payment"] is None
    assert [problem["reason"]["code"] for problem in case["payment_problems"]] == [kind]
    listed = processing.wait_until(lambda: processing.get(f"/payments/problems?number={number}").json()["problems"])
    assert (listed[0]["reason"]["code"], listed[0]["expected_amount"]) == (kind, PRICE)
    assert "…" not in listed[0]["reason"]["words"]["id"]
    assert processing.listed(number)["payment_problems"] == 1


def test_a_payment_problem_that_was_put_right_leaves_the_list(processing: Processing) -> None:
    number, code = processing.assessed()
    problem = processing.pays(number, payment(code, PRICE - 1))["payment_problems"][0]
    body = {"problem": problem["version"], "reason": {"code": "payment_refunded"}}
    key = {"Idempotency-Key": secrets.token_hex(8)}
    stale = processing.command(number, "settle-payment-problem", body, version=1)
    assert stale.status_code == 412
    assert processing.command(number, "settle-payment-problem", body, role="auditor").status_code == 403
    version = processing.case(number)["version"]
    answers = [
        processing.command(number, "settle-payment-problem", body, version=version, role="supervisor", **key)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    (settled,) = answers[0].json()["payment_problems"]
    assert settled["settled"]["reason"]["words"]["en"] == "The money was returned to the payer."
    assert processing.listed(number)["payment_problems"] == 0
    listed = {
        which: processing.get(f"/payments/problems?number={number}&settled={which}").json()["problems"]
        for which in ("true", "false")
    }
    assert listed == {"true": [settled], "false": []}
    again = processing.command(number, "settle-payment-problem", {**body, "problem": 99})
    assert (again.status_code, slug(again)) == (409, "no-payment-problem")
    assert not [event for event in processing.published(number) if "settled" in event.type]


def test_a_second_payment_is_listed_and_a_repeated_report_is_not(processing: Processing) -> None:
    number, code = processing.assessed()
    paid = payment(code)
    processing.pays(number, paid, id="pay-1")
    processing.publish(paid, number, source=TREASURY, id="pay-1")
    case = processing.pays(number, payment(code), id="pay-2")
    assert [problem["reason"]["code"] for problem in case["payment_problems"]] == ["payment_twice"]
    assert case["version"] == 4


def test_a_payment_under_an_unknown_code_is_listed(processing: Processing) -> None:
    number, _ = processing.assessed()
    case = processing.pays(number, payment("999999999999999"))
    assert case["payment_problems"][0]["reason"]["code"] == "payment_unknown_code"


def test_a_payment_after_a_withdrawal_is_listed(processing: Processing) -> None:
    number, code = processing.assessed()
    processing.publish(withdrawal(), number)
    processing.wait_until(lambda: processing.case(number)["stage"]["code"] == "closed")
    case = processing.pays(number, payment(code))
    assert case["payment_problems"][0]["reason"]["code"] == "payment_after_end"


def test_a_payment_for_an_application_without_a_case_does_not_stop_the_others(processing: Processing) -> None:
    stranger = new_number()
    processing.publish(payment("999999999999999"), stranger, source=TREASURY)
    processing.publish(submission(), stranger)
    processing.wait_until(lambda: processing.get(f"/cases/{stranger}").status_code == 200)


# The inbox.


def test_the_inbox_filters_sorts_and_pages(processing: Processing) -> None:
    numbers = [processing.opened() for _ in range(5)]
    processing.do(numbers[0], "pause", {"reason": {"code": "legal_hold"}})
    processing.do(numbers[1], "assess-fee", {"fees": [BOOK]})
    processing.do(numbers[2], "decide", REFUSAL)
    assert processing.listed(numbers[0], paused=True)["next"] == ["resume"]
    assert processing.listed(numbers[1], waits_for="applicant")["office_since"] is None
    assert processing.listed(numbers[2], stage="closed")["waits_for"] == "nobody"
    waiting = processing.listed(numbers[3], waits_for="office", service="passport_new", limit=2)
    assert waiting["office_since"] == waiting["submitted_at"]
    for sort in ("age", "deadline"):
        pages = [case["number"] for case in processing.inbox(sort=sort, limit=2)]
        assert len(set(pages)) == len(pages)
        assert {numbers[0], numbers[1], numbers[3], numbers[4]} <= set(pages)
        assert numbers[2] not in pages
    oldest_first = [case["submitted_at"] for case in processing.inbox(sort="age", limit=3)]
    assert oldest_first == sorted(oldest_first)
    assert processing.inbox(desk="nobody_sits_here") == []


def test_a_case_with_a_deadline_comes_before_those_without(processing: Processing) -> None:
    first = processing.opened()
    number, code = processing.assessed()
    processing.pays(number, payment(code))
    processing.do(number, "verify-documents")
    processing.do(number, "examine", {"examinations": ["interview"]})
    row = processing.listed(number)
    assert row["deadline"]["at"] is not None
    assert not row["overdue"]
    order = [case["number"] for case in processing.inbox(limit=100)]
    assert order.index(number) < order.index(first)


def test_an_unchanged_inbox_is_not_sent_again(processing: Processing) -> None:
    answer = processing.get("/cases?desk=nobody_sits_here")
    again = processing.get("/cases?desk=nobody_sits_here", **{"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "query",
    [
        "cursor=%00", "cursor=bm9uc2Vuc2U", "sort=luck", "limit=0", "limit=100000", "paused=perhaps", "stage=A%00",
        "service=%27%3B--", "waits_for=godot", "cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwiTEJHIl0",
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(processing: Processing, query: str) -> None:
    assert processing.get(f"/cases?{query}").status_code == 400


@pytest.mark.parametrize("query", ["kind=odd", "cursor=WzFd", "number=nonsense"])
def test_a_query_for_payments_that_makes_no_sense_is_refused(processing: Processing, query: str) -> None:
    assert processing.get(f"/payments/problems?{query}").status_code in (400, 404)


# The log.


def test_a_corrupt_record_waits_in_quarantine_and_the_others_go_on(processing: Processing) -> None:
    number = new_number()
    processing.put(number, b"\x00 not an event")
    processing.publish(submission(), number)
    other = processing.opened()
    assert processing.case(other)["version"] == 1
    assert processing.get(f"/cases/{number}").status_code == 404
    page = processing.wait_until(
        lambda: [r for r in processing.get("/quarantine?limit=200", "operator").json()["records"] if r["key"] == number]
    )
    failed = next(record for record in page if record["state"] == "failed")
    discarding = processing.http.post(
        f"/quarantine/{failed['id']}/discard", json={"reason": "not_an_event"}, headers=processing.bearer("operator")
    )
    assert discarding.status_code == 204, discarding.text
    processing.wait_until(lambda: processing.get(f"/cases/{number}").status_code == 200)


def test_the_api_describes_itself(processing: Processing) -> None:
    document = processing.http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for name in ("request-documents", "verify-documents", "decide", "hand-over"):
        operation = document["paths"][f"/cases/{{number}}/{name}"]["post"]
        assert operation["security"] == [{"bearer": ["officer", "supervisor"]}]
    json.dumps(document)


# Faults.


def test_a_killed_service_goes_on_where_it_was(processing: Processing) -> None:
    number, code = processing.assessed()
    processing.stop(signal.SIGKILL)
    processing.publish(payment(code), number, source=TREASURY)
    fresh = new_number()
    processing.publish(submission(), fresh)
    processing.start()
    processing.wait_until(lambda: processing.get(f"/cases/{fresh}").status_code == 200)
    processing.wait_until(lambda: processing.case(number)["payment"])
    assert processing.case(number)["version"] == 3
    assert processing.listed(number)["version"] == 3
    assert len([e for e in processing.published(number) if e.type.endswith("fee_assessed.v1")]) >= 1


def test_read_models_made_anew_are_the_same(processing: Processing) -> None:
    async def rows(connection: Any) -> tuple[list[Any], list[Any]]:
        found = await connection.fetch("SELECT * FROM processing.worklist ORDER BY number")
        return found, await connection.fetch("SELECT * FROM processing.payment_problems ORDER BY number, version")

    async def rebuild() -> tuple[Any, Any]:
        connection = await asyncpg.connect(processing.database)
        try:
            before = await rows(connection)
            async with connection.transaction():
                await connection.execute("UPDATE processing.worklist_position SET notification_id = 0")
                await connection.execute("TRUNCATE processing.worklist, processing.payment_problems")
            async with asyncio.timeout(30):
                while len(after := await rows(connection)) and len(after[0]) < len(before[0]):
                    await asyncio.sleep(0.1)
            return before, await rows(connection)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as other_thread:
        before, after = other_thread.submit(lambda: asyncio.run(rebuild())).result()
    assert before[0]
    assert after == before
