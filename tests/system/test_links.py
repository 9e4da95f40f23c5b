"""Links by e-mail at a real intake: process, PostgreSQL. What notify does with them is in test_link_mails."""

import secrets
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from deploy.local.database import temporary_database
from tests.system.intake_process import Draft, Intake, event, intake_process, on_the_log, slug

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def intake(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    with (
        temporary_database(infrastructure.database) as database,
        intake_process(
            tmp_path_factory.mktemp("intake"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-links-{secrets.token_hex(5)}",
        ) as running,
    ):
        yield running


def new_address() -> str:
    return f"{secrets.token_hex(6)}@example.org"


def draft_of(intake: Intake, address: str) -> Draft:
    return intake.open_draft(applicant={"name": "Pemohon Contoh", "email": address})


def ask(intake: Intake, *, visitor: str = "", **wanted: str) -> httpx.Response:
    headers = {**intake.bearer("system"), "X-Forwarded-For": visitor or secrets.token_hex(4), "Accept-Language": "en"}
    return intake.http.post("/links", json={"purpose": "mine", **wanted}, headers=headers)


def waiting(intake: Intake) -> list[str]:
    return list(intake.http.get("/links/waiting", headers=intake.bearer("system")).json()["links"])


def taken(intake: Intake) -> list[str]:
    """The links that wait, taken over as notify does."""
    links = waiting(intake)
    answer = intake.http.post("/links/taken", json={"links": links}, headers=intake.bearer("system"))
    assert answer.status_code == 204
    return links


def message(intake: Intake, link: str) -> httpx.Response:
    return intake.http.post(f"/links/{link}/message", headers=intake.bearer("system"))


def mailed(intake: Intake, **wanted: str) -> dict[str, Any]:
    """The message of a link that is asked for now."""
    taken(intake)
    assert ask(intake, **wanted).status_code == 202
    (link,) = taken(intake)
    answer = message(intake, link)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def redeem(intake: Intake, token: str, purpose: str = "mine", language: str = "en") -> httpx.Response:
    headers = {
        **intake.bearer("system"), "Accept-Language": language, "X-Forwarded-For": secrets.token_hex(4),
    }  # fmt: skip
    return intake.http.post("/links/redeem", json={"token": token, "purpose": purpose}, headers=headers)


def rows(intake: Intake, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(intake.database) as connection:
        return connection.execute(statement, values).fetchall()


def execute(intake: Intake, statement: str, *values: object) -> None:
    with psycopg.connect(intake.database) as connection:
        connection.execute(statement, values)


def test_the_owner_of_a_mailbox_finds_all_applications_and_acts_for_them_without_their_codes(intake: Intake) -> None:
    address = new_address()
    first, second = draft_of(intake, address), draft_of(intake, address.upper())
    draft_of(intake, new_address())
    mail = mailed(intake, address=f" {address.title()} ", language="en")
    assert (mail["address"].lower(), mail["language"], mail["purpose"]) == (address, "en", "mine")
    answer = redeem(intake, mail["token"])
    found = answer.json()["applications"]
    assert {one["number"] for one in found} == {first.number, second.number}
    assert {one["state"] for one in found} == {"draft"}
    assert first.code not in answer.text
    for one in found:
        assert Draft(intake, one["number"], one["access"]).show().status_code == 200
    one, other = found
    assert Draft(intake, one["number"], other["access"]).show().status_code == 401


def test_a_grant_ends_with_its_time_and_is_of_no_use_when_it_was_changed(intake: Intake) -> None:
    from services.intake.keys import MasterKeys, WrappedKey

    draft = draft_of(intake, new_address())
    ((master_key, sealed),) = rows(
        intake, "SELECT master_key, sealed FROM intake.applicant_keys WHERE application = %s", draft.number
    )
    key = MasterKeys.parse("00" * 32).unwrap(WrappedKey(master_key, bytes(sealed)), draft.number)
    now = int(time.time())
    assert Draft(intake, draft.number, key.grant(draft.number, now + 60)).show().status_code == 200
    assert Draft(intake, draft.number, key.grant(draft.number, now - 1)).show().status_code == 401
    forged = key.grant(draft.number, now - 1)[:-8] + key.grant(draft.number, now + 60)[-8:]
    for wrong in (forged, "grant.", "grant.****", "grant." + "A" * 200):
        assert slug(Draft(intake, draft.number, wrong).show()) == "access-denied"


def test_the_receipt_shows_the_code_to_who_hands_in_by_a_link_and_never_again(intake: Intake) -> None:
    address = new_address()
    draft = draft_of(intake, address)
    for requirement in draft.show().json()["missing"]:
        draft.attach(requirement, b"\x89PNG\r\n\x1a\n" + bytes(2000) + b"\x00\x00\x00\x00IEND\xaeB`\x82")
    access = redeem(intake, mailed(intake, address=address)["token"]).json()["applications"][0]["access"]
    by_link = Draft(intake, draft.number, access)
    assert by_link.submit().json()["access_code"] == draft.code
    assert "access_code" not in by_link.submit().json()
    assert draft.submit().json()["access_code"] == draft.code


def test_a_link_back_to_a_draft_needs_the_code_and_leads_to_that_draft_only(intake: Intake) -> None:
    address = new_address()
    draft, _other = draft_of(intake, address), draft_of(intake, address)
    refused = ask(intake, purpose="return", number=draft.number, access_code="0000-0000-0000-0000-0000")
    assert (refused.status_code, slug(refused)) == (401, "access-denied")
    mail = mailed(intake, purpose="return", number=draft.number, access_code=draft.code)
    assert (mail["number"], mail["address"]) == (draft.number, address)
    (found,) = redeem(intake, mail["token"], "return").json()["applications"]
    assert found["number"] == draft.number
    assert Draft(intake, draft.number, found["access"]).show().status_code == 200


def test_who_gave_no_address_is_told_that_no_link_can_be_sent(intake: Intake) -> None:
    draft = intake.open_draft(applicant={"name": "Pemohon Contoh", "phone": "+62 811 000 000"})
    refused = ask(intake, purpose="return", number=draft.number, access_code=draft.code)
    assert (refused.status_code, slug(refused)) == (409, "no-email")
    assert "Keep number and access code" in refused.json()["detail"]


def test_a_link_works_once_and_says_so_when_it_is_opened_again(intake: Intake) -> None:
    address = new_address()
    draft_of(intake, address)
    token = mailed(intake, address=address)["token"]
    assert redeem(intake, token).status_code == 200
    again = redeem(intake, token)
    assert (again.status_code, slug(again)) == (410, "link-used")
    assert "Ask for a new one" in again.json()["detail"]
    assert "Mintalah tautan baru" in redeem(intake, token, language="id").json()["detail"]


def test_of_many_who_redeem_a_link_at_once_one_gets_in(intake: Intake) -> None:
    address = new_address()
    draft_of(intake, address)
    token = mailed(intake, address=address)["token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: redeem(intake, token).status_code, range(8)))
    assert sorted(answers) == [200] + [410] * 7


def test_a_link_for_one_purpose_is_none_for_the_other_and_is_not_used_up_by_the_mistake(intake: Intake) -> None:
    address = new_address()
    draft = draft_of(intake, address)
    mine = mailed(intake, address=address)["token"]
    back = mailed(intake, purpose="return", number=draft.number, access_code=draft.code)["token"]
    assert (mine[0], back[0]) == ("s", "d")
    for token, wrong, right in ((mine, "return", "mine"), (back, "mine", "return")):
        assert slug(redeem(intake, token, wrong)) == "unknown-link"
        assert redeem(intake, token, right).status_code == 200
    assert redeem(intake, "s" + back[1:], "mine").status_code == 404


@pytest.mark.parametrize("token", ["", "s", "s" + "A" * 43, "../../etc/passwd", "s'; DROP TABLE links; --"])
def test_what_is_no_token_of_ours_is_refused_with_words_that_help(intake: Intake, token: str) -> None:
    answer = redeem(intake, token)
    assert (answer.status_code, slug(answer)) == (404, "unknown-link")
    assert "ask for a new one" in answer.json()["detail"]


def test_after_its_time_a_link_is_refused_and_no_mail_is_sent_with_it(intake: Intake) -> None:
    address = new_address()
    draft_of(intake, address)
    token = mailed(intake, address=address)["token"]
    ((link,),) = rows(
        intake,
        "SELECT link FROM intake.link_tokens t JOIN intake.links l ON l.id = t.link ORDER BY created_at DESC LIMIT 1",
    )
    execute(intake, "UPDATE intake.links SET expires_at = now() WHERE id = %s", link)
    late = redeem(intake, token)
    assert (late.status_code, slug(late)) == (410, "link-expired")
    assert message(intake, str(link)).status_code == 404


def test_both_mails_of_a_message_that_had_to_be_sent_twice_work_until_one_is_used(intake: Intake) -> None:
    address = new_address()
    draft_of(intake, address)
    taken(intake)
    ask(intake, address=address)
    (link,) = taken(intake)
    first, second = (message(intake, link).json()["token"] for _ in range(2))
    assert redeem(intake, second).status_code == 200
    assert slug(redeem(intake, first)) == "link-used"
    assert message(intake, link).status_code == 404


def test_the_answer_and_what_is_kept_do_not_tell_whether_an_address_is_known(intake: Intake) -> None:
    known, unknown = new_address(), new_address()
    draft_of(intake, known)
    taken(intake)
    answers = [ask(intake, address=address) for address in (known, unknown)]
    assert answers[0].json() == answers[1].json()
    for_known, for_unknown = taken(intake)
    assert message(intake, for_known).status_code == 200
    assert message(intake, for_unknown).status_code == 404
    shape = "SELECT purpose, application IS NULL, length(digest), used_at IS NULL FROM intake.links WHERE id = ANY(%s)"
    before_mail = rows(intake, shape, [for_known, for_unknown])
    assert before_mail[0] == before_mail[1]


def test_known_and_unknown_addresses_are_answered_in_the_same_time(intake: Intake) -> None:
    addresses = [new_address() for _ in range(60)]
    for address in addresses[::2]:
        draft_of(intake, address)
    took: tuple[list[float], list[float]] = ([], [])
    for turn, address in enumerate(addresses):
        began = time.perf_counter()
        ask(intake, address=address)
        took[turn % 2].append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in took)
    assert abs(known - unknown) < 0.5 * max(known, unknown)


def test_a_mailbox_gets_three_links_an_hour_and_the_answer_does_not_change(intake: Intake) -> None:
    address = new_address()
    draft = draft_of(intake, address)
    taken(intake)
    answers = [ask(intake, address=address) for _ in range(6)]
    assert {(one.status_code, one.text) for one in answers} == {(202, answers[0].text)}
    assert len(taken(intake)) == 3
    wanted = {"purpose": "return", "number": draft.number, "access_code": draft.code}
    assert [ask(intake, **wanted).status_code for _ in range(4)] == [202, 202, 202, 429]


def test_a_visitor_who_asks_for_many_addresses_is_slowed_down_and_others_are_not(intake: Intake) -> None:
    answers = [ask(intake, address=new_address(), visitor="192.0.2.7") for _ in range(11)]
    assert [one.status_code for one in answers] == [202] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert ask(intake, address=new_address(), visitor="192.0.2.8").status_code == 202


@pytest.mark.parametrize("role", ["officer", "supervisor", "auditor", "operator"])
def test_only_systems_have_to_do_with_links(intake: Intake, role: str) -> None:
    post: list[tuple[str, dict[str, Any]]] = [
        ("/links", {"purpose": "mine", "address": "a@example.org"}),
        ("/links/redeem", {"token": "s", "purpose": "mine"}),
        ("/links/taken", {"links": []}),
        ("/links/00000000-0000-0000-0000-000000000000/message", {}),
    ]
    for path, body in post:
        assert intake.http.post(path, json=body, headers=intake.bearer(role)).status_code == 403
        assert intake.http.post(path, json=body).status_code == 401
    assert intake.http.get("/links/waiting", headers=intake.bearer(role)).status_code == 403


@pytest.mark.parametrize("address", ["", "nobody", "a@b", "a@example.org\nBcc: b@example.org", "x" * 300 + "@a.id"])
def test_what_is_no_address_is_refused(intake: Intake, address: str) -> None:
    assert ask(intake, address=address).status_code in (400, 422)


def test_no_address_and_no_token_is_in_the_database_or_the_log(intake: Intake) -> None:
    address = new_address()
    draft_of(intake, address)
    token = mailed(intake, address=address)["token"]
    redeem(intake, token)
    for table in ("links", "link_tokens", "address_marks"):
        kept = rows(intake, f"SELECT t::text FROM intake.{table} t")
        assert not [row for row in kept if address in row[0] or token in row[0]]
    assert address not in intake.log()
    assert token not in intake.log()


def test_erasure_takes_the_address_out_of_the_index_and_the_links_with_it(intake: Intake) -> None:
    address = new_address()
    draft = draft_of(intake, address)
    mine = mailed(intake, address=address)["token"]
    back = mailed(intake, purpose="return", number=draft.number, access_code=draft.code)["token"]
    data = {"reason": {"code": "on_request"}, "legal_basis": "UU 27/2022 Pasal 8", "by": {"role": "officer"}}
    assert intake.publish(event("personal_data_erased", data, subject=draft.number)).status_code == 202
    on_the_log(intake, draft.number, 1)
    forgotten = "SELECT forgotten, digest FROM intake.address_marks WHERE application = %s"
    intake.wait_until(lambda: rows(intake, forgotten, draft.number) == [(True, None)])
    assert slug(redeem(intake, mine)) == "unknown-link"
    assert slug(redeem(intake, back, "return")) == "unknown-link"
    taken(intake)
    ask(intake, address=address)
    (link,) = taken(intake)
    assert message(intake, link).status_code == 404


def test_the_index_is_made_for_those_who_came_before_it_and_anew_when_another_master_key_wraps(
    infrastructure: Any, tmp_path: Path
) -> None:
    with temporary_database(infrastructure.database) as database:
        intake = Intake(tmp_path, infrastructure.kafka, database, f"test-links-{secrets.token_hex(5)}")
        try:
            intake.start()
            address = new_address()
            draft = draft_of(intake, address)
            without = draft_of(intake, new_address())
            before = rows(intake, "SELECT digest FROM intake.address_marks WHERE application = %s", draft.number)
            execute(intake, "DELETE FROM intake.address_marks WHERE application = %s", without.number)
            intake.stop()
            intake.start(JEJAK_MASTER_KEY=f"new:{'11' * 32},{'00' * 32}")
            remade = "SELECT count(*) FROM intake.address_marks WHERE master_key = 'new' AND digest IS NOT NULL"
            intake.wait_until(lambda: rows(intake, remade) == [(2,)])
            after = rows(intake, "SELECT digest FROM intake.address_marks WHERE application = %s", draft.number)
            assert before != after
            (found,) = redeem(intake, mailed(intake, address=address)["token"]).json()["applications"]
            assert found["number"] == draft.number
        finally:
            intake.stop()
