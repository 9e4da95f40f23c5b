import datetime as dt

import pytest

from contracts import catalogue
from services.portal.applying import persons
from services.portal.applying.drafts import Document, Draft, Filled, Form
from services.portal.applying.filling_pages import wrong_in_behalf
from services.portal.applying.steps import (
    documents_asked,
    fee_groups,
    is_ready,
    next_document,
    next_page,
    states,
    steps_of,
)
from services.portal.forms import Form as Sent

CATALOGUE = catalogue.load()
TODAY = dt.date(2026, 3, 2)
NOON = dt.datetime(2026, 3, 2, 5, tzinfo=dt.UTC)
REPLACEMENT = CATALOGUE.services["passport_replacement"]


def filled(missing: list[str], *stored: str, answers: dict[str, str] | None = None, service: str = "") -> Filled:
    of = CATALOGUE.services[service or "passport_replacement"]
    draft = Draft(
        number="LBG-1", state="draft", service=of.code, office="lebong", channel="internet", opened_at=NOON,
        submitted_at=None, kept_until=NOON, missing=missing, requested=[], document_limit_bytes=10,
        documents=[Document(document="d", requirement=one, media_type="image/png", size_bytes=1) for one in stored],
    )  # fmt: skip
    form = Form(answers=answers or {}, representative=None, needs=[], fees=[])
    return Filled(draft, form, {"name": "Pemohon"}, of, CATALOGUE.offices["lebong"], TODAY)


def all_answers(old: str) -> dict[str, str]:
    given = {question.code: question.answers[0].code for question in REPLACEMENT.questions}
    return given | {"old_passport_issued": old}


def old_passport(brings: bool) -> str:
    question = next(one for one in REPLACEMENT.questions if one.code == "old_passport_issued")
    return next(one.code for one in question.answers if bool(one.requirements) == brings)


def test_every_page_leads_to_the_next_and_the_last_is_the_review() -> None:
    state = filled([])
    page, walked = "pemohon", ["pemohon"]
    while page != "periksa":
        page = next_page(state, page)
        walked.append(page)
    assert walked == [step.page for step in steps_of(state)]
    assert next_page(state, "periksa") == "periksa"


def test_the_first_page_that_is_not_done_is_the_present_one() -> None:
    state = filled(["old_passport"], answers=all_answers(old_passport(brings=False)))
    found = dict(zip((step.page for step in steps_of(state)), states(steps_of(state)), strict=True))
    assert found["dokumen"] == "current"
    assert found["periksa"] == "ahead"
    assert set(found.values()) == {"done", "current", "ahead"}
    assert list(found.values()).count("current") == 1


def test_it_is_ready_when_every_question_is_answered_and_no_document_is_missing() -> None:
    answers = all_answers(old_passport(brings=False))
    assert is_ready(filled([], "identity_card", "old_passport", answers=answers))
    assert not is_ready(filled(["old_passport"], "identity_card", answers=answers))
    assert not is_ready(filled([], "identity_card", "old_passport"))


def test_an_answer_decides_which_documents_are_asked_for() -> None:
    brought = {one.code: needed for one, needed in documents_asked(filled([], answers=all_answers(old_passport(True))))}
    assert brought["family_card"] is True
    left = {one.code for one, _ in documents_asked(filled([], answers=all_answers(old_passport(False))))}
    assert "family_card" not in left


def test_a_document_that_is_stored_is_shown_although_no_answer_asks_for_it_any_more() -> None:
    state = filled([], "family_card", answers=all_answers(old_passport(False)))
    assert ("family_card", False) in [(one.code, needed) for one, needed in documents_asked(state)]


def test_after_a_document_comes_the_next_one_that_is_missing_then_the_list() -> None:
    answers = all_answers(old_passport(False))
    assert (
        next_document(filled(["old_passport"], "identity_card", answers=answers), "identity_card")
        == "dokumen/old_passport"
    )
    assert next_document(filled([], "identity_card", "old_passport", answers=answers), "old_passport") == "dokumen"


def test_fees_that_a_question_decides_are_not_asked_about_twice() -> None:
    for service in CATALOGUE.services.values():
        asked = {fee for question in service.questions for answer in question.answers for fee in answer.fees}
        for fees in fee_groups(service, TODAY).values():
            assert not asked & {fee.code for fee in fees}, service.code
            assert len(fees) > 1


def test_foreigners_are_asked_for_nationality_and_citizens_for_their_number() -> None:
    assert "nik" in persons.fields_of("passport")
    assert "nationality" not in persons.fields_of("passport")
    assert {"nationality", "passport_number"} <= set(persons.fields_of("stay_permit"))


GIVEN = {"name": "Pemohon", "email": "a@example.org", "date_of_birth": "1990-08-17"}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"email": ""}, "email"),
        ({"email": "not an address"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"date_of_birth": ""}, "date_of_birth"),
        ({"date_of_birth": "17-08-1990"}, "date_of_birth"),
        ({"date_of_birth": "2027-01-01"}, "date_of_birth"),
        ({"name": "a" * 201}, "name"),
    ],
)
def test_what_is_wrong_in_the_applicants_data_is_said_at_its_field(changed: dict[str, str], field: str) -> None:
    assert persons.wrong_in(GIVEN, "passport", TODAY) == {}
    assert list(persons.wrong_in(GIVEN | changed, "passport", TODAY)) == [field]


def test_a_nationality_is_one_that_exists() -> None:
    assert list(persons.wrong_in(GIVEN | {"nationality": "XX"}, "stay_permit", TODAY)) == ["nationality"]
    assert persons.wrong_in(GIVEN | {"nationality": "NL"}, "stay_permit", TODAY) == {}


def test_a_number_is_taken_as_people_write_it_and_empty_fields_are_left_out() -> None:
    sent = Sent({"name": ["  Siti   Contoh "], "nik": ["1234 5678.9012-3456"], "phone": [""]})
    assert persons.given_in(sent, "passport", "en") == {
        "name": "Siti Contoh",
        "nik": "1234567890123456",
        "language": "en",
    }


def test_who_files_for_somebody_says_who_they_are_and_that_they_may() -> None:
    assert wrong_in_behalf(Sent({"for": ["self"]})) == {}
    assert list(wrong_in_behalf(Sent({}))) == ["for"]
    assert list(wrong_in_behalf(Sent({"for": ["other"]}))) == ["representative", "relation", "consent"]
    whole = {"for": ["other"], "representative": ["Wakil"], "relation": ["parent"], "consent": ["yes"]}
    assert wrong_in_behalf(Sent(whole)) == {}
