"""Filling in a draft, uploads in pieces, and the desk, at a real intake: process, PostgreSQL, Kafka."""

import base64
import secrets
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from deploy.local.database import temporary_database
from tests.system.intake_process import AGENCY, PDF, PNG, Draft, Intake, event, intake_process, on_the_log, slug

pytestmark = pytest.mark.system

TUS = {"Tus-Resumable": "1.0.0"}
BIG = PNG[:-12] + secrets.token_bytes(900_000) + PNG[-12:]
PIECE = 256 * 1024


@pytest.fixture(scope="module")
def intake(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    with (
        temporary_database(infrastructure.database) as database,
        intake_process(
            tmp_path_factory.mktemp("intake"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-intake-{secrets.token_hex(5)}",
            JEJAK_DOCUMENT_LIMIT_BYTES="1000000",
            JEJAK_DRAFT_DAYS="30",
        ) as running,
    ):
        yield running


def put(draft: Draft, part: str, body: Any) -> httpx.Response:
    return draft.request("PUT", f"/drafts/{draft.number}/{part}", json=body)


def get(draft: Draft, part: str) -> Any:
    return draft.request("GET", f"/drafts/{draft.number}/{part}").json()


def complete(draft: Draft) -> None:
    for requirement in draft.show().json()["missing"]:
        assert draft.attach(requirement, PNG).status_code == 200


def test_an_applicant_reads_back_and_replaces_what_they_said_until_it_is_handed_in(intake: Intake) -> None:
    draft = intake.open_draft(applicant={"name": "Nama Lama", "email": "lama@example.org"})
    assert get(draft, "applicant") == {"name": "Nama Lama", "email": "lama@example.org"}
    new = {"name": "Nama Baru", "phone": "+62 812 0000 0000", "nik": "12"}
    answer = put(draft, "applicant", new)
    assert [one["code"] for one in answer.json()["remarks"]] == ["nik_unusual"]
    assert get(draft, "applicant") == new
    assert slug(put(draft, "applicant", {"name": "", "email": "a@example.org"})) == "invalid-applicant"
    complete(draft)
    assert draft.submit().status_code == 201
    assert slug(put(draft, "applicant", new)) == "already-submitted"


def test_what_was_replaced_is_gone_and_the_rest_is_sealed(intake: Intake) -> None:
    names = [f"Kenari {secrets.token_hex(8)}" for _ in range(3)]
    draft = intake.open_draft(applicant={"name": names[0], "email": "a@example.org"})
    put(draft, "applicant", {"name": names[1], "email": "a@example.org"})
    put(draft, "representative", {"representative": {"name": names[2], "relation": "parent", "consent": True}})
    put(draft, "needs", {"needs": ["wheelchair"]})
    begin(draft, "identity_card", BIG)
    patch(draft, begin(draft, "identity_card", BIG), 0, BIG[:100] + names[0].encode())
    with psycopg.connect(intake.database) as connection:
        rows = connection.execute(
            "SELECT field, sealed FROM intake.sealed_records WHERE application = %s", (draft.number,)
        ).fetchall()
        pieces = connection.execute("SELECT sealed FROM intake.upload_pieces").fetchall()
    assert sorted(field for field, _ in rows) == ["applicant", "form"]
    assert pieces
    stored = everything_stored(intake)
    for secret in (*names, "wheelchair"):
        assert secret not in stored


def everything_stored(intake: Intake) -> str:
    """Every row of every table, binary columns read as text, what the process logged, and every file."""
    found = [(intake.folder / "log").read_text(errors="replace")]
    with psycopg.connect(intake.database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'intake'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f"SELECT * FROM intake.{table}").fetchall():  # type: ignore[arg-type]
                found += [value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row]
    found += [path.read_bytes().decode("latin-1") for path in stored_files(intake)]
    return "\n".join(found)


def stored_files(intake: Intake) -> set[Path]:
    return {path for path in intake.documents.rglob("*") if path.is_file()}


def test_an_answer_decides_which_documents_are_needed_also_when_it_is_handed_in(intake: Intake) -> None:
    draft = intake.open_draft(service="passport_replacement")
    service = intake.http.get("/services/passport_replacement").json()
    question, answer = next(
        (question["code"], answer)
        for question in service["questions"]
        for answer in question["answers"]
        if answer.get("requirements")
    )
    before = draft.show().json()["missing"]
    assert not set(answer["requirements"]) & set(before)
    assert put(draft, "answers", {"answers": {question: answer["code"]}}).json()["missing"] == [
        one["code"] for one in service["requirements"] if one["code"] in {*before, *answer["requirements"]}
    ]
    for requirement in before:
        draft.attach(requirement, PNG)
    refused = draft.submit()
    assert (slug(refused), refused.json()["missing"]) == ("requirements-missing", answer["requirements"])
    complete(draft)
    assert draft.submit().status_code == 201


@pytest.mark.parametrize(
    ("part", "body", "named"),
    [
        ("answers", {"answers": {"nothing": "yes"}}, "nothing=yes"),
        ("needs", {"needs": ["helicopter"]}, "helicopter"),
        ("fees", {"fees": ["book_of_gold"]}, "book_of_gold"),
        ("representative", {"representative": {"name": "W", "relation": "parent", "consent": False}}, "consent"),
    ],
)
def test_a_form_that_does_not_fit_the_catalogue_is_refused_with_what_is_wrong(
    intake: Intake, part: str, body: Any, named: str
) -> None:
    draft = intake.open_draft()
    answer = put(draft, part, body)
    assert (answer.status_code, slug(answer)) == (422, "invalid-form")
    assert named in answer.json()["detail"]
    form = get(draft, "form")
    assert (form["answers"], form["needs"], form["fees"], form["representative"]) == ({}, [], [], None)


def test_parts_that_are_filled_in_at_once_are_all_kept(intake: Intake) -> None:
    draft = intake.open_draft()
    fees = [fee["code"] for fee in intake.http.get("/services/passport_new").json()["fees"] if fee.get("group")][:1]
    by = {"name": "Wakil Contoh", "relation": "spouse", "consent": True}
    parts = [("needs", {"needs": ["wheelchair"]}), ("fees", {"fees": fees}), ("representative", {"representative": by})]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda part: put(draft, *part), parts))
    assert {answer.status_code for answer in answers} == {200}
    form = get(draft, "form")
    assert (form["needs"], form["fees"], form["representative"]) == (["wheelchair"], fees, by)


