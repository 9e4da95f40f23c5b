"""Other systems and operators at a real intake: admission over HTTP, held payments."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from deploy.local.database import temporary_database
from tests.system.intake_process import (
    AGENCY,
    BATCH,
    STRUCTURED,
    TREASURY,
    Intake,
    event,
    intake_process,
    new_billing_code,
    on_the_log,
    payment,
    slug,
)
from tests.system.service_process import new_number

pytestmark = pytest.mark.system

STAGE = {"stage": "checked", "labels": {"id": "Diperiksa", "en": "Checked"}, "by": {"role": "agency"}}


@pytest.fixture(scope="module")
def intake(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    with (
        temporary_database(infrastructure.database) as database,
        intake_process(
            tmp_path_factory.mktemp("intake"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-intake-{secrets.token_hex(5)}",
        ) as running,
    ):
        yield running


def post(intake: Intake, body: Any, headers: dict[str, str], media_type: str = STRUCTURED) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return intake.http.post("/events", content=content, headers={"Content-Type": media_type, **headers})


def signed(intake: Intake, body: Any, media_type: str = STRUCTURED, **how: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return post(intake, content, intake.sign(content, **how), media_type)


def outcomes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 202, answer.text
    return [outcome["status"] for outcome in answer.json()["outcomes"]]


def test_a_signed_payment_is_admitted_and_reaches_the_log(intake: Intake) -> None:
    number = new_number()
    paid = payment(new_billing_code(), subject=number)
    answer = signed(intake, paid)
    assert outcomes(answer) == ["accepted"]
    assert answer.json()["outcomes"][0]["number"] == number
    (logged,) = on_the_log(intake, number, 1)
    assert (logged["id"], logged["source"], logged["data"]["amount"]) == (paid["id"], TREASURY, 350000)
    assert len(logged["salt"]) == 43


def test_a_wrong_signature_is_refused(intake: Intake) -> None:
    other = "whsec_" + "A" * 44
    answer = signed(intake, payment(new_billing_code()), secret=other)
    assert (answer.status_code, slug(answer)) == (401, "not-a-publisher")


def test_a_body_changed_after_signing_is_refused(intake: Intake) -> None:
    body = json.dumps(payment(new_billing_code())).encode()
    assert post(intake, body.replace(b"350000", b"350001"), intake.sign(body)).status_code == 401


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_stale_signature_is_refused_with_the_reason(intake: Intake, minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    answer = signed(intake, payment(new_billing_code()), at=at)
    assert answer.status_code == 401
    assert "timestamp" in answer.json()["detail"]


def test_a_replayed_request_has_no_second_effect(intake: Intake) -> None:
    number = new_number()
    body = json.dumps(payment(new_billing_code(), subject=number)).encode()
    headers = intake.sign(body)
    answers = [post(intake, body, headers) for _ in range(3)]
    assert [outcomes(answer) for answer in answers] == [["accepted"], ["duplicate"], ["duplicate"]]
    assert outcomes(intake.publish(event("stage_recorded", STAGE, subject=number))) == ["accepted"]
    assert len(on_the_log(intake, number, 2)) == 2


def test_without_signature_or_token_nothing_is_admitted(intake: Intake) -> None:
    answer = post(intake, payment(new_billing_code()), {})
    assert (answer.status_code, slug(answer)) == (401, "not-a-publisher")


def test_a_token_of_another_role_or_of_nobody_in_the_file_is_refused(intake: Intake) -> None:
    body = payment(new_billing_code())
    assert post(intake, body, intake.bearer("officer", subject="treasury")).status_code == 403
    assert post(intake, body, intake.bearer("system", subject="somebody")).status_code == 401


def test_binary_mode_is_admitted_with_a_token(intake: Intake) -> None:
    number = new_number()
    headers = {
        "ce-specversion": "1.0",
        "ce-id": secrets.token_hex(8),
        "ce-source": f"{AGENCY}b",
        "ce-type": "id.jejak.application.stage_recorded.v1",
        "ce-time": "2026-03-02T03:15:00Z",
        "ce-subject": number,
    }
    answer = post(intake, STAGE, {**headers, **intake.bearer("system", subject="agency")}, "application/json")
    assert outcomes(answer) == ["accepted"]


def test_binary_mode_cannot_be_signed_since_its_attributes_would_not_be_covered(intake: Intake) -> None:
    body = json.dumps({"billing_code": new_billing_code(), "amount": 1, "by": {"role": "treasury"}}).encode()
    headers = {"ce-specversion": "1.0", "ce-id": "x", "ce-source": TREASURY, "ce-type": "x", "ce-time": "x"}
    answer = post(intake, body, {**headers, **intake.sign(body)}, "application/json")
    assert answer.status_code == 401
    assert "binary mode" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "status", "problem"),
    [
        ({"source": f"{AGENCY}a"}, 403, "source-not-allowed"),
        ({"source": "//lebong.imigrasi.go.id/processing"}, 403, "source-not-allowed"),
        ({"type": "id.jejak.application.stage_recorded.v1", "data": STAGE}, 403, "type-not-allowed"),
        ({"type": "id.jejak.application.vanished.v1"}, 422, "unknown-event-type"),
        ({"time": "2999-01-01T00:00:00Z"}, 422, "event-from-the-future"),
        ({"subject": "LBG-1"}, 422, "malformed-subject"),
        ({"data": {"billing_code": "1"}}, 400, "malformed-event"),
        ({"specversion": "0.3"}, 400, "malformed-event"),
        ({"id": ""}, 400, "malformed-event"),
        ({"pad": "x" * 70_000}, 413, "events-too-large"),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused_with_the_reason(
    intake: Intake, changes: dict[str, Any], status: int, problem: str
) -> None:
    answer = signed(intake, {**payment(new_billing_code()), **changes})
    assert (answer.status_code, slug(answer)) == (status, problem)
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", STRUCTURED, 400),
        (b"{}", BATCH, 400),
        (b"[1]", STRUCTURED, 400),
        (b'{"a": 1, "a": 2}', STRUCTURED, 400),
        (b"[" * 100_000, BATCH, 400),
        (b"<xml/>", "application/xml", 401),
        (b'"' + b"x" * 9_000_000 + b'"', BATCH, 413),
    ],
)
def test_a_body_that_is_no_event_is_refused(intake: Intake, body: bytes, media_type: str, status: int) -> None:
    answer = signed(intake, body, media_type)
    assert answer.status_code == status
    slug(answer)


def test_a_content_type_that_is_no_mode_of_cloudevents_is_refused(intake: Intake) -> None:
    answer = post(intake, b"<xml/>", intake.bearer("system", subject="agency"), "application/xml")
    assert (answer.status_code, slug(answer)) == (415, "unsupported-mode")


def test_more_events_than_a_batch_may_have_are_refused(intake: Intake) -> None:
    answer = intake.publish(*[event("stage_recorded", STAGE, subject=new_number()) for _ in range(1001)])
    assert (answer.status_code, slug(answer)) == (413, "events-too-large")


def test_a_batch_loses_nothing_by_what_is_refused_in_it_and_keeps_its_order(intake: Intake) -> None:
    number = new_number()
    events = [event("stage_recorded", {**STAGE, "stage": f"s{index}"}, subject=number) for index in range(20)]
    broken = [{**events[5], "time": "tomorrow"}, {**events[6], "subject": "x"}, {"not": "an event"}]
    answer = intake.publish(*events[:10], *broken, *events[10:])
    assert outcomes(answer) == ["accepted"] * 10 + ["refused"] * 3 + ["accepted"] * 10
    assert [one["index"] for one in answer.json()["refused"]] == [10, 11, 12]
    assert all(one["problem"]["detail"] for one in answer.json()["refused"])
    assert outcomes(intake.publish(*events)) == ["duplicate"] * 20
    stages = [one["data"]["stage"] for one in on_the_log(intake, number, 20)]
    assert stages == [f"s{index}" for index in range(20)]


def test_a_batch_of_nothing_is_no_error(intake: Intake) -> None:
    assert intake.publish().json()["outcomes"] == []


def test_an_id_used_for_another_event_is_refused(intake: Intake) -> None:
    first = payment(new_billing_code(), subject=new_number())
    assert outcomes(signed(intake, first)) == ["accepted"]
    answer = signed(intake, {**first, "time": "2026-03-02T03:16:00Z"})
    assert (answer.status_code, slug(answer)) == (409, "event-id-reused")


def test_a_surprising_fact_is_admitted(intake: Intake) -> None:
    number = new_number()
    ended = event("collected", {"by": {"role": "officer"}}, subject=number)
    late = event("stage_recorded", STAGE, subject=number, time="1999-01-01T00:00:00Z")
    assert outcomes(intake.publish(ended, late)) == ["accepted", "accepted"]


def assess(intake: Intake, number: str, billing_code: str) -> None:
    data = {
        "billing_code": billing_code,
        "amount": 350000,
        "expires_at": "2026-03-09T00:00:00Z",
        "by": {"role": "officer", "office": "lebong"},
    }
    assert outcomes(intake.publish(event("fee_assessed", data, subject=number))) == ["accepted"]


def held(intake: Intake) -> dict[str, dict[str, Any]]:
    answer = intake.http.get("/events/held?limit=200", headers=intake.bearer("operator"))
    return {one["billing_code"]: one for one in answer.json()["held"]}


def test_a_payment_for_an_unknown_billing_code_waits_and_is_released_when_the_code_appears(intake: Intake) -> None:
    code, number = new_billing_code(), new_number()
    paid = payment(code)
    assert outcomes(signed(intake, paid)) == ["held"]
    assert held(intake)[code]["event"] == paid["id"]
    assert outcomes(signed(intake, paid)) == ["duplicate"]
    assess(intake, number, code)
    assessed, released = on_the_log(intake, number, 2)
    assert assessed["type"] == "id.jejak.application.fee_assessed.v1"
    assert (released["id"], released["subject"], released["time"]) == (paid["id"], number, paid["time"])
    intake.wait_until(lambda: code not in held(intake))
    assert outcomes(signed(intake, paid)) == ["duplicate"]


def test_a_payment_for_a_known_billing_code_finds_its_application(intake: Intake) -> None:
    code, number = new_billing_code(), new_number()
    assess(intake, number, code)
    intake.wait_until(lambda: signed(intake, payment(code)).json()["outcomes"][0].get("number") == number)


def test_what_is_held_is_for_operators(intake: Intake) -> None:
    assert intake.http.get("/events/held").status_code == 401
    assert intake.http.get("/events/held", headers=intake.bearer("officer")).status_code == 403


def test_held_payments_are_listed_page_by_page(intake: Intake) -> None:
    codes = [new_billing_code() for _ in range(5)]
    assert outcomes(signed(intake, [payment(code) for code in codes], BATCH)) == ["held"] * 5
    url, seen = "/events/held?limit=2", []
    while url:
        answer = intake.http.get(url, headers=intake.bearer("operator"))
        assert len(answer.json()["held"]) <= 2
        seen += [(one["id"], one["billing_code"]) for one in answer.json()["held"]]
        url = answer.links.get("next", {}).get("url", "")
    assert set(codes) <= {code for _, code in seen}
    assert len(seen) == len({id_ for id_, _ in seen})  # of other tests some have a billing code in common


def test_a_held_payment_is_given_up_once_with_a_reason_and_not_released_afterwards(intake: Intake) -> None:
    code, number = new_billing_code(), new_number()
    signed(intake, payment(code))
    path, operator = f"/events/held/{held(intake)[code]['id']}/discard", intake.bearer("operator")
    assert intake.http.post(path, json={}, headers=operator).status_code == 400
    assert intake.http.post(path, json={"reason": "paid_elsewhere"}, headers=operator).status_code == 204
    again = intake.http.post(path, json={"reason": "paid_elsewhere"}, headers=operator)
    assert (again.status_code, slug(again)) == (409, "not-held")
    assert code not in held(intake)
    assess(intake, number, code)
    other = payment(code)
    intake.wait_until(lambda: signed(intake, other).json()["outcomes"][0]["status"] == "duplicate")
    assert [one["id"] for one in on_the_log(intake, number, 2)][1] == other["id"]


def test_an_unknown_held_payment_cannot_be_given_up(intake: Intake) -> None:
    answer = intake.http.post(
        "/events/held/nothing/discard", json={"reason": "mistake"}, headers=intake.bearer("operator")
    )
    assert answer.status_code == 404
