"""What surprises is recorded as a deviation from the declared process, and refused nowhere."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import MalformedEvent
from contracts.facts import (
    Actor,
    DeadlinePassed,
    EventRef,
    Fact,
    Labels,
    NotificationFailed,
    NotificationSent,
    Paused,
    PersonalDataErased,
    Reason,
    Resumed,
    StageRecorded,
    Transferred,
    Withdrawn,
)
from services.status.folding.fold import PartitionFold, encode_progress
from services.status.folding.partitions import partition_of
from tests.unit.status.story import (
    APPLICANT,
    MONDAY,
    NUMBER,
    OFFICER,
    PROCEDURES,
    Story,
    approved,
    as_event,
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


def test_a_decision_before_payment_is_recorded_as_a_deviation(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 1).tell(verified(), 2).tell(examined(), 3).tell(approved(), 4)
    assert "ahead_of:payment" in story.found[-1]
    assert story.situation.code == "approved"


def test_the_deviation_falls_when_a_late_report_shows_that_the_order_was_kept(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 1).tell(verified(), 2.5).tell(examined(), 3).tell(approved(), 4)
    story.tell(paid(), 2, recorded_h=30)
    assert "ahead_of:payment" not in story.standing
    assert "ahead_of:payment" in story.found[-2]


def test_the_deviation_stays_when_the_payment_came_afterwards(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 1).tell(verified(), 2).tell(examined(), 3).tell(approved(), 4)
    story.tell(paid(), 9)
    assert "ahead_of:payment" in story.standing


def test_a_stage_reached_twice_is_flagged(story: Story) -> None:
    story.tell(submitted()).tell(verified(), 1).tell(verified(), 2)
    assert story.found[-1][0] == "repeated:verification"


def test_a_document_nobody_asked_for_is_flagged(story: Story) -> None:
    story.tell(submitted()).tell(supplied("family_card"), 1)
    assert story.found[-1] == ("document_not_requested",)


def test_what_happens_after_the_end_is_flagged(story: Story) -> None:
    story.tell(submitted()).tell(Withdrawn(by=APPLICANT), 1).tell(verified(), 2)
    assert "after_end" in story.found[-1]


def test_notices_are_on_the_timeline_and_change_nothing(story: Story) -> None:
    story.tell(submitted())
    before = story.situation
    about = EventRef(source="//lebong.imigrasi.go.id/intake", id="1")
    story.tell(
        NotificationSent(
            about=about, channel="email", template="submitted", language="id", attempt=1, by=Actor(role="system")
        ),
        1,
    )
    assert (story.situation, story.progress.n, story.found[-1]) == (before, 2, ())


STAGE = StageRecorded(stage="field_supervision", labels=Labels(id="Pengawasan", en="Supervision"), by=OFFICER)
REASON = Reason(code="system_outage")
ANY_FACT = st.sampled_from(
    [
        submitted(),
        submitted("itas"),
        requested("identity_card", "family_card"),
        requested("identity_card"),
        supplied("identity_card"),
        supplied("family_card"),
        verified(),
        assessed(),
        assessed("820260302000002", 100, 1),
        paid(),
        paid(amount=1),
        paid("820260302000002", 100),
        invited(),
        examined(),
        approved(),
        refused(),
        issued(),
        collected(),
        Withdrawn(by=APPLICANT),
        Paused(reason=REASON, by=OFFICER),
        Resumed(by=OFFICER),
        Transferred(to="civil_registry", reason=REASON, by=OFFICER),
        DeadlinePassed(rule="r", rule_version=1, deadline=MONDAY, by=OFFICER),
        NotificationFailed(
            about=EventRef(source="s", id="1"),
            channel="email",
            template="t",
            attempt=1,
            reason=REASON,
            final=True,
            by=OFFICER,
        ),
        PersonalDataErased(reason=REASON, legal_basis="UU 27/2022", by=OFFICER),
        STAGE,
    ]
)
HISTORY = st.lists(st.tuples(ANY_FACT, st.integers(-500, 500)), max_size=30)


@settings(max_examples=300, deadline=None)
@given(HISTORY)
def test_any_facts_in_any_order_are_taken_in_and_can_be_shown(history: list[tuple[Fact, int]]) -> None:
    story = Story()
    for fact, after_h in history:
        story.tell(fact, after_h)
    assert story.progress.n == len(history)
    if history:
        view = story.view
        assert all((view.headline.id, view.headline.en, view.todo.text.id, view.todo.text.en))
        assert view.waiting.since >= datetime(2025, 1, 1, tzinfo=UTC)


def _take(fold: PartitionFold, events: list[bytes]) -> list[bytes]:
    def refuse(offset: int, error: MalformedEvent) -> None:
        raise error

    return fold.take([(7, 1_772_420_400_000, NUMBER.encode(), event) for event in events], refuse)


def _folded(events: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    partition = partition_of(NUMBER, 12)
    fold = PartitionFold(partition, 12, PROCEDURES)
    return _take(fold, events), list(fold.application_rows())


@settings(max_examples=200, deadline=None)
@given(HISTORY, st.data())
def test_repeated_events_change_nothing(history: list[tuple[Fact, int]], data: st.DataObject) -> None:
    events = [as_event(fact, MONDAY + hours(at), id=str(place)) for place, (fact, at) in enumerate(history)]
    repeated = []
    for place, event in enumerate(events):
        repeated.append(event)
        repeated += [events[again] for again in data.draw(st.lists(st.integers(0, place), max_size=3))]
    assert _folded(repeated) == _folded(events)


@settings(max_examples=200, deadline=None)
@given(HISTORY, st.integers(0, 30))
def test_an_application_that_rested_is_folded_on_as_if_it_had_not(history: list[tuple[Fact, int]], stop: int) -> None:
    events = [as_event(fact, MONDAY + hours(at), id=str(place)) for place, (fact, at) in enumerate(history)]
    fold = PartitionFold(partition_of(NUMBER, 12), 12, PROCEDURES)
    rows = _take(fold, events[:stop])
    fold.rest(0)
    assert not fold.tracks
    rows += _take(fold, events[stop:])
    assert _take(fold, events) == []
    fold.rest(0)
    assert (rows, list(fold.application_rows())) == _folded(events)
    assert fold.events == len(events)


@settings(max_examples=200, deadline=None)
@given(HISTORY, st.integers(0, 30))
def test_going_on_from_a_stored_state_is_the_same_as_never_having_stopped(
    history: list[tuple[Fact, int]], stop: int
) -> None:
    events = [as_event(fact, MONDAY + hours(at), id=str(place)) for place, (fact, at) in enumerate(history)]
    partition = partition_of(NUMBER, 12)
    first, second = PartitionFold(partition, 12, PROCEDURES), PartitionFold(partition, 12, PROCEDURES)
    _take(first, events[:stop])
    for track in first.tracks.values():
        second.resume(NUMBER, encode_progress(track.progress), track.last_offset)
    _take(second, events[stop:])
    assert list(second.application_rows()) == _folded(events)[1]
