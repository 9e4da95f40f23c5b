"""The way to the decision and after it: each command's conditions."""

from datetime import timedelta

import msgspec
import pytest

from contracts.facts import Actor, Collected, Decided, Examined, Invited, Issued, Reason, Remedy
from services.processing import refusals as no
from services.processing.commands import (
    Decide,
    Examine,
    HandOver,
    Invite,
    Issue,
    Pause,
    Resume,
    Transfer,
    VerifyDocuments,
)
from tests.unit.processing.story import REMEDY, Story, asking_for

REFUSED = Decide(outcome="refused", reasons=[Reason(code="requirements_not_met")])
APPROVED = Decide(outcome="approved")
OUTAGE = Pause(reason=Reason(code="system_outage"))
TO_CAPITAL = Transfer(to="directorate_general_of_immigration", reason=Reason(code="central_approval"))


def test_an_invitation_waits_for_the_payment_where_the_process_says_so(story: Story) -> None:
    come = Invite(examination="interview", at=story.at + timedelta(days=2))
    with pytest.raises(no.FeeNotAssessed):
        story.submitted().command(come)
    assert isinstance(story.paid().command(come)[0], Invited)
    assert story.case.turn == "applicant"


def test_an_invitation_to_the_same_time_is_not_repeated_but_another_time_is(story: Story) -> None:
    come = Invite(examination="interview", at=story.at + timedelta(days=2))
    story.submitted().paid().command(come)
    assert story.command(come) == []
    assert len(story.command(msgspec.structs.replace(come, at=come.at + timedelta(days=1)))) == 1


def test_nobody_is_invited_into_the_past(story: Story) -> None:
    with pytest.raises(no.TimeInThePast):
        story.submitted().paid().command(Invite(examination="interview", at=story.at))


def test_an_examination_waits_for_the_documents(story: Story) -> None:
    with pytest.raises(no.DocumentsNotVerified):
        story.submitted().paid().command(Examine(examinations=["interview"]))


def test_only_new_examinations_are_noted(story: Story) -> None:
    story.submitted().paid().verified().command(Examine(examinations=["interview"]))
    (more,) = story.command(Examine(examinations=["interview", "biometrics"]))
    assert isinstance(more, Examined)
    assert more.examinations == ["biometrics"]
    assert story.command(Examine(examinations=["interview"])) == []


def test_an_approval_needs_the_examination_that_the_service_declares(story: Story) -> None:
    with pytest.raises(no.NotExamined):
        story.submitted().paid().verified().command(APPROVED)


def test_an_approval_needs_no_examination_where_none_is_declared(story: Story) -> None:
    stages = [stage for stage in story.service.stages if stage.reached_by not in ("invited", "examined")]
    story.with_service(stages=stages).submitted().paid().verified()
    assert isinstance(story.command(APPROVED)[0], Decided)


def test_an_approval_needs_every_requested_document(story: Story) -> None:
    story.ready_to_decide().command(asking_for("family_card"))
    with pytest.raises(no.DocumentsMissing):
        story.command(APPROVED)


def test_an_approval_carries_no_remedy(story: Story) -> None:
    (decided,) = story.ready_to_decide().command(APPROVED)
    assert isinstance(decided, Decided)
    assert decided.remedy is None


def test_a_refusal_carries_the_offices_remedy(story: Story) -> None:
    (decided,) = story.submitted().command(REFUSED)
    assert isinstance(decided, Decided)
    assert decided.remedy == REMEDY
    assert story.case.closed


def test_an_officer_may_name_another_remedy(story: Story) -> None:
    court = Remedy(code="court_action", legal_basis="UU 5/1986", within_days=90, unit="calendar_days")
    (decided,) = story.submitted().command(msgspec.structs.replace(REFUSED, remedy=court))
    assert isinstance(decided, Decided)
    assert decided.remedy == court


def test_a_refusal_needs_a_reason(story: Story) -> None:
    with pytest.raises(no.ReasonMissing):
        story.submitted().command(Decide(outcome="refused"))


def test_a_reason_for_approving_does_not_refuse(story: Story) -> None:
    with pytest.raises(no.UnknownReason):
        story.submitted().command(Decide(outcome="refused", reasons=[Reason(code="requirements_met")]))


def test_deciding_the_same_again_changes_nothing(story: Story) -> None:
    story.submitted().command(REFUSED)
    assert story.command(REFUSED) == []


def test_a_case_is_decided_once(story: Story) -> None:
    story.ready_to_decide().command(APPROVED)
    with pytest.raises(no.AlreadyDecided):
        story.command(REFUSED)


