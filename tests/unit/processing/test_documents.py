"""Documents: asked for, supplied, verified."""

from datetime import timedelta

import pytest

from contracts.facts import DocumentsRequested, DocumentsVerified
from services.processing import refusals as no
from services.processing.commands import RequestDocuments, VerifyDocuments
from services.processing.events import DocumentReceived
from tests.unit.processing.story import Story, asking_for


def test_documents_are_asked_for_with_reason_and_time_limit(story: Story) -> None:
    (asked,) = story.submitted().command(asking_for("family_card"))
    assert isinstance(asked, DocumentsRequested)
    assert asked.documents[0].reason.code == "unreadable"
    assert asked.answer_by == story.at + timedelta(days=7)
    assert story.case.turn == "applicant"


def test_a_document_already_asked_for_is_not_asked_for_again(story: Story) -> None:
    story.submitted().command(asking_for("family_card"))
    assert story.command(asking_for("family_card")) == []


def test_only_what_is_new_is_asked_for(story: Story) -> None:
    story.submitted().command(asking_for("family_card"))
    (asked,) = story.command(asking_for("family_card", "birth_record"))
    assert isinstance(asked, DocumentsRequested)
    assert [item.requirement for item in asked.documents] == ["birth_record"]
    assert [item.requirement for item in story.case.requested] == ["family_card", "birth_record"]


def test_a_requirement_that_the_service_does_not_have_cannot_be_asked_for(story: Story) -> None:
    with pytest.raises(no.UnknownRequirement):
        story.submitted().command(asking_for("driving_licence"))


def test_a_reason_must_be_one_for_asking_documents(story: Story) -> None:
    with pytest.raises(no.UnknownReason):
        story.submitted().command(asking_for("family_card", reason="force_majeure"))


def test_a_document_that_was_asked_for_stops_the_asking(story: Story) -> None:
    story.submitted().command(asking_for("family_card", "birth_record"))
    (received,) = story.supplied("family_card", "new-1")
    assert isinstance(received, DocumentReceived)
    assert [item.requirement for item in story.case.requested] == ["birth_record"]
    story.supplied("birth_record", "new-2")
    assert story.case.turn == "office"


def test_the_same_supplied_document_is_taken_in_once(story: Story) -> None:
    story.submitted()
    assert len(story.supplied("statement_letter")) == 1
    assert story.supplied("statement_letter") == []


def test_the_same_file_supplied_again_answers_the_request(story: Story) -> None:
    story.submitted().command(asking_for("family_card"))
    (received,) = story.supplied("family_card")
    assert isinstance(received, DocumentReceived)
    assert story.case.requested == ()


def test_documents_cannot_be_verified_while_a_mandatory_one_is_missing(story: Story) -> None:
    with pytest.raises(no.DocumentsMissing) as refused:
        story.submitted("identity_card").command(VerifyDocuments())
    assert refused.value.details == {"requirements": ("family_card", "birth_record")}


def test_documents_cannot_be_verified_while_a_requested_one_is_missing(story: Story) -> None:
    story.submitted().command(asking_for("statement_letter"))
    with pytest.raises(no.DocumentsMissing) as refused:
        story.command(VerifyDocuments())
    assert refused.value.details == {"requirements": ("statement_letter",)}


def test_an_optional_document_need_not_be_there(story: Story) -> None:
    assert isinstance(story.submitted().command(VerifyDocuments())[0], DocumentsVerified)


def test_verifying_twice_changes_nothing(story: Story) -> None:
    story.submitted().verified()
    assert story.command(VerifyDocuments()) == []


def test_asking_again_undoes_the_verification(story: Story) -> None:
    story.submitted().verified().command(asking_for("family_card"))
    assert story.case.verified_at is None


def test_an_answer_cannot_be_due_in_the_past(story: Story) -> None:
    story.submitted()
    asked = asking_for("family_card")
    with pytest.raises(no.TimeInThePast):
        story.command(RequestDocuments(documents=asked.documents, answer_by=story.at - timedelta(hours=1)))