def test_a_stranger_reads_and_writes_nothing(intake: Intake) -> None:
    draft, other = intake.open_draft(), intake.open_draft()
    for method, part in [("GET", "applicant"), ("GET", "form"), ("PUT", "needs"), ("PUT", "applicant")]:
        answer = other.request(method, f"/drafts/{draft.number}/{part}", json={"needs": [], "name": "a"})
        assert answer.status_code in (400, 401), (method, part)
    upload = begin(draft, "identity_card", PNG)
    assert other.request("HEAD", upload, headers=TUS).status_code == 401
    theirs = upload.replace(draft.number, other.number)
    assert other.request("HEAD", theirs, headers=TUS).status_code == 404


def test_changes_of_one_application_are_limited(intake: Intake) -> None:
    draft = intake.open_draft()
    statuses = [put(draft, "needs", {"needs": []}).status_code for _ in range(130)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


def test_a_draft_says_until_when_it_is_kept_and_an_application_no_longer(intake: Intake) -> None:
    draft = intake.open_draft()
    shown = draft.show().json()
    kept = datetime.fromisoformat(shown["kept_until"]) - datetime.fromisoformat(shown["opened_at"])
    assert kept == timedelta(days=30)
    complete(draft)
    draft.submit()
    assert draft.show().json()["kept_until"] is None


def test_officers_read_the_needs_of_an_application_and_no_names(intake: Intake) -> None:
    draft = intake.open_draft()
    put(draft, "needs", {"needs": ["wheelchair", "wheelchair", "sign_language"]})
    put(draft, "representative", {"representative": {"name": "Wakil Rahasia", "relation": "parent", "consent": True}})
    path = f"/applications/{draft.number}/needs"
    assert slug(intake.http.get(path, headers=intake.bearer("officer"))) == "unknown-number"
    complete(draft)
    draft.submit()
    for role in ("officer", "supervisor"):
        answer = intake.http.get(path, headers=intake.bearer(role))
        assert answer.json() == {
            "needs": ["wheelchair", "sign_language"], "on_behalf": True, "relation": "parent", "answers": {}, "fees": [],
        }  # fmt: skip
        assert answer.headers["Cache-Control"] == "no-store"
    for role in ("auditor", "operator", "system"):
        assert intake.http.get(path, headers=intake.bearer(role)).status_code == 403
    assert draft.request("GET", path).status_code == 401


def test_an_officer_opens_and_hands_in_an_application_for_a_person_at_the_desk(intake: Intake) -> None:
    officer = intake.bearer("officer", office="lebong", desk="front")
    body = {"service": "passport_new", "applicant": {"name": "Pemohon", "phone": "+62 812 0000 0000"}}
    key = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (intake.http.post("/desk/drafts", json=body, headers=officer | key) for _ in range(2))
    assert first.status_code == 201
    assert first.json() == again.json()
    draft = Draft(intake, first.json()["number"], first.json()["access_code"])
    assert draft.show().json()["channel"] == "desk"
    path = f"/desk/drafts/{draft.number}/submit"
    assert slug(intake.http.post(path, headers=officer)) == "requirements-missing"
    complete(draft)
    elsewhere = intake.http.post(path, headers=intake.bearer("officer", office="bandung"))
    assert (elsewhere.status_code, slug(elsewhere)) == (403, "not-opened-at-desk")
    receipt = intake.http.post(path, headers=officer)
    assert (receipt.status_code, receipt.json()["access_code"]) == (201, draft.code)
    assert intake.http.post(path, headers=officer).json() == receipt.json()
    (submitted,) = on_the_log(intake, draft.number, 1)
    assert submitted["data"]["channel"] == "desk"
    assert submitted["data"]["by"] == {"role": "officer", "office": "lebong", "desk": "front"}


def test_a_draft_that_a_person_opened_themselves_cannot_be_handed_in_by_an_officer(intake: Intake) -> None:
    draft = intake.open_draft(channel="mobile")
    complete(draft)
    answer = intake.http.post(f"/desk/drafts/{draft.number}/submit", headers=intake.bearer("officer", office="lebong"))
    assert slug(answer) == "not-opened-at-desk"
    assert intake.http.post("/desk/drafts", json={}, headers=intake.bearer("auditor")).status_code == 403


@pytest.mark.parametrize("channel", ["desk", "post", "agency", "internal"])
def test_only_officers_say_that_somebody_came_to_the_desk_or_wrote(intake: Intake, channel: str) -> None:
    body = {"service": "passport_new", "applicant": {"name": "Pemohon"}, "channel": channel}
    answer = intake.http.post("/drafts", json=body)
    assert answer.status_code == 400
    assert "channel" in answer.text


# --- uploads in pieces -----------------------------------------------------------------------------------------------


def begin(draft: Draft, requirement: str, content: bytes, media_type: str = "image/png", **headers: str) -> str:
    answer = announce(draft, requirement, len(content), media_type, **headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def announce(
    draft: Draft, requirement: str, length: int, media_type: str = "image/png", **headers: str
) -> httpx.Response:
    said = {"requirement": requirement, "filetype": media_type, "filename": "../../etc/passwd"}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    sent = TUS | {"Upload-Length": str(length), "Upload-Metadata": metadata} | headers
    return draft.request("POST", f"/applications/{draft.number}/uploads", headers=sent)


def patch(draft: Draft, upload: str, offset: int, content: Any) -> httpx.Response:
    headers = TUS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return draft.request("PATCH", upload, content=content, headers=headers)


def offset_of(draft: Draft, upload: str) -> int:
    answer = draft.request("HEAD", upload, headers=TUS)
    assert answer.status_code == 204, answer.text
    assert (answer.headers["Cache-Control"], answer.headers["Tus-Resumable"]) == ("no-store", "1.0.0")
    return int(answer.headers["Upload-Offset"])


def test_a_file_that_comes_in_pieces_is_the_same_document_as_one_that_comes_whole(intake: Intake) -> None:
    draft = intake.open_draft()
    upload = begin(draft, "identity_card", BIG)
    assert offset_of(draft, upload) == 0
    assert patch(draft, upload, 0, BIG[:10]).headers["Upload-Offset"] == "10"
    assert patch(draft, upload, 10, BIG[10:500_000]).headers["Upload-Offset"] == "500000"
    assert draft.show().json()["documents"] == []
    answer = patch(draft, upload, 500_000, BIG[500_000:])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(BIG)))
    assert offset_of(draft, upload) == len(BIG)
    (document,) = draft.show().json()["documents"]
    assert draft.attach("identity_card", BIG).json() == document
    assert pieces_of(intake, upload) == 0


