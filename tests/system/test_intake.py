"""Applicants at a real intake: process, PostgreSQL, Kafka."""

import secrets
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from deploy.local.database import temporary_database
from tests.system.intake_process import AGENCY, PDF, PNG, Intake, event, intake_process, on_the_log, slug

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def intake(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    with (
        temporary_database(infrastructure.database) as database,
        intake_process(
            tmp_path_factory.mktemp("intake"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-intake-{secrets.token_hex(5)}",
            JEJAK_FAILURES_PER_CLIENT="1000",
            JEJAK_STATUS_URL="http://status.example/",
        ) as running,
    ):
        yield running


def test_an_application_goes_from_draft_to_receipt_and_onto_the_log_once(intake: Intake) -> None:
    draft = intake.open_draft(language="en")
    for requirement in draft.show().json()["missing"]:
        assert draft.attach(requirement, PNG).status_code == 200
    receipt = draft.submit()
    assert receipt.status_code == 201
    assert receipt.json()["access_code"] == draft.code
    assert receipt.json()["track_url"] == f"http://status.example/applications/{draft.number}"
    assert draft.submit().json() == receipt.json()
    (submitted,) = on_the_log(intake, draft.number, 1)
    assert submitted["type"] == "id.jejak.application.submitted.v1"
    assert submitted["source"] == "//lebong.imigrasi.go.id/intake"
    assert submitted["time"] == receipt.json()["submitted_at"]
    assert {one["requirement"] for one in submitted["data"]["documents"]} == {
        "identity_card", "family_card", "birth_record",
    }  # fmt: skip


def test_the_catalogue_is_told_in_both_languages_and_cached_by_its_tag(intake: Intake) -> None:
    answer = intake.http.get("/services")
    service = next(one for one in answer.json()["services"] if one["code"] == "passport_new")
    assert set(service["labels"]) == {"id", "en"}
    assert service["offices"] == ["lebong"]
    again = intake.http.get("/services", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert intake.http.get("/services/passport_new").json()["requirements"]
    assert intake.http.get("/offices").json()["offices"][0]["code"] == "lebong"
    assert intake.http.get("/reasons").json()["reasons"]


def test_what_leads_to_a_service_how_to_pay_and_what_codes_are_called_is_answered_with_a_tag(intake: Intake) -> None:
    choosing = intake.http.get("/choosing").json()["choosing"]
    assert choosing["first"] in choosing["questions"]
    assert intake.http.get("/paying").json()["how_to_pay"]["steps"]
    assert intake.http.get("/names").json()["categories"]["passport"]["en"] == "Passports"
    for path in ("/choosing", "/paying", "/names"):
        tag = intake.http.get(path).headers["ETag"]
        assert intake.http.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_a_service_that_is_not_there_is_answered_with_where_to_look(intake: Intake) -> None:
    answer = intake.http.get("/services/nothing", headers={"Accept-Language": "en"})
    assert (answer.status_code, slug(answer)) == (404, "service-not-found")
    assert "GET /services" in answer.json()["detail"]


def test_a_draft_for_an_unknown_service_is_refused_in_the_language_asked_for(intake: Intake) -> None:
    body = {"service": "nothing", "applicant": {"name": "Pemohon", "email": "pemohon@example.org"}}
    answer = intake.http.post("/drafts", json=body, headers={"Accept-Language": "en"})
    assert (answer.status_code, slug(answer)) == (422, "unknown-service")
    assert "GET /services" in answer.json()["detail"]
    assert "Layanan" in intake.http.post("/drafts", json=body).json()["title"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 400),
        (b'{"service": "passport_new"}', 400),
        (b'{"service": "passport_new", "applicant": {"name": "a", "emial": "x"}}', 400),
        (b'{"service": "passport_new", "applicant": {"name": "a"}}', 422),
        (b'{"service": "passport_new", "applicant": {"name": "' + b"a" * 2_000_000 + b'"}}', 413),
    ],
)
def test_a_malformed_or_oversized_body_is_refused(intake: Intake, body: bytes, status: int) -> None:
    answer = intake.http.post("/drafts", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    slug(answer)


def test_submitting_without_the_mandatory_documents_names_them(intake: Intake) -> None:
    draft = intake.open_draft()
    draft.attach("identity_card", PNG)
    answer = draft.submit()
    assert (answer.status_code, slug(answer)) == (409, "requirements-missing")
    assert answer.json()["missing"] == ["family_card", "birth_record"]


@pytest.mark.parametrize(
    ("content", "media_type", "problem"),
    [
        (PNG, "application/pdf", "document-not-what-it-says"),
        (b"MZ" + bytes(500), "image/png", "document-not-what-it-says"),
        (PDF + b"PK\x03\x04", "application/pdf", "document-not-what-it-says"),
        (b"<html>", "text/html", "unsupported-document"),
        (b"", "image/png", "document-empty"),
        (PNG + bytes(300_000), "image/png", "document-too-large"),
    ],
)
def test_a_document_that_cannot_be_taken_is_refused_and_leaves_nothing(
    intake: Intake, content: bytes, media_type: str, problem: str
) -> None:
    before = stored_files(intake)
    assert slug(intake.open_draft().attach("identity_card", content, media_type)) == problem
    assert stored_files(intake) == before


def test_a_document_too_large_of_unannounced_length_is_refused(intake: Intake) -> None:
    draft, before = intake.open_draft(), stored_files(intake)
    answer = draft.attach("identity_card", iter([PNG[:-12], *[bytes(50_000)] * 6]))
    assert (answer.status_code, slug(answer)) == (413, "document-too-large")
    assert stored_files(intake) == before


def test_an_upload_that_breaks_off_leaves_nothing(intake: Intake) -> None:
    draft, before = intake.open_draft(), stored_files(intake)
    url = intake.http.base_url
    request = draft.intake.http.build_request("PUT", f"/drafts/{draft.number}/documents/identity_card")
    authorization = next(httpx.BasicAuth(draft.number, draft.code).auth_flow(request)).headers["Authorization"]
    with socket.create_connection((url.host, url.port)) as connection:
        head = f"PUT {request.url.path} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Length: 150000\r\n\r\n"
        connection.sendall(head.encode() + PNG)
    intake.wait_until(lambda: stored_files(intake) == before)
    assert draft.show().json()["documents"] == []


def stored_files(intake: Intake) -> set[Path]:
    return {path for path in intake.documents.rglob("*") if path.is_file()}


def test_a_document_can_be_replaced_and_the_same_one_is_kept_once(intake: Intake) -> None:
    draft, before = intake.open_draft(), stored_files(intake)
    first = draft.attach("identity_card", PNG).json()
    assert draft.attach("identity_card", PNG).json() == first
    assert draft.attach("family_card", PNG).json()["document"] == first["document"]
    assert len(stored_files(intake) - before) == 1
    second = draft.attach("identity_card", PDF, "application/pdf").json()
    assert second["document"] != first["document"]
    shown = {one["requirement"]: one for one in draft.show().json()["documents"]}
    assert shown["identity_card"] == second


def test_a_requirement_that_the_service_does_not_have_is_refused_with_those_it_has(intake: Intake) -> None:
    answer = intake.open_draft().attach("return_ticket", PNG)
    assert (answer.status_code, slug(answer)) == (404, "unknown-requirement")
    assert "identity_card" in answer.json()["known"]


def test_what_a_draft_shows_has_a_tag(intake: Intake) -> None:
    draft = intake.open_draft()
    tag = draft.show().headers["ETag"]
    path = f"/drafts/{draft.number}"
    assert draft.request("GET", path, headers={"If-None-Match": tag}).status_code == 304
    draft.attach("identity_card", PNG)
    assert draft.request("GET", path, headers={"If-None-Match": tag}).status_code == 200


def test_a_wrong_number_and_a_wrong_code_look_the_same(intake: Intake) -> None:
    draft, other = intake.open_draft(), intake.open_draft()
    unknown = "LBG-0000-0000-0000-0000-0"
    answers = [
        intake.http.get(f"/drafts/{number}", auth=(user, code))
        for number, user, code in [
            (draft.number, draft.number, other.code),
            (unknown, unknown, draft.code),
            (draft.number, other.number, other.code),
            ("hello", "hello", draft.code),
        ]
    ]
    assert {answer.status_code for answer in answers} == {401}
    bodies = [{name: value for name, value in answer.json().items() if name != "instance"} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert all(answer.headers["WWW-Authenticate"] == answers[0].headers["WWW-Authenticate"] for answer in answers)


def test_a_number_and_code_are_accepted_as_people_type_them(intake: Intake) -> None:
    draft = intake.open_draft()
    typed = (draft.number.lower().replace("-", " "), draft.code.lower().replace("-", ""))
    assert intake.http.get(f"/drafts/{draft.number}", auth=typed).status_code == 200


def test_guessing_at_a_code_is_limited(intake: Intake) -> None:
    draft = intake.open_draft()
    guesses = [intake.http.get(f"/drafts/{draft.number}", auth=(draft.number, f"{n:020d}")) for n in range(11)]
    assert [answer.status_code for answer in guesses] == [401] * 10 + [429]
    assert int(guesses[-1].headers["Retry-After"]) > 0


def test_submissions_racing_with_one_idempotency_key_have_one_effect_and_one_answer(intake: Intake) -> None:
    draft = intake.open_draft()
    for requirement in draft.show().json()["missing"]:
        draft.attach(requirement, PNG)
    key = secrets.token_hex(8)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: draft.submit(**{"Idempotency-Key": key}), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    draft.withdraw()
    assert [one["type"].split(".")[3] for one in on_the_log(intake, draft.number, 2)] == ["submitted", "withdrawn"]


def test_submissions_racing_without_a_key_have_one_effect(intake: Intake) -> None:
    draft = intake.open_draft()
    for requirement in draft.show().json()["missing"]:
        draft.attach(requirement, PNG)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: draft.submit(), range(8)))
    assert len({answer.text for answer in answers}) == 1
    draft.withdraw()
    assert len(on_the_log(intake, draft.number, 2)) == 2


def test_a_draft_opened_twice_with_one_key_is_one_draft_and_its_kept_answer_is_sealed(intake: Intake) -> None:
    body = {"service": "passport_new", "applicant": {"name": "Pemohon", "email": "pemohon@example.org"}}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (intake.http.post("/drafts", json=body, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    other = intake.http.post("/drafts", json={**body, "channel": "mobile"}, headers=headers)
    assert (other.status_code, slug(other)) == (422, "idempotency-key-reused")
    assert first.json()["access_code"] not in everything_stored(intake)


def everything_stored(intake: Intake) -> str:
    """Every row of every table, as text and with binary columns read as text, and what the process logged."""
    found = [(intake.folder / "log").read_text(errors="replace")]
    with psycopg.connect(intake.database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'intake'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f"SELECT * FROM intake.{table}").fetchall():  # type: ignore[arg-type]
                found += [value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row]
    found += [path.read_bytes().decode("latin-1") for path in stored_files(intake)]
    return "\n".join(found)


def test_personal_data_is_nowhere_in_clear(intake: Intake) -> None:
    name, email = f"Kenari {secrets.token_hex(8)}", f"kenari-{secrets.token_hex(8)}@example.org"
    draft = intake.open_draft(applicant={"name": name, "email": email, "nik": "1" * 16})
    draft.attach("identity_card", PNG[:100] + name.encode() + PNG[100:])
    stored = everything_stored(intake)
    for secret in (name, email, "1" * 16, draft.code, draft.code.replace("-", "")):
        assert secret not in stored


def test_the_contact_is_given_to_systems_only(intake: Intake) -> None:
    draft = intake.open_draft(language="en")
    path = f"/applications/{draft.number}/contact"
    answer = intake.http.get(path, headers=intake.bearer("system"))
    assert answer.json() == {"name": "Pemohon Contoh", "language": "en", "email": "pemohon@example.org"}
    assert intake.http.get(path, headers=intake.bearer("officer")).status_code == 403
    assert draft.request("GET", path).status_code == 401
    assert intake.http.get("/applications/hello/contact", headers=intake.bearer("system")).status_code == 404


def test_an_officer_saves_a_document_and_a_browser_makes_nothing_else_of_it(intake: Intake) -> None:
    draft = intake.open_draft()
    document = draft.attach("identity_card", PDF, "application/pdf").json()["document"]
    path = f"/applications/{draft.number}/documents/{document}"
    answer = intake.http.get(path, headers=intake.bearer("officer"))
    assert answer.content == PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert intake.http.get(path, headers=intake.bearer("auditor")).status_code == 403
    assert draft.request("GET", path).status_code == 401
    assert intake.http.get(path[:-1] + "x", headers=intake.bearer("officer")).status_code == 404


def test_a_stored_document_that_was_changed_is_not_given_out(intake: Intake) -> None:
    draft, before = intake.open_draft(), stored_files(intake)
    document = draft.attach("identity_card", PNG).json()["document"]
    (path,) = stored_files(intake) - before
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    answer = intake.http.get(f"/applications/{draft.number}/documents/{document}", headers=intake.bearer("officer"))
    assert (answer.status_code, slug(answer)) == (500, "document-damaged")


def ask_for(intake: Intake, number: str, requirement: str) -> None:
    data = {
        "documents": [{"requirement": requirement, "reason": {"code": "document_unreadable"}}],
        "by": {"role": "officer", "office": "lebong"},
    }
    asked = event("documents_requested", data, subject=number, source=f"{AGENCY}office")
    assert intake.publish(asked).json()["accepted"] == 1


def test_a_requested_document_is_supplied_once(intake: Intake) -> None:
    draft = intake.submitted()
    answer = draft.supply("family_card", PDF)
    assert (answer.status_code, slug(answer)) == (409, "document-not-requested")
    ask_for(intake, draft.number, "family_card")
    intake.wait_until(lambda: draft.show().json()["requested"] == ["family_card"])
    assert slug(draft.supply("identity_card", PNG)) == "document-not-requested"
    key = {"Idempotency-Key": secrets.token_hex(8)}
    supplied = draft.supply("family_card", PNG, **key)
    assert supplied.status_code == 201
    assert draft.supply("family_card", PNG, **key).json() == supplied.json()
    assert slug(draft.supply("family_card", PNG)) == "document-not-requested"
    assert draft.show().json()["requested"] == []
    published = on_the_log(intake, draft.number, 3)[-1]
    assert published["type"] == "id.jejak.application.document_supplied.v1"
    assert published["data"]["document"]["document"] == supplied.json()["document"]


def test_an_application_is_withdrawn_once(intake: Intake) -> None:
    draft = intake.submitted()
    assert slug(draft.withdraw(json={"reason": "no_such_reason"})) == "unknown-reason"
    assert draft.withdraw().status_code == 200
    answer = draft.withdraw()
    assert (answer.status_code, slug(answer)) == (409, "already-ended")
    assert draft.show().json()["state"] == "ended"


def test_what_was_collected_cannot_be_withdrawn(intake: Intake) -> None:
    draft = intake.submitted()
    collected = event("collected", {"by": {"role": "officer"}}, subject=draft.number)
    assert intake.publish(collected).json()["accepted"] == 1
    intake.wait_until(lambda: draft.show().json()["state"] == "ended")
    assert draft.withdraw().json()["by"] == "collected"


def test_the_openapi_document_names_every_route(intake: Intake) -> None:
    paths = intake.http.get("/openapi.json").json()["paths"]
    assert {"/services", "/drafts", "/drafts/{number}/submit", "/applications/{number}/contact", "/events"} <= set(
        paths
    )


def test_a_receipt_survives_a_kill(infrastructure: Any, tmp_path: Path, fresh_database: str) -> None:
    topic = f"test-intake-{secrets.token_hex(5)}"
    with intake_process(tmp_path, kafka=infrastructure.kafka, database=fresh_database, topic=topic) as intake:
        draft = intake.submitted()
        receipt = draft.submit().json()
        intake.kill()
        intake.start()
        assert draft.submit().json() == receipt
        # The relay may have been killed between the broker's answer and its note of it: then the same event comes again.
        assert len({one["id"] for one in on_the_log(intake, draft.number, 1)}) == 1


def test_without_a_database_nothing_is_promised(infrastructure: Any, tmp_path: Path) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    with intake_process(tmp_path, kafka=infrastructure.kafka, database=nowhere, topic="unused", ready=False) as intake:
        assert intake.http.get("/services").status_code == 200
        body = {"service": "passport_new", "applicant": {"name": "Pemohon", "email": "pemohon@example.org"}}
        for headers in ({}, {"Idempotency-Key": "k"}):
            answer = intake.http.post("/drafts", json=body, headers=headers)
            assert (answer.status_code, slug(answer)) == (503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        answer = intake.publish(event("collected", {"by": {"role": "officer"}}, subject="LBG-0000-0000-0000-0000-0"))
        assert answer.status_code == 503
        assert intake.http.get("/health/ready").status_code == 503


def test_without_a_broker_everything_but_delivery_goes_on(tmp_path: Path, fresh_database: str) -> None:
    with intake_process(tmp_path, kafka="127.0.0.1:1", database=fresh_database, topic="unused", ready=False) as intake:
        intake.wait_until(lambda: intake.http.get("/health/ready").json()["checks"]["database"] == "ok")
        draft = intake.submitted()
        assert draft.withdraw().status_code == 200


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("JEJAK_MASTER_KEY", "too short", "neither base64 nor hexadecimal"),
        ("JEJAK_PUBLISHERS", "/nowhere/publishers.yaml", "publishers.yaml"),
        ("JEJAK_DOCUMENTS", "nonsense", "file:///folder"),
        ("JEJAK_OFFICE", "atlantis", "lebong"),
    ],
)
def test_a_setting_that_cannot_be_used_is_explained_at_the_start_and_not_shown(
    infrastructure: Any, tmp_path: Path, variable: str, value: str, reason: str
) -> None:
    intake = Intake(tmp_path, infrastructure.kafka, infrastructure.database, "unused")
    with pytest.raises(AssertionError) as error:
        intake.start(**{variable: value})
    assert variable in str(error.value)
    assert reason in str(error.value)
    assert "too short" not in str(error.value)
