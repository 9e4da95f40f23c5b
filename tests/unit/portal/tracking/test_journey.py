"""The way of an application: what is on it, in which order, with whose waiting, and that corrections hide nothing."""

from datetime import timedelta

from services.portal.tracking.journey import comes_from_intake, has_fee, journey, notices
from tests.unit.portal.tracking.told import at, corrected, entry, piece, stage, status, told_of


def test_what_happened_comes_before_what_is_still_to_come() -> None:
    stages = [
        stage("a", "done"),
        stage("b", "current"),
        stage("c", "optional"),
        stage("d", "ahead"),
        stage("e", "skipped"),
    ]
    steps = journey(status(stages=stages), [entry(1, "submitted", 0)])
    assert [(one.state, one.title.id) for one in steps] == [
        ("done", "submitted"), ("current", "b"), ("optional", "c"), ("ahead", "d"),
    ]  # fmt: skip


def test_messages_are_told_in_a_list_of_their_own_the_latest_first() -> None:
    entries = [entry(1, "submitted", 0), entry(2, "notification_sent", 1), entry(3, "notification_failed", 2)]
    assert [one.n for one in journey(status(), entries)] == [1]
    assert [one.n for one in notices(entries)] == [3, 2]


def test_a_message_says_of_which_event_it_told() -> None:
    entries = [
        entry(1, "submitted", 0),
        entry(2, "notification_sent", 1, about=told_of(1)),
        entry(3, "notification_failed", 2, about=told_of(9)),
    ]
    assert [one.about.title.id if one.about else None for one in notices(entries)] == [None, "submitted"]


def test_a_wait_that_a_message_cut_in_two_is_told_as_one() -> None:
    entries = [
        entry(1, "submitted", 0, piece("office", 0, 1)),
        entry(2, "notification_sent", 1, piece("office", 1, 3)),
        entry(3, "documents_requested", 3, piece("applicant", 3, None)),
    ]
    first, second = journey(status(), entries)
    assert [(mark.party, mark.length) for mark in first.marks] == [("office", timedelta(hours=3))]
    assert [(mark.begin, mark.length) for mark in second.marks] == [(at(3), None)]


def test_a_wait_of_seconds_is_not_worth_a_line() -> None:
    (step,) = journey(status(), [entry(1, "submitted", 0, piece("office", 0, 0.01))])
    assert step.marks == []


def test_a_corrected_event_and_what_took_its_place_are_both_shown() -> None:
    entries = [
        entry(1, "fee_assessed", 0, corrected_by=corrected(2)),
        entry(2, "fee_assessed", 1, corrects=corrected(1)),
    ]
    first, second = journey(status(), entries)
    assert (first.state, second.state) == ("void", "done")
    assert first.remarks[0].id == "event 2 took its place"
    assert second.remarks


def test_what_was_recorded_much_later_is_told_with_both_times() -> None:
    late, prompt = entry(1, "fee_paid", 0, recorded_at=at(18)), entry(2, "issued", 1)
    assert [one.recorded_at for one in journey(status(), [late, prompt])] == [at(18), None]


def test_only_what_was_handed_in_here_can_be_withdrawn_here() -> None:
    assert comes_from_intake([entry(1, "submitted", 0, source="//lebong.imigrasi.go.id/intake")])
    assert not comes_from_intake([entry(1, "submitted", 0, source="//agency.example/history/a")])


def test_money_is_spoken_of_where_there_was_any() -> None:
    assert has_fee([entry(1, "fee_assessed", 0)])
    assert not has_fee([entry(1, "submitted", 0)])
