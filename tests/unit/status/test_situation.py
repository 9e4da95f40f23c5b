"""Where an application stands after what happened: who is waited on, since when, what comes next."""

from contracts.facts import Actor, Labels, Paused, Reason, Resumed, StageRecorded, Transferred, Withdrawn
from tests.unit.status.story import (
    APPLICANT,
    OFFICER,
    Story,
    approved,
    assessed,
    collected,
    examined,
    invited,
    issued,
    paid,
    refused,
    requested,
    submitted,
    supplied,
    verified,
    whole_way,
)


def test_after_submission_the_office_is_waited_on(story: Story) -> None:
    story.tell(submitted())
    assert story.situation.code == "submitted"
    assert story.waits() == ("office", 0)
    assert story.situation.next_stage == "billing"


def test_the_applicant_is_waited_on_until_the_last_requested_document_is_there(story: Story) -> None:
    story.tell(submitted()).tell(requested("identity_card", "family_card"), 2)
    assert story.waits() == ("applicant", 2)
    story.tell(supplied("identity_card"), 10)
    assert story.waits() == ("applicant", 2)
    story.tell(supplied("family_card"), 48)
    assert story.waits() == ("office", 48)


def test_a_document_supplied_before_its_request_is_recorded_needs_no_second_supply(story: Story) -> None:
    story.tell(submitted()).tell(supplied("family_card"), 5).tell(requested("family_card"), 2)
    assert story.waits()[0] == "office"


def test_a_document_asked_for_again_is_waited_for_again(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2).tell(supplied("family_card"), 3)
    story.tell(requested("family_card"), 4)
    assert story.waits() == ("applicant", 4)


def test_a_fee_is_waited_for_until_it_is_paid(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 5)
    assert (story.situation.code, *story.waits()) == ("fee_due", "applicant", 5)
    story.tell(paid(), 8)
    assert (story.situation.code, *story.waits()) == ("paid", "office", 8)


def test_a_payment_reported_late_is_accepted_and_its_delay_is_the_banks(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 5).tell(paid(), 8, recorded_h=26)
    assert story.progress.paid is not None
    assert story.found[-1] == ("payment_reported_late",)
    assert story.waits() == ("office", 26)
    assert not story.standing


def test_history_recorded_years_later_is_not_reported_late(story: Story) -> None:
    story.tell(submitted(), 0, recorded_h=9000).tell(assessed(), 5, recorded_h=9000).tell(paid(), 8, recorded_h=9000)
    assert story.found[-1] == ()
    assert story.waits() == ("office", 8)


def test_a_payment_of_another_amount_leaves_the_applicant_to_act(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 5).tell(paid(amount=600_000), 8)
    assert story.found[-1] == ("payment_amount_differs",)
    assert (story.situation.code, *story.waits()) == ("payment_problem", "applicant", 5)


def test_a_payment_before_its_assessment_is_recorded_fits_once_it_is(story: Story) -> None:
    story.tell(submitted()).tell(paid(), 8)
    assert story.found[-1] == ("payment_unknown_code",)
    story.tell(assessed(), 5)
    assert story.progress.paid is not None
    assert "payment_unknown_code" not in story.standing


def test_a_payment_after_the_code_expired_does_not_count(story: Story) -> None:
    story.tell(submitted()).tell(assessed(days=1), 1).tell(paid(), 30)
    assert story.found[-1] == ("payment_after_expiry",)
    assert story.progress.paid is None


def test_a_payment_in_time_counts_although_it_is_recorded_after_the_code_expired(story: Story) -> None:
    story.tell(submitted()).tell(assessed(days=1), 1).tell(paid(), 20, recorded_h=40)
    assert story.progress.paid is not None


def test_a_second_payment_is_flagged(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 1).tell(paid(), 2).tell(paid(), 3)
    assert story.found[-1] == ("payment_repeated",)


def test_a_new_billing_code_replaces_an_expired_one(story: Story) -> None:
    story.tell(submitted()).tell(assessed(days=1), 1).tell(assessed("820260302000002", days=9), 50)
    story.tell(paid("820260302000002"), 51)
    assert story.progress.paid is not None
    assert story.waits() == ("office", 51)


def test_an_invited_applicant_is_waited_for_until_the_examination(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 1).tell(paid(), 2).tell(invited(), 3)
    assert (story.situation.code, *story.waits()) == ("invited", "applicant", 3)
    story.tell(verified(), 60).tell(examined(), 61)
    assert (story.situation.code, *story.waits()) == ("examined", "office", 61)