def pieces_of(intake: Intake, upload: str) -> int:
    with psycopg.connect(intake.database) as connection:
        sql = "SELECT count(*) FROM intake.upload_pieces WHERE upload = %s"
        row = connection.execute(sql, (upload.rpartition("/")[2],)).fetchone()
    assert row is not None
    return int(row[0])


def test_an_upload_whose_connection_breaks_goes_on_where_it_stood(intake: Intake) -> None:
    draft = intake.open_draft()
    upload = begin(draft, "identity_card", BIG)
    broken_off(draft, upload, 0, BIG[:300_000])
    intake.wait_until(lambda: offset_of(draft, upload) == 300_000)
    assert patch(draft, upload, 300_000, BIG[300_000:]).status_code == 204
    assert draft.show().json()["documents"][0]["size_bytes"] == len(BIG)


def broken_off(draft: Draft, upload: str, offset: int, sent: bytes) -> None:
    """A PATCH that announces the whole file, sends `sent`, and goes away."""
    url = draft.intake.http.base_url
    request = draft.intake.http.build_request("PATCH", upload)
    authorization = next(httpx.BasicAuth(draft.number, draft.code).auth_flow(request)).headers["Authorization"]
    head = (
        f"PATCH {upload} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nTus-Resumable: 1.0.0\r\n"
        f"Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {len(BIG)}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(head.encode() + sent)


def test_an_upload_survives_the_death_of_the_process_halfway(infrastructure: Any, tmp_path: Path) -> None:
    with (
        temporary_database(infrastructure.database) as database,
        intake_process(
            tmp_path,
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-intake-{secrets.token_hex(5)}",
            JEJAK_DOCUMENT_LIMIT_BYTES="1000000",
        ) as intake,
    ):
        draft = intake.open_draft()
        upload = begin(draft, "identity_card", BIG)
        url = intake.http.base_url
        request = intake.http.build_request("PATCH", upload)
        authorization = next(httpx.BasicAuth(draft.number, draft.code).auth_flow(request)).headers["Authorization"]
        with socket.create_connection((url.host, url.port)) as connection:
            head = (
                f"PATCH {upload} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nTus-Resumable: 1.0.0\r\n"
                "Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
                f"Content-Length: {len(BIG)}\r\n\r\n"
            )
            connection.sendall(head.encode() + BIG[:700_000])
            intake.wait_until(lambda: offset_of(draft, upload) >= 2 * PIECE)
            intake.kill()
        intake.start(JEJAK_DOCUMENT_LIMIT_BYTES="1000000")
        stood = offset_of(draft, upload)
        assert stood == 2 * PIECE
        assert patch(draft, upload, stood, BIG[stood:]).status_code == 204
        (document,) = draft.show().json()["documents"]
        assert draft.attach("identity_card", BIG).json() == document


def test_of_two_requests_that_go_on_at_once_one_is_told_where_it_stands(intake: Intake) -> None:
    draft = intake.open_draft()
    upload = begin(draft, "identity_card", BIG)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: patch(draft, upload, 0, BIG[:300_000]), range(4)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [204, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert slug(refused) == "upload-offset-conflict"
    assert offset_of(draft, upload) == 300_000
    assert patch(draft, upload, 300_000, BIG[300_000:]).status_code == 204
    assert draft.show().json()["documents"][0]["size_bytes"] == len(BIG)


def test_the_last_piece_sent_twice_at_once_makes_one_document(intake: Intake) -> None:
    draft = intake.open_draft()
    upload = begin(draft, "identity_card", BIG)
    patch(draft, upload, 0, BIG[:800_000])
    before = stored_files(intake)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: patch(draft, upload, 800_000, BIG[800_000:]), range(4)))
    assert {answer.status_code for answer in answers} <= {204, 409}
    assert 204 in {answer.status_code for answer in answers}
    assert len(draft.show().json()["documents"]) == 1
    assert len(stored_files(intake) - before) == 1


