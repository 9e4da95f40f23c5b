"""The inbox's line for a case: where it stands, who acts next and from when, what is possible."""

from datetime import timedelta

from contracts import catalogue
from contracts.facts import Reason
from services.processing.application import Dossier
from services.processing.commands import Decide, Invite, Pause, Transfer, VerifyDocuments
from services.processing.views import Views, limit_passed, waits_for
from services.processing.worklist import WorklistRow, possibilities, row_of
from tests.unit.processing.story import MONDAY, Story, asking_for

OFFICE = catalogue.load().offices["lebong"]


def line(story: Story) -> WorklistRow:
    return row_of("LBG-X", story.case, story.service, OFFICE)


def allowed(story: Story) -> set[str]:
    return {item.command for item in possibilities(story.case, story.now()) if item.allowed}


def test_a_new_case_waits_for_the_office_from_its_submission(story: Story) -> None:
    row = line(story.submitted())
    assert (row.turn, row.act_from) == ("office", MONDAY)
    assert (row.stage, row.next_commands) == (story.service.stages[1].code, ["assess-fee"])


def test_an_assessed_fee_waits_for_the_applicant_until_it_expires(story: Story) -> None:
    row = line(story.submitted().assessed())
    assert row.act_from == MONDAY + timedelta(days=7)
    assert waits_for(row, MONDAY) == "applicant"
    assert waits_for(row, MONDAY + timedelta(days=7)) == "office"


def test_a_paid_case_offers_the_optional_invitation_and_the_next_stage(story: Story) -> None:
    assert line(story.submitted().paid()).next_commands == ["invite", "verify-documents"]


def test_an_optional_step_that_was_passed_by_is_not_offered_any_more(story: Story) -> None:
    assert line(story.submitted().paid().verified()).next_commands == ["examine"]


def test_a_requested_document_waits_for_the_applicant_until_its_answer_is_due(story: Story) -> None:
    story.submitted().command(asking_for("family_card"))
    row = line(story)
    assert (row.turn, row.act_from) == ("applicant", MONDAY + timedelta(days=7))


def test_an_invited_applicant_is_waited_for_until_the_appointment(story: Story) -> None:
    at = MONDAY + timedelta(days=3)
    story.submitted().paid().command(Invite(examination="interview", at=at))
    assert line(story).act_from == at


def test_a_paused_case_asks_for_nobody_and_is_resumed_next(story: Story) -> None:
    story.submitted().command(Pause(reason=Reason(code="legal_hold")))
    row = line(story)
    assert (row.turn, row.act_from, row.paused, row.next_commands) == ("pause", None, True, ["resume"])


def test_a_case_elsewhere_waits_for_the_agency(story: Story) -> None:
    story.submitted().command(Transfer(to="civil_registry", reason=Reason(code="data_confirmation")))
    row = line(story)
    assert (row.turn, row.act_from, row.holder) == ("agency", None, "civil_registry")


def test_an_issued_product_waits_to_be_collected(story: Story) -> None:
    row = line(story.issued())
    assert (row.turn, row.next_commands) == ("applicant", ["hand-over"])


def test_a_case_that_ended_is_closed_and_asks_for_nothing(story: Story) -> None:
    row = line(story.collected())
    assert (row.stage, row.turn, row.next_commands, row.act_from) == ("closed", "nobody", [], None)


def test_the_line_counts_payment_problems_and_knows_the_desk_that_acted_last(story: Story) -> None:
    story.submitted().assessed().pays(amount=1)
    row = line(story)
    assert (row.payment_problems, row.desk) == (1, "counter_1")


def test_what_is_possible_and_why_not_is_what_the_commands_themselves_say(story: Story) -> None:
    story.submitted()
    assert allowed(story) == {
        "request-documents",
        "verify-documents",
        "assess-fee",
        "decide",
        "pause",
        "transfer",
        "ask-opinion",
    }
    approve = next(item for item in possibilities(story.case, story.now()) if item.outcome == "approved")
    assert approve.refusal is not None
    assert approve.refusal.slug == "fee-not-assessed"


def test_what_already_holds_is_done_not_refused(story: Story) -> None:
    story.submitted().command(VerifyDocuments())
    verify = next(item for item in possibilities(story.case, story.now()) if item.command == "verify-documents")
    assert verify.done
    assert not verify.allowed


def test_after_a_refusal_nothing_is_possible(story: Story) -> None:
    story.submitted().command(Decide(outcome="refused", reasons=[Reason(code="not_eligible")]))
    assert allowed(story) == set()


def test_an_answer_changes_without_a_new_version_only_when_a_time_limit_passes(story: Story) -> None:
    story.submitted().assessed()
    views = Views(catalogue.load(), "")
    assert not limit_passed(views.case(Dossier("LBG-X", story.case, ()), story.service, story.now()))
    story.later(days=8)
    assert limit_passed(views.case(Dossier("LBG-X", story.case, ()), story.service, story.now()))
