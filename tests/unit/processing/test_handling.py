"""Who works at a case: claims, handing on, escalation, openings at the help desk."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts import catalogue
from contracts.facts import Actor, Fact, Reason
from services.processing import refusals as no
from services.processing.commands import Decide, Pause, Resume
from services.processing.deadlines import Ahead, running_deadline
from services.processing.handling import decisions as may
from services.processing.handling import refusals as held
from services.processing.handling.decisions import Colleague
from services.processing.handling.domain import Handling, Run, evolve, officer_code
from services.processing.handling.events import CaseEscalated
from services.processing.worklist import row_of
from tests.unit.processing.story import MONDAY, OFFICER, Story

OFFICE = catalogue.load().offices["lebong"]
ANA = Colleague(officer_code("ana"), OFFICER)
BUDI = Colleague(officer_code("budi"), OFFICER)
CHIEF = Colleague(officer_code("chief"), Actor(role="supervisor", office="lebong"), supervises=True)
STRANGER = Colleague(officer_code("x"), Actor(role="officer", office="curup"))


def after(handling: Handling, facts: list[Fact], at: datetime = MONDAY) -> Handling:
    for fact in facts:
        handling = evolve(handling, at, fact)
    return handling


def claimed(story: Story, by: Colleague = ANA) -> Handling:
    return after(Handling(), may.claim(story.submitted().case, Handling(), by, 0, 10))


def test_a_claimed_case_is_not_claimed_by_another_and_claiming_it_again_changes_nothing(story: Story) -> None:
    handling = claimed(story)
    assert may.claim(story.case, handling, ANA, 0, 10) == []
    with pytest.raises(held.ClaimedByAnother) as refused:
        may.claim(story.case, handling, BUDI, 0, 10)
    assert refused.value.details == {"desk": "counter_1", "since": MONDAY}


def test_who_holds_as_many_as_allowed_claims_no_more(story: Story) -> None:
    story.submitted()
    assert len(may.claim(story.case, Handling(), ANA, 9, 10)) == 1
    with pytest.raises(held.HoldsEnough):
        may.claim(story.case, Handling(), ANA, 10, 10)


def test_a_released_case_is_free_and_releasing_what_nobody_has_changes_nothing(story: Story) -> None:
    handling = claimed(story)
    with pytest.raises(held.ClaimedByAnother):
        may.release(story.case, handling, BUDI)
    freed = after(handling, may.release(story.case, handling, ANA))
    assert may.release(story.case, freed, ANA) == []
    assert len(may.claim(story.case, freed, BUDI, 0, 10)) == 1


def test_an_officer_hands_on_what_is_theirs_and_a_supervisor_anything(story: Story) -> None:
    handling = claimed(story)
    with pytest.raises(held.ClaimedByAnother):
        may.assign(story.case, handling, BUDI.officer, None, BUDI)
    by_chief = after(handling, may.assign(story.case, handling, BUDI.officer, None, CHIEF))
    assert by_chief.claim is not None
    assert by_chief.claim.officer == BUDI.officer
    to_desk = after(handling, may.assign(story.case, handling, None, "counter_2", ANA))
    assert (to_desk.claim, to_desk.desk) == (None, "counter_2")
    assert may.assign(story.case, to_desk, None, "counter_2", ANA) == []
    with pytest.raises(held.OneReceiver):
        may.assign(story.case, handling, None, None, ANA)


def test_a_claim_at_the_desk_that_it_was_handed_to_ends_the_waiting_there(story: Story) -> None:
    handling = after(Handling(), may.assign(story.submitted().case, Handling(), None, "counter_2", ANA))
    taken = after(handling, may.claim(story.case, handling, BUDI, 0, 10))
    assert (taken.desk, taken.claim and taken.claim.officer) == (None, BUDI.officer)


def test_a_case_that_ended_or_is_another_offices_is_not_claimed(story: Story) -> None:
    with pytest.raises(no.CaseElsewhere):
        may.claim(story.submitted().case, Handling(), STRANGER, 0, 10)
    story.command(Decide(outcome="refused", reasons=[Reason(code="not_eligible")]))
    with pytest.raises(no.CaseClosed):
        may.claim(story.case, Handling(), ANA, 0, 10)


def test_the_help_desk_says_why_it_opens_a_case_also_one_that_has_ended(story: Story) -> None:
    story.submitted().command(Decide(outcome="refused", reasons=[Reason(code="not_eligible")]))
    known = catalogue.load().reason_uses["case_opening"]
    why = Reason(code="applicant_called")
    handling = after(Handling(), may.look_into(story.case, why, known, ANA))
    handling = after(handling, may.look_into(story.case, why, known, ANA))
    assert [fact.reason for _, fact in handling.openings] == [why, why]
    with pytest.raises(no.UnknownReason):
        may.look_into(story.case, Reason(code="curiosity"), known, ANA)
    with pytest.raises(no.CaseElsewhere):
        may.look_into(story.case, why, known, STRANGER)


def test_a_pseudonym_is_the_same_for_the_same_sign_in_and_tells_nothing_of_it() -> None:
    assert officer_code("siti.rahma@lebong.example") == officer_code("siti.rahma@lebong.example")
    assert officer_code("siti.rahma@lebong.example") != officer_code("siti.rahmi@lebong.example")
    assert "siti" not in officer_code("siti.rahma@lebong.example")


# Escalation. `passport_new`: 4 working days from the examination.


def examined(story: Story) -> Story:
    return story.submitted().paid().verified().examined()


def test_four_working_days_are_escalated_one_working_day_before_they_end(story: Story) -> None:
    deadline = running_deadline(examined(story).case, story.service, OFFICE)
    assert deadline is not None
    assert deadline.at == datetime(2026, 3, 6, 17, tzinfo=UTC)
    assert deadline.escalate_at == datetime(2026, 3, 5, 17, tzinfo=UTC)


@pytest.mark.parametrize(("length", "before"), [(0, 0), (1, 1), (4, 1), (5, 1), (6, 2), (30, 6)])
def test_a_fifth_of_the_length_before_and_one_unit_at_least(length: int, before: int) -> None:
    assert Ahead().of(length) == before


def test_while_the_clock_is_paused_nothing_is_near_and_afterwards_it_is_later(story: Story) -> None:
    examined(story).command(Pause(reason=Reason(code="blank_shortage")))
    paused = running_deadline(story.case, story.service, OFFICE)
    assert paused is not None
    assert paused.escalate_at is None
    story.later(days=2).command(Resume())
    running = running_deadline(story.case, story.service, OFFICE)
    assert running is not None
    assert running.escalate_at == datetime(2026, 3, 6, 17, tzinfo=UTC)


def test_what_is_near_its_deadline_is_escalated_once_for_each_run_of_the_clock(story: Story) -> None:
    deadline = running_deadline(examined(story).case, story.service, OFFICE)
    assert deadline is not None
    assert deadline.escalate_at is not None
    run = Run(deadline.rule, MONDAY)
    early = deadline.escalate_at - timedelta(seconds=1)
    assert may.escalate(Handling(), run, deadline, early) == []
    (told,) = may.escalate(Handling(), run, deadline, deadline.escalate_at)
    assert isinstance(told, CaseEscalated)
    assert told.deadline == deadline.at
    handling = after(Handling(), [told], deadline.escalate_at)
    assert may.escalate(handling, run, deadline, deadline.escalate_at + timedelta(days=30)) == []
    another = Run(deadline.rule, MONDAY + timedelta(days=9))
    assert len(may.escalate(handling, another, deadline, deadline.escalate_at)) == 1


def test_the_line_of_the_inbox_says_who_has_it_and_that_it_is_escalated_while_that_clock_runs(story: Story) -> None:
    handling = claimed(story)
    story.paid().verified().examined()
    run = CaseEscalated(rule="passport_issue", started_at=MONDAY, deadline=MONDAY, by=Actor(role="system"))
    handling = after(handling, [run], MONDAY + timedelta(days=3))
    row = row_of("LBG-X", story.case, story.service, OFFICE, handling=handling)
    assert (row.officer, row.officer_desk, row.claimed_at) == (ANA.officer, "counter_1", MONDAY)
    assert row.escalated_at == MONDAY + timedelta(days=3)
    other = after(handling, [], MONDAY)
    story.at += timedelta(days=1)
    story.issued_now()
    assert row_of("LBG-X", story.case, story.service, OFFICE, handling=other).escalated_at is None