def test_who_is_slower_with_the_last_piece_is_told_that_everything_is_there(intake: Intake) -> None:
    draft = intake.open_draft()
    upload = begin(draft, "identity_card", BIG)
    patch(draft, upload, 0, BIG[:800_000])

    def overtaken() -> Iterator[bytes]:
        yield BIG[800_000:800_100]
        assert patch(draft, upload, 800_000, BIG[800_000:]).status_code == 204
        yield BIG[800_100:]

    answer = patch(draft, upload, 800_000, overtaken())
    assert (answer.status_code, slug(answer)) == (409, "upload-offset-conflict")
    assert offset_of(draft, upload) == len(BIG)
    assert len(draft.show().json()["documents"]) == 1


@pytest.mark.parametrize(
    ("content", "media_type", "problem"),
    [
        (PNG, "application/pdf", "document-not-what-it-says"),
        (PNG[:-12] + bytes(20), "image/png", "document-not-what-it-says"),
        (b"<svg onload='x'>" * 20, "image/svg+xml", "unsupported-document"),
    ],
)
def test_a_file_in_pieces_is_checked_as_one_that_comes_whole_and_its_upload_goes(
    intake: Intake, content: bytes, media_type: str, problem: str
) -> None:
    draft, before = intake.open_draft(), stored_files(intake)
    upload = begin(draft, "identity_card", content, media_type)
    middle = len(content) // 2
    answer = patch(draft, upload, 0, content[:middle])
    if answer.status_code == 204:
        answer = patch(draft, upload, middle, content[middle:])
    assert (answer.status_code, slug(answer)) == (415, problem)
    assert draft.request("HEAD", upload, headers=TUS).status_code == 404
    assert stored_files(intake) == before