def test_nothing_is_issued_before_the_approval(story: Story) -> None:
    with pytest.raises(no.NotApproved):
        story.ready_to_decide().command(Issue())


def test_what_is_issued_is_the_services_product_and_waits_thirty_days(story: Story) -> None:
    (issued,) = story.approved().command(Issue())
    assert isinstance(issued, Issued)
    assert (issued.product, issued.collect_by) == ("passport", story.at + timedelta(days=30))
    assert story.command(Issue()) == []


def test_another_product_is_not_issued_on_top(story: Story) -> None:
    with pytest.raises(no.AlreadyIssued):
        story.issued().command(Issue(product="visa"))


def test_nothing_is_handed_over_before_it_is_issued(story: Story) -> None:
    with pytest.raises(no.NotIssued):
        story.approved().command(HandOver())


def test_handing_over_ends_the_case_and_repeating_it_changes_nothing(story: Story) -> None:
    (collected,) = story.issued().command(HandOver(to="representative"))
    assert isinstance(collected, Collected)
    assert collected.to == "representative"
    assert story.case.closed
    assert story.command(HandOver()) == []


def test_what_was_not_collected_in_time_is_issued_again_before_it_is_handed_over(story: Story) -> None:
    story.issued().later(days=31)
    with pytest.raises(no.CollectionExpired):
        story.command(HandOver())
    assert len(story.command(Issue())) == 1
    assert len(story.command(HandOver())) == 1


def test_a_paused_case_rests_until_it_is_resumed(story: Story) -> None:
    story.submitted().command(OUTAGE)
    assert story.case.turn == "pause"
    with pytest.raises(no.CasePaused):
        story.command(VerifyDocuments())
    story.command(Resume())
    assert len(story.command(VerifyDocuments())) == 1


def test_pausing_again_for_the_same_reason_and_resuming_what_runs_change_nothing(story: Story) -> None:
    story.submitted().command(OUTAGE)
    assert story.command(OUTAGE) == []
    story.command(Resume())
    assert story.command(Resume()) == []


def test_pausing_for_another_reason_is_refused_while_it_rests(story: Story) -> None:
    story.submitted().command(OUTAGE)
    with pytest.raises(no.CasePaused):
        story.command(Pause(reason=Reason(code="legal_hold")))


def test_a_transferred_case_is_not_ours_to_decide(story: Story) -> None:
    story.submitted().command(TO_CAPITAL)
    assert story.case.turn == "agency"
    with pytest.raises(no.CaseElsewhere) as refused:
        story.command(VerifyDocuments())
    assert refused.value.details == {"holder": "directorate_general_of_immigration"}


def test_a_case_comes_back_by_our_own_transfer_or_by_the_agencys_answer(story: Story) -> None:
    story.submitted().command(TO_CAPITAL)
    assert story.command(TO_CAPITAL) == []
    story.command(Transfer(to="lebong", reason=Reason(code="answer_received")))
    assert story.case.turn == "office"
    story.command(TO_CAPITAL)
    assert len(story.answered_by("directorate_general_of_immigration")) == 1
    assert len(story.command(VerifyDocuments())) == 1


def test_a_transfer_by_others_while_the_case_is_ours_changes_nothing(story: Story) -> None:
    assert story.submitted().answered_by("civil_registry") == []


def test_an_officer_of_another_office_may_not_command(story: Story) -> None:
    stranger = Actor(role="officer", office="curup")
    for command in (VerifyDocuments(), OUTAGE, Resume(), REFUSED, TO_CAPITAL):
        with pytest.raises(no.CaseElsewhere):
            Story().submitted().command(command, by=stranger)


@pytest.mark.parametrize("end", ["withdrawn", "refused", "collected"])
def test_after_the_end_nothing_can_be_commanded(story: Story, end: str) -> None:
    match end:
        case "withdrawn":
            story.submitted().withdrawn()
        case "refused":
            story.submitted().command(REFUSED)
        case _:
            story.collected()
    for command in (OUTAGE, TO_CAPITAL, Issue(product="visa")):
        with pytest.raises(no.CaseClosed):
            story.command(command)


def test_facts_after_the_end_change_nothing(story: Story) -> None:
    story.submitted().withdrawn()
    assert story.withdrawn() == []
    assert story.supplied("statement_letter") == []


def test_facts_before_the_submission_change_nothing(story: Story) -> None:
    assert story.withdrawn() == []
    assert story.supplied("family_card") == []
    assert not story.case.exists


def test_a_second_submission_changes_nothing(story: Story) -> None:
    story.submitted().submitted()
    assert story.case.version == 1