def test_who_is_invited_after_the_decision_is_waited_for(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 1).tell(paid(), 2).tell(verified(), 3).tell(approved(), 4).tell(
        invited(), 5
    )
    assert (story.situation.code, *story.waits()) == ("invited", "applicant", 5)
    story.tell(examined(), 60)
    assert story.waits() == ("office", 60)


def test_an_invitation_that_the_decision_overtook_is_not_waited_for(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 1).tell(paid(), 2).tell(invited(), 3).tell(approved(), 4)
    assert story.waits()[0] == "office"


def test_a_legal_pause_comes_before_everything_else(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 1)
    story.tell(Paused(reason=Reason(code="system_outage"), by=OFFICER), 2)
    assert story.waits() == ("legal_pause", 2)
    story.tell(Resumed(by=OFFICER), 9)
    assert story.waits() == ("applicant", 1)


def test_a_pause_that_is_reported_after_its_end_pauses_nothing(story: Story) -> None:
    story.tell(submitted()).tell(Resumed(by=OFFICER), 9)
    story.tell(Paused(reason=Reason(code="system_outage"), by=OFFICER), 2)
    assert story.waits() == ("office", 9)


def test_a_transferred_case_waits_for_the_other_agency_until_it_answers(story: Story) -> None:
    story.tell(submitted())
    story.tell(Transferred(to="civil_registry", reason=Reason(code="recommendation"), by=OFFICER), 4)
    assert story.waits() == ("agency", 4)
    story.tell(verified(), 30)
    assert story.waits() == ("office", 30)


def test_an_approved_application_waits_for_the_office_and_an_issued_one_for_the_applicant(story: Story) -> None:
    story.tell_all(whole_way()[:-2])
    assert (story.situation.code, story.situation.waits_for) == ("approved", "office")
    story.tell(issued(), 20)
    assert (story.situation.code, *story.waits()) == ("issued", "applicant", 20)


def test_a_collected_application_is_at_its_end(story: Story) -> None:
    story.tell_all(whole_way())
    assert (story.situation.code, story.situation.waits_for) == ("collected", "nobody")
    assert story.situation.next_stage == ""
    assert not story.standing


def test_a_refused_or_withdrawn_application_is_at_its_end(story: Story) -> None:
    story.tell(submitted()).tell(refused(), 5)
    assert (story.situation.code, *story.waits()) == ("refused", "nobody", 5)
    other = Story().tell(submitted()).tell(Withdrawn(by=APPLICANT), 7)
    assert (other.situation.code, *other.waits()) == ("withdrawn", "nobody", 7)


def test_a_refusal_that_is_followed_by_an_approval_is_an_approval(story: Story) -> None:
    story.tell(submitted()).tell(refused(), 5).tell(approved(), 99)
    assert story.situation.code == "approved"
    assert "repeated:decision" in story.standing


def test_a_late_fact_never_takes_the_status_back(story: Story) -> None:
    story.tell_all([submitted(), assessed(), paid(), verified(), examined(), approved(), issued()], every_h=5)
    before = story.situation
    story.tell(requested("family_card"), 1).tell(verified(), 2).tell(refused(), 3).tell(invited(), 4)
    assert story.situation == before


def test_a_stage_of_the_offices_own_is_shown_as_the_latest(story: Story) -> None:
    stage = StageRecorded(
        stage="field_supervision", labels=Labels(id="Pengawasan lapangan", en="Field supervision"), by=OFFICER
    )
    story.tell(submitted("itas_extension")).tell(stage, 4)
    assert story.situation.code == "in_stage"
    assert "Field supervision" in story.view.headline.en


def test_events_before_the_submission_are_kept_and_flagged(story: Story) -> None:
    story.tell(verified(), 3)
    assert story.situation.code == "not_submitted"
    assert story.standing == {"before_submission"}
    story.tell(submitted(), 0)
    assert story.situation.code != "not_submitted"
    assert "before_submission" in story.found[0]


def test_a_service_that_the_catalogue_does_not_have_deviates_from_nothing(story: Story) -> None:
    story.tell(submitted("barber_licence")).tell(approved(), 2).tell(Withdrawn(by=Actor(role="agency")), 3)
    assert not story.standing
    assert story.view.service.labels.en


def test_handing_over_what_was_not_decided_is_recorded(story: Story) -> None:
    story.tell(submitted()).tell(collected(), 2)
    assert story.situation.code == "collected"
    assert "ahead_of:decision" in story.standing