def test_lengths_beyond_the_limit_or_of_nothing_are_refused_before_a_byte_is_sent(intake: Intake) -> None:
    draft = intake.open_draft()
    assert slug(announce(draft, "identity_card", 4 * 1024**3)) == "document-too-large"
    assert slug(announce(draft, "identity_card", 0)) == "document-empty"
    assert slug(announce(draft, "return_ticket", 100)) == "unknown-requirement"
    upload = begin(draft, "identity_card", PNG)
    answer = patch(draft, upload, 0, PNG + b"more")
    assert (answer.status_code, slug(answer)) == (413, "upload-beyond-length")
    assert offset_of(draft, upload) == 0


def test_headers_that_are_missing_are_named(intake: Intake) -> None:
    draft = intake.open_draft()
    upload = begin(draft, "identity_card", PNG)
    other = draft.request("HEAD", upload)
    assert (other.status_code, other.headers["Tus-Version"]) == (412, "1.0.0")
    assert slug(draft.request("PATCH", upload, content=PNG, headers=TUS)) == "upload-header-unreadable"
    headers = TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "x"}
    assert "Upload-Offset" in draft.request("PATCH", upload, content=PNG, headers=headers).json()["detail"]
    headers = TUS | {"Upload-Length": "10", "Upload-Metadata": "requirement !!"}
    answer = draft.request("POST", f"/applications/{draft.number}/uploads", headers=headers)
    assert (answer.status_code, slug(answer)) == (400, "upload-header-unreadable")


