"""Corrections on the timeline: both events stay, each says what became of it."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from contracts.facts import EventRef, Fact
from services.status.answering.entries import Entries, Entry
from services.status.answering.views import Presenter
from services.status.past.asof import NO_CORRECTIONS, corrections_of
from tests.unit.status.story import (
    CATALOGUE,
    MONDAY,
    OFFICE,
    PROCEDURES,
    approved,
    as_event,
    hours,
    refused,
    submitted,
    verified,
)


def correcting(fact: Fact, id: str) -> Fact:
    """`fact` in the place of the event `id`."""
    return msgspec.structs.replace(fact, corrects=EventRef(source=f"{OFFICE}/processing", id=id))


def row(n: int, fact: Fact, after_h: float, *, recorded_h: float | None = None) -> dict[str, Any]:
    """The row of event `e<n>` on a timeline."""
    at: datetime = MONDAY + hours(after_h)
    event = msgspec.json.decode(as_event(fact, at, id=f"e{n}"))
    return {
        "n": n,
        "fact": event["type"].split(".")[-2],
        "occurred": at,
        "recorded": MONDAY + hours(after_h if recorded_h is None else recorded_h),
        "source": event["source"],
        "event_id": event["id"],
        "data": msgspec.json.encode(event["data"]),
        "deviations": None,
    }


def entries(*rows: dict[str, Any]) -> list[Entry]:
    corrections = corrections_of(rows)
    words = Entries(Presenter(CATALOGUE, PROCEDURES))
    return [words.entry(one, "passport_new", "lebong", corrections) for one in rows]


def test_the_corrected_event_says_what_took_its_place_and_since_when() -> None:
    _, wrong, right = entries(
        row(1, submitted(), 0), row(2, refused(), 5), row(3, correcting(approved(), "e2"), 5, recorded_h=30)
    )
    assert wrong.corrected_by is not None
    assert wrong.corrected_by.n == 3
    assert wrong.corrected_by.text.en == (
        "No longer counts since Tuesday, 3 March 2026, 15:00 WIB: event 3 took its place."
    )
    assert right.corrects is not None
    assert right.corrects.n == 2
    assert right.corrects.text.id == "Menggantikan kejadian 2, yang sejak itu tidak lagi berlaku."
    assert (wrong.corrects, right.corrected_by, right.deviations) == (None, None, [])


def test_a_correction_of_a_correction_leaves_all_three_on_the_timeline() -> None:
    _, first, second, third = entries(
        row(1, submitted(), 0),
        row(2, refused(), 5),
        row(3, correcting(approved(), "e2"), 6),
        row(4, correcting(refused(), "e3"), 7),
    )
    assert [entry.corrected_by.n if entry.corrected_by else None for entry in (first, second, third)] == [3, 4, None]
    assert second.corrects is not None
    assert second.corrects.n == 2
    assert second.deviations == []


def test_a_correction_of_what_is_not_on_the_timeline_says_so_and_is_flagged() -> None:
    _, lost = entries(row(1, submitted(), 0), row(2, correcting(verified(), "elsewhere"), 5))
    assert lost.corrects is not None
    assert (lost.corrects.n, lost.corrects.id) == (None, "elsewhere")
    assert [deviation.code for deviation in lost.deviations] == ["corrects_unknown"]
    assert "not on this timeline yet" in lost.deviations[0].text.en


def test_a_correction_that_arrives_before_what_it_corrects_takes_effect_when_that_comes() -> None:
    early, late = row(1, correcting(verified(), "e2"), 5), row(2, verified(), 4)
    assert entries(early)[0].deviations[0].code == "corrects_unknown"
    right, wrong = entries(early, late)
    assert right.deviations == []
    assert wrong.corrected_by is not None
    assert wrong.corrected_by.n == 1


@pytest.mark.parametrize("circle", [[(1, "e1")], [(1, "e2"), (2, "e1")]])
def test_a_correction_of_itself_or_in_a_circle_is_flagged_and_takes_effect_at_most_once(
    circle: list[tuple[int, str]],
) -> None:
    told = entries(*[row(n, correcting(verified(), of), n) for n, of in circle])
    assert told[0].corrects is not None
    assert [deviation.code for deviation in told[0].deviations] == ["corrects_nothing"]
    assert sum(entry.corrected_by is not None for entry in told) == len(circle) - 1


def test_without_corrections_nothing_is_said_of_them() -> None:
    rows = [row(1, submitted(), 0), row(2, verified(), 1)]
    assert corrections_of(rows) is NO_CORRECTIONS
    assert all(entry.corrects is entry.corrected_by is None for entry in entries(*rows))
