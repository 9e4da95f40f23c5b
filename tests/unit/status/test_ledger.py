"""The waiting ledger: whose every moment from submission to the end is."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.facts import Actor, DeadlinePassed, Fact, Paused, Resumed, Transferred, Withdrawn
from services.status.clocks.ledger import Piece, ledger, open_run, spent, waited
from services.status.folding.procedure import UNDECLARED
from services.status.folding.progress import Progress
from services.status.folding.reading import in_us
from services.status.folding.replay import replay
from services.status.folding.situation import situate
from tests.unit.status.story import (
    APPLICANT,
    MONDAY,
    OFFICER,
    PROCEDURES,
    Story,
    approved,
    assessed,
    collected,
    examined,
    hours,
    invited,
    issued,
    paid,
    refused,
    requested,
    submitted,
    supplied,
    verified,
)
from tests.unit.status.test_deviations import ANY_FACT, REASON, STAGE
from tests.unit.status.test_replay import correcting, timeline

HOUR = 3_600_000_000
BEGAN = in_us(MONDAY)
JAKARTA = ZoneInfo("Asia/Jakarta")
SUPERVISOR = Actor(role="supervisor", office="lebong", desk="head_of_office")


def pieces_of(story: Story, until_h: float | None = None) -> list[Piece]:
    until = None if until_h is None else in_us(MONDAY + hours(until_h))
    return ledger(story.progress, until, PROCEDURES.get(story.progress.service, UNDECLARED))


def told(pieces: Sequence[Piece]) -> list[tuple[str, float, float]]:
    """Party, from, to: in hours after Monday 09:00."""
    return [(piece.party, (piece.begin - BEGAN) / HOUR, (piece.end - BEGAN) / HOUR) for piece in pieces]


def sums(pieces: Sequence[Piece]) -> dict[str, float]:
    return {party: us / HOUR for party, us in waited(pieces).items()}


def ledger_as_known(rows: list[dict[str, Any]], at_h: float) -> list[Piece]:
    at = MONDAY + hours(at_h)
    progress = replay(rows, PROCEDURES, known_at=at)
    assert progress is not None
    return ledger(progress, in_us(at), PROCEDURES[progress.service])


def the_worked_example() -> Story:
    """`CLOCKS.md`: Monday 09:00 to Tuesday 10:00 of the next week."""
    story = Story().tell(submitted()).tell(requested("family_card"), 2).tell(supplied("family_card"), 48)
    story.tell(assessed(), 49).tell(paid(), 53, recorded_h=71).tell(verified(), 72).tell(examined(), 97)
    return story.tell(approved(), 102).tell(issued(), 171).tell(collected(), 193)


def test_the_worked_example_of_the_rules_comes_out_to_the_hour() -> None:
    pieces = pieces_of(the_worked_example())
    assert sums(pieces) == {"applicant": 72, "bank": 18, "office": 103}
    assert told(pieces) == [
        ("office", 0, 2), ("applicant", 2, 48), ("office", 48, 49), ("applicant", 49, 53), ("bank", 53, 71),
        ("office", 71, 72), ("office", 72, 97), ("office", 97, 102), ("office", 102, 171), ("applicant", 171, 193),
    ]  # fmt: skip


def test_every_piece_names_the_event_that_opened_it_and_the_one_that_closed_it() -> None:
    ends = [(piece.opened_by, piece.closed_by) for piece in pieces_of(the_worked_example())]
    assert ends == [(1, 2), (2, 3), (3, 4), (4, 5), (5, 5), (5, 6), (6, 7), (7, 8), (8, 9), (9, 10)]


def test_a_piece_names_the_stage_that_was_reached_when_it_began() -> None:
    stages = [piece.stage for piece in pieces_of(the_worked_example())]
    assert stages == [
        "application", "application", "application", "billing", "payment", "payment", "verification", "examination",
        "decision", "issue",
    ]  # fmt: skip


def test_the_offices_time_is_that_of_the_desk_whose_act_ends_it(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2).tell(supplied("family_card"), 5)
    story.tell(verified(), 9).tell(Paused(reason=REASON, by=SUPERVISOR), 12)
    assert [piece.desk for piece in pieces_of(story)] == ["verification", "", "verification", "head_of_office", ""]


def test_a_notice_cuts_the_offices_time_and_takes_it_from_no_desk(story: Story) -> None:
    late = DeadlinePassed(rule="r", rule_version=1, deadline=MONDAY, by=Actor(role="system"))
    story.tell(submitted()).tell(late, 5).tell(supplied("family_card"), 7).tell(verified(), 9)
    assert told(pieces_of(story)[:3]) == [("office", 0, 5), ("office", 5, 7), ("office", 7, 9)]
    assert [piece.desk for piece in pieces_of(story)[:3]] == ["verification"] * 3


def test_an_open_application_is_told_up_to_the_instant_that_is_asked_for(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2)
    assert told(pieces_of(story, 30)) == [("office", 0, 2), ("applicant", 2, 30)]
    assert pieces_of(story, 30)[-1].closed_by is None
    assert told(pieces_of(story, 1)) == [("office", 0, 1)]
    assert pieces_of(story, -1) == []


def test_without_an_instant_the_open_piece_is_empty_and_says_who_is_waited_on(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2)
    assert told(pieces_of(story)) == [("office", 0, 2), ("applicant", 2, 2)]
    assert sums(pieces_of(story)) == {"office": 2}


def test_who_is_waited_on_now_has_been_since_the_first_of_the_last_pieces_of_the_same_party(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2).tell(requested("identity_card"), 4)
    assert told(open_run(pieces_of(story))) == [("applicant", 2, 4), ("applicant", 4, 4)]
    assert open_run(pieces_of(the_worked_example())) == []
    assert open_run([]) == []


def test_after_the_end_nobody_is_waited_on_whatever_else_is_recorded(story: Story) -> None:
    story.tell(submitted()).tell(Withdrawn(by=APPLICANT), 7).tell(verified(), 20)
    assert told(pieces_of(story, 90)) == [("office", 0, 7)]
    refusal = Story().tell(submitted()).tell(refused(), 5).tell(requested("family_card"), 8)
    assert told(pieces_of(refusal, 90)) == [("office", 0, 5)]


def test_a_refusal_that_an_approval_followed_was_no_end(story: Story) -> None:
    story.tell(submitted()).tell(refused(), 5).tell(approved(), 9).tell(issued(), 12).tell(collected(), 20)
    assert sums(pieces_of(story)) == {"office": 12, "applicant": 8}


def test_before_the_submission_no_time_runs_but_what_happened_then_counts(story: Story) -> None:
    story.tell(requested("family_card"), -5)
    assert pieces_of(story, 10) == []
    story.tell(submitted())
    assert told(pieces_of(story, 10)) == [("applicant", 0, 10)]


def test_a_requested_document_that_is_still_missing_keeps_the_time_with_the_applicant(story: Story) -> None:
    story.tell(submitted()).tell(requested("identity_card", "family_card"), 2).tell(supplied("identity_card"), 10)
    story.tell(supplied("family_card"), 48)
    assert told(pieces_of(story)) == [
        ("office", 0, 2), ("applicant", 2, 10), ("applicant", 10, 48), ("office", 48, 48),
    ]  # fmt: skip


def test_an_invitation_is_the_applicants_until_the_examination_happens(story: Story) -> None:
    story.tell(submitted()).tell(invited(), 3).tell(verified(), 5).tell(examined(), 60).tell(approved(), 61)
    assert sums(pieces_of(story)) == {"office": 4, "applicant": 57}


def test_an_invitation_after_the_approval_is_the_applicants_and_one_before_it_no_more(story: Story) -> None:
    story.tell(submitted()).tell(invited(), 3).tell(approved(), 6).tell(invited(), 10).tell(examined(), 15)
    assert told(pieces_of(story)) == [
        ("office", 0, 3), ("applicant", 3, 6), ("office", 6, 10), ("applicant", 10, 15), ("office", 15, 15),
    ]  # fmt: skip


def test_a_payment_that_meets_no_fee_ends_nobodys_time(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 5).tell(paid(amount=600_000), 8, recorded_h=20).tell(paid(), 30)
    assert told(pieces_of(story)) == [
        ("office", 0, 5), ("applicant", 5, 8), ("applicant", 8, 30), ("office", 30, 30),
    ]  # fmt: skip


def test_a_missing_document_comes_before_an_unreported_payment(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 1).tell(requested("family_card"), 4)
    story.tell(supplied("family_card"), 6).tell(paid(), 3, recorded_h=10)
    assert told(pieces_of(story)) == [
        ("office", 0, 1), ("applicant", 1, 3), ("bank", 3, 4), ("applicant", 4, 6), ("bank", 6, 10), ("office", 10, 10),
    ]  # fmt: skip


def test_a_transfer_names_the_agency_until_it_answers_or_the_case_comes_back(story: Story) -> None:
    story.tell(submitted()).tell(Transferred(to="civil_registry", reason=REASON, by=OFFICER), 4)
    story.tell(verified(), 30)
    story.tell(Transferred(to="civil_registry", reason=REASON, by=OFFICER), 40)
    story.tell(Transferred(to="lebong", reason=REASON, by=Actor(role="agency")), 50)
    assert told(pieces_of(story)) == [
        ("office", 0, 4), ("agency", 4, 30), ("office", 30, 40), ("agency", 40, 50), ("office", 50, 50),
    ]  # fmt: skip
    assert [piece.who for piece in pieces_of(story)] == ["", "civil_registry", "", "civil_registry", ""]


def test_overlapping_pauses_are_one_and_come_before_everything(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 1)
    story.tell(Paused(reason=REASON, by=OFFICER), 2).tell(Paused(reason=REASON, by=OFFICER), 5)
    story.tell(Resumed(by=OFFICER), 9)
    assert told(pieces_of(story, 12)) == [
        ("office", 0, 1), ("applicant", 1, 2), ("legal_pause", 2, 5), ("legal_pause", 5, 9), ("applicant", 9, 12),
    ]  # fmt: skip


def test_a_late_fact_moves_the_cuts_by_its_own_time_and_as_known_before_the_old_ones_stand() -> None:
    rows = timeline((submitted(), 0), (requested("family_card"), 2), (verified(), 60), (supplied("family_card"), 20))
    rows[-1]["recorded"] = MONDAY + hours(70)
    assert told(ledger_as_known(rows, 70)) == [
        ("office", 0, 2),
        ("applicant", 2, 20),
        ("office", 20, 60),
        ("office", 60, 70),
    ]
    assert told(ledger_as_known(rows, 69)) == [("office", 0, 2), ("applicant", 2, 60), ("applicant", 60, 69)]


def test_a_correction_moves_the_cuts_from_when_it_was_recorded() -> None:
    rows = timeline((submitted(), 0), (requested("family_card"), 2), (correcting(requested("family_card"), "e2"), 5))
    rows[-1]["recorded"] = MONDAY + hours(10)
    assert told(ledger_as_known(rows, 9)) == [("office", 0, 2), ("applicant", 2, 9)]
    assert told(ledger_as_known(rows, 10)) == [("office", 0, 5), ("applicant", 5, 10)]
    assert ledger_as_known(rows, 10)[-1].opened_by == 3


def test_of_events_at_the_same_instant_the_order_of_the_log_decides(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2).tell(supplied("family_card"), 2).tell(verified(), 5)
    assert told(pieces_of(story)) == [("office", 0, 2), ("office", 2, 5), ("office", 5, 5)]
    assert [(piece.opened_by, piece.closed_by) for piece in pieces_of(story)] == [(1, 2), (3, 4), (4, None)]
    again = Story().tell(submitted()).tell(supplied("family_card"), 2).tell(requested("family_card"), 2)
    assert told(pieces_of(again, 5)) == [("office", 0, 2), ("applicant", 2, 5)]


def test_time_spent_is_cut_at_the_borders_of_the_offices_months(story: Story) -> None:
    story.tell(submitted()).tell(verified(), 31 * 24)
    (march, april) = list(spent(pieces_of(story), JAKARTA))
    # Monday 2 March 09:00 in Lebong; its April begins on 31 March, 17:00 UTC.
    assert (march.month, march.us) == ("2026-03", (29 * 24 + 15) * HOUR)
    assert (april.month, april.us) == ("2026-04", 33 * HOUR)
    assert (april.stage, april.desk, april.party) == ("application", "verification", "office")


TIMES = st.one_of(st.integers(-500, 500), st.floats(-500, 500))
HISTORY = st.lists(
    st.tuples(ANY_FACT, TIMES, st.floats(0, 90)),
    max_size=30,
)  # fmt: skip


def tell(history: Sequence[tuple[Fact, float, float]]) -> Story:
    story = Story()
    for fact, at, delay in history:
        story.tell(fact, at, recorded_h=at + delay)
    return story


@settings(max_examples=400, deadline=None)
@given(HISTORY, st.one_of(st.none(), st.integers(-600, 900)))
def test_whatever_happened_in_whatever_order_the_pieces_have_no_gap_and_no_overlap_and_sum_to_the_whole(
    history: list[tuple[Fact, float, float]], until_h: int | None
) -> None:
    story = tell(history)
    pieces = pieces_of(story, until_h)
    begin = story.progress.reached.get("submitted")
    ended = story.situation.waits_for == "nobody"
    end = story.situation.since if ended else None if until_h is None else in_us(MONDAY + hours(until_h))
    if begin is None or (end is not None and end < begin) or (ended and end == begin):
        assert pieces == []
        return
    assert pieces[0].begin == begin
    assert all(before.end == after.begin for before, after in pairwise(pieces))
    assert all(piece.begin < piece.end for piece in pieces[:-1])
    assert end is None or pieces[-1].end == end
    assert (pieces[-1].closed_by is None) == (not ended)
    assert sum(waited(pieces).values()) == pieces[-1].end - begin
    assert sum(part.us for part in spent(pieces, JAKARTA)) == pieces[-1].end - begin
    assert all((piece.who != "") == (piece.party == "agency") for piece in pieces)
    assert all(piece.desk == "" for piece in pieces if piece.party != "office")


@settings(max_examples=400, deadline=None)
@given(HISTORY)
def test_the_open_piece_belongs_to_whom_the_status_waits_for(history: list[tuple[Fact, float, float]]) -> None:
    story = tell(history)
    pieces = pieces_of(story)
    situation = situate(story.progress, PROCEDURES.get(story.progress.service, UNDECLARED))
    if pieces and pieces[-1].closed_by is None:
        assert pieces[-1].party == situation.waits_for


@settings(max_examples=300, deadline=None)
@given(HISTORY)
def test_what_is_learned_later_changes_nothing_of_what_was_known_before(
    history: list[tuple[Fact, float, float]],
) -> None:
    story, known = Story(), list[list[Piece]]()
    for fact, at, delay in history:
        known.append(pieces_of(story))
        story.tell(fact, at, recorded_h=at + delay)
    assert known == [pieces_of(tell(history[:count])) for count in range(len(history))]


ONCE: list[Callable[[], Fact]] = [
    lambda: requested("identity_card", "family_card"),
    lambda: requested("identity_card"),
    lambda: supplied("identity_card"),
    lambda: supplied("family_card"),
    verified, assessed, lambda: paid(amount=1), paid, invited, examined, approved, refused, issued, collected,
    lambda: Withdrawn(by=APPLICANT),
    lambda: Paused(reason=REASON, by=OFFICER), lambda: Paused(reason=REASON, by=SUPERVISOR),
    lambda: Resumed(by=OFFICER), lambda: Transferred(to="civil_registry", reason=REASON, by=OFFICER), lambda: STAGE,
    lambda: Transferred(to="lebong", reason=REASON, by=OFFICER),
]  # fmt: skip


def _by_facts(story: Story) -> list[tuple[object, ...]]:
    """The pieces, with their events named by what they are instead of by their places in the log."""
    names = {moment.n: (moment.at, moment.fact) for moment in story.progress.journal}
    return [
        (piece.party, piece.begin, piece.end, names.get(piece.opened_by), names.get(piece.closed_by or 0), piece.who,
         piece.stage, piece.desk)
        for piece in pieces_of(story)
    ]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(range(len(ONCE))), unique=True), st.data())
def test_the_same_facts_make_the_same_ledger_in_whatever_order_they_arrive(
    places: list[int], data: st.DataObject
) -> None:
    times = data.draw(st.lists(st.integers(-50, 160), min_size=len(places), max_size=len(places), unique=True))
    facts: list[tuple[Fact, int]] = [(ONCE[place](), at) for place, at in zip(places, times, strict=True)]
    facts.append((submitted(), data.draw(st.integers(-60, 170).filter(lambda at: at not in times))))
    stories = []
    for order in (facts, data.draw(st.permutations(facts))):
        story = Story()
        for fact, at in order:
            story.tell(fact, at)
        stories.append(story)
    assert _by_facts(stories[0]) == _by_facts(stories[1])


def test_a_state_that_was_stored_before_there_were_ledgers_has_none() -> None:
    assert ledger(Progress(n=3, reached={"submitted": BEGAN}), None, UNDECLARED) == []


@pytest.mark.parametrize("until", [None, BEGAN + 500 * HOUR])
def test_the_ledger_changes_nothing_of_what_it_reads(until: int | None) -> None:
    story = the_worked_example()
    before = repr(story.progress)
    ledger(story.progress, until, PROCEDURES["passport_new"])
    assert repr(story.progress) == before