def test_a_new_upload_for_a_requirement_takes_the_place_of_the_earlier_one(intake: Intake) -> None:
    draft = intake.open_draft()
    first = begin(draft, "identity_card", BIG)
    patch(draft, first, 0, BIG[:300_000])
    second = begin(draft, "identity_card", PDF, "application/pdf")
    answer = patch(draft, first, 300_000, BIG[300_000:])
    assert (answer.status_code, slug(answer)) == (404, "unknown-upload")
    assert pieces_of(intake, first) == 0
    assert draft.request("DELETE", second, headers=TUS).status_code == 204
    assert draft.request("HEAD", second, headers=TUS).status_code == 404


def test_an_upload_announced_twice_with_one_key_is_one(intake: Intake) -> None:
    draft = intake.open_draft()
    key = {"Idempotency-Key": secrets.token_hex(8)}
    assert begin(draft, "identity_card", PNG, **key) == begin(draft, "identity_card", PNG, **key)


def test_a_file_in_thousands_of_crumbs_is_stopped(intake: Intake) -> None:
    draft = intake.open_draft()
    upload = begin(draft, "identity_card", BIG)
    with psycopg.connect(intake.database) as connection:
        connection.execute(
            "INSERT INTO intake.upload_pieces SELECT %s, n, '' FROM generate_series(1, 400) n",
            (upload.rpartition("/")[2],),
        )
    answer = patch(draft, upload, 0, b"x")
    assert (answer.status_code, slug(answer)) == (422, "upload-in-crumbs")


def test_what_nobody_went_on_with_for_a_day_is_gone(intake: Intake) -> None:
    draft = intake.open_draft()
    upload = begin(draft, "identity_card", BIG)
    patch(draft, upload, 0, BIG[:300_000])
    with psycopg.connect(intake.database) as connection:
        connection.execute("UPDATE intake.uploads SET changed_at = changed_at - interval '25 hours'")
    assert draft.request("HEAD", upload, headers=TUS).status_code == 404
    intake.kill()
    intake.start(JEJAK_DOCUMENT_LIMIT_BYTES="1000000", JEJAK_DRAFT_DAYS="30")
    intake.wait_until(lambda: pieces_of(intake, upload) == 0)


def test_a_document_that_the_office_asks_for_can_come_in_pieces_too(intake: Intake) -> None:
    draft = intake.open_draft()
    complete(draft)
    draft.submit()
    assert slug(announce(draft, "family_card", len(BIG))) == "document-not-requested"
    request = {
        "documents": [{"requirement": "family_card", "reason": {"code": "unreadable"}}],
        "by": {"role": "officer", "office": "lebong"},
    }
    assert intake.publish(event("documents_requested", request, subject=draft.number, source=f"{AGENCY}a")).is_success
    intake.wait_until(lambda: draft.show().json()["requested"] == ["family_card"])
    upload = begin(draft, "family_card", BIG)
    patch(draft, upload, 0, BIG[:300_000])
    assert patch(draft, upload, 300_000, BIG[300_000:]).status_code == 204
    assert draft.show().json()["requested"] == []
