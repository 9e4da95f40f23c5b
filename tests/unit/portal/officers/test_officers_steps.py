"""From a form to a command, with what is wrong in it; and what the applicant will read of it."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from contracts import catalogue
from services.portal.forms import Form
from services.portal.language import Speech, load_words
from services.portal.officers.casefile import checklist, officer_name, shown_document
from services.portal.officers.consequences import consequences
from services.portal.officers.sending import Sending, placeholders, sending
from services.portal.officers.steps import STEPS, offered, step_of
from services.processing.choices import choices as make_choices
from services.processing.worklist import possibilities
from tests.unit.processing.story import Story

ZONE = ZoneInfo("Asia/Jakarta")
KNOWN = catalogue.load()


def the_choices() -> dict[str, Any]:
    made = make_choices(KNOWN, KNOWN.services["passport_new"], date(2026, 3, 2))
    return dict(msgspec.to_builtins(made))


CHOICES = the_choices()
CASE: dict[str, Any] = {
    "documents": [{"document": "d1", "requirement": "identity_card"}, {"document": "d2", "requirement": "family_card"}],
    "missing": ["birth_record"], "requested": [{"requirement": "family_card", "reason": {"words": {"id": "a", "en": "b"}}}],
    "opinions": [], "next": ["decide"], "waits_for": "office",
}  # fmt: skip


def sent(slug: str, **fields: str | list[str]) -> Sending:
    step = step_of(slug)
    assert step is not None
    form = Form({name.replace("__", "-"): [v] if isinstance(v, str) else v for name, v in fields.items()})
    return sending(step, form, CASE, CHOICES, ZONE)


def told(slug: str, body: dict[str, Any]) -> dict[str, list[str]]:
    step, words = step_of(slug), load_words()
    assert step is not None
    speeches = [Speech("id", words["id"], ZONE), Speech("en", words["en"], ZONE)]
    return {one.language: one.lines for one in consequences(step, body, CASE, CHOICES, speeches)}


def test_every_command_of_processing_has_its_page_and_every_key_is_used_once() -> None:
    story = Story().submitted()
    known = {(one.command, one.outcome) for one in possibilities(story.case, story.now())}
    assert {(step.command, step.outcome) for step in STEPS} == known
    keys = [step.key for step in STEPS if step.key]
    assert len(keys) == len(set(keys))
    assert not {"j", "k", "n", "c", "x", "q", "?"} & set(keys)


def test_a_request_for_documents_needs_a_document_and_a_reason_for_each() -> None:
    assert list(sent("minta-dokumen").errors) == ["documents"]
    assert list(sent("minta-dokumen", documents="family_card").errors) == ["reason-family_card"]
    made = sent("minta-dokumen", documents="family_card", reason__family_card="unreadable", answer_by="2026-03-06")
    assert made.errors == {}
    assert made.body == {
        "documents": [{"requirement": "family_card", "reason": {"code": "unreadable"}}],
        "answer_by": "2026-03-06T23:59:59+07:00",
    }


def test_a_document_of_another_service_is_not_asked_for() -> None:
    assert "documents" in sent("minta-dokumen", documents="golden_ticket").errors


def test_a_reason_with_a_date_in_its_words_wants_the_date() -> None:
    assert placeholders(CHOICES["reasons"]["request-documents"]) == ["date"]
    fields = {"documents": "family_card", "reason__family_card": "expired_on"}
    assert list(sent("minta-dokumen", **fields).errors) == ["reason-family_card-date"]
    made = sent("minta-dokumen", **fields, reason__family_card__date="2026-02-01")
    assert made.body["documents"][0]["reason"] == {"code": "expired_on", "parameters": {"date": "2026-02-01"}}


@pytest.mark.parametrize("day", ["tomorrow", "2026-02-30", "9999-12-31", "0000-01-01"])
def test_a_day_that_is_none_is_said_at_its_field(day: str) -> None:
    assert "answer_by" in sent("minta-dokumen", documents="family_card", answer_by=day).errors


def test_an_invitation_is_in_the_offices_time() -> None:
    made = sent("undang", examination="interview", day="2026-03-06", time="09:30")
    assert made.body == {"examination": "interview", "at": "2026-03-06T09:30:00+07:00"}
    assert set(sent("undang").errors) == {"examination", "time"}


def test_a_refusal_needs_a_reason_and_an_approval_does_not() -> None:
    assert list(sent("tolak").errors) == ["reasons"]
    assert sent("setujui").errors == {}
    assert sent("setujui").body == {"outcome": "approved", "reasons": []}


def test_one_fee_of_each_group_is_chosen() -> None:
    assert list(sent("biaya").errors) == ["group-book"]
    assert sent("biaya", group__book="book_electronic_5y").body == {"fees": ["book_electronic_5y"]}


def test_a_link_without_a_whole_secret_is_not_sent() -> None:
    fields = {"body": "police", "question": "loss_reported"}
    assert list(sent("pendapat", **fields, secret="short").errors) == ["body"]
    made = sent("pendapat", **fields, secret="a" * 43)
    assert made.errors == {}
    assert "secret" not in made.body


def test_a_refusal_is_read_in_both_languages_with_the_catalogues_words_and_the_way_to_object() -> None:
    read = told("tolak", {"outcome": "refused", "reasons": [{"code": "not_eligible"}]})
    assert read["id"][0] == "Permohonan Anda ditolak."
    assert read["id"][1] == KNOWN.reasons["not_eligible"].id
    assert read["en"][1] == KNOWN.reasons["not_eligible"].en
    assert "object" in read["en"][2]


def test_a_parameter_stands_in_the_words_that_the_applicant_reads() -> None:
    reason = {"code": "expired_on", "parameters": {"date": "2026-02-01"}}
    read = told("minta-dokumen", {"documents": [{"requirement": "family_card", "reason": reason}]})
    assert "2026-02-01" in read["id"][1]
    assert "{" not in "".join(read["id"])


def test_a_fee_is_read_as_its_sum() -> None:
    assert "Rp650.000" in told("biaya", {"fees": ["book_electronic_5y"]})["id"][0]


def test_what_the_applicant_does_not_see_has_nothing_to_read() -> None:
    assert told("pembayaran", {"problem": 1, "reason": {"code": "payment_refunded"}}) == {}


def test_the_checklist_tells_what_is_there_missing_and_asked_for() -> None:
    states = {check.code: check.state for check in checklist(CASE, CHOICES)}
    assert (states["identity_card"], states["birth_record"]) == ("supplied", "missing")
    assert (states["family_card"], states["statement_letter"]) == ("requested", "not_needed")


def test_the_wanted_document_is_shown_else_the_first_and_a_strange_one_never() -> None:
    assert shown_document(CASE, "d2") == CASE["documents"][1]
    assert shown_document(CASE, "../../contact") == CASE["documents"][0]
    assert shown_document({"documents": []}, "d1") is None


def test_the_steps_that_the_process_has_next_come_first_and_the_impossible_last_with_why() -> None:
    refusal = {"words": {"id": "Belum.", "en": "Not yet."}}
    commands = [
        {"command": "pause", "outcome": None, "allowed": True, "done": False, "refusal": None},
        {"command": "issue", "outcome": None, "allowed": False, "done": False, "refusal": refusal},
        {"command": "decide", "outcome": "approved", "allowed": True, "done": False, "refusal": None},
    ]
    steps = offered({**CASE, "commands": commands})
    assert [one.step.slug for one in steps] == ["setujui", "jeda", "terbitkan"]
    assert steps[-1].refusal == refusal["words"]


def test_a_pseudonym_is_shown_in_two_groups() -> None:
    assert officer_name("o7f3k9qxd") == "7F3K-9QXD"
