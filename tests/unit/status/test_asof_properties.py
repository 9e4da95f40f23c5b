"""The past equals what the projection held then: at every instant of random histories, with corrections, equal recorded
times and facts that come years late; the projection is the service's own fold of the records so far."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import PARTITIONS
from contracts.facts import EventRef, Fact
from services.status.folding.fold import PartitionFold, encode_progress
from services.status.folding.partitions import partition_of
from services.status.folding.progress import Progress
from services.status.folding.reading import DECODERS, in_us
from services.status.past.asof import Instants, corrections_of, known, progress_at, shown_of, visible
from tests.unit.status.story import (
    MONDAY,
    NUMBER,
    OFFICE,
    PROCEDURES,
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

KEY = NUMBER.encode()
FACTS: list[Fact] = [
    submitted(), requested("family_card"), supplied("family_card"), verified(), assessed(), paid(), invited(), examined(),
    approved(), refused(), issued(), collected(),
]  # fmt: skip
RECORDED = in_us(MONDAY + timedelta(days=20)) // 1_000


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, bytes]]:
    """(recorded in ms, event) in the order of the log; the log's own times never go back, the events' own times do."""
    records = []
    recorded = RECORDED
    for place in range(draw(st.integers(1, 9))):
        recorded += draw(st.sampled_from([0, 0, 1, 3_600_000, 86_400_000]))
        fact = draw(st.sampled_from(FACTS))
        if draw(st.booleans()) and draw(st.booleans()):
            of = draw(st.integers(0, 9))  # earlier, later, itself, or never there
            fact = msgspec.structs.replace(fact, corrects=EventRef(source=f"{OFFICE}/processing", id=f"e{of}"))
        late = draw(st.sampled_from([0, 0, 1, 30, 300, 20_000]))
        at = datetime.fromtimestamp(recorded / 1_000, UTC) - hours(late)
        records.append((recorded, as_event(fact, at, id=f"e{place}")))
    return records


def _rows(records: list[tuple[int, bytes]]) -> list[dict[str, Any]]:
    rows = []
    for place, (recorded, value) in enumerate(records):
        event = msgspec.json.decode(value)
        rows.append(
            {
                "n": place + 1,
                "fact": event["type"].split(".")[-2],
                "occurred": datetime.fromisoformat(event["time"]),
                "recorded": datetime.fromtimestamp(recorded / 1_000, UTC),
                "source": event["source"],
                "event_id": event["id"],
                "data": msgspec.json.encode(event["data"]),
            }
        )
    return rows


def _projected(records: list[tuple[int, bytes]]) -> Progress | None:
    """What the service's own fold makes of these records without those that are corrected."""
    fold = PartitionFold(partition_of(NUMBER, PARTITIONS), PARTITIONS, PROCEDURES)
    gone = _corrected(records)
    counting = [(place, *record) for place, record in enumerate(records) if place not in gone]
    fold.take(((place, recorded, KEY, value) for place, recorded, value in counting), _never)
    return next((track.progress for track in fold.applications()), None)


def _corrected(records: list[tuple[int, bytes]]) -> set[int]:
    """The places of the records that are corrected: told without the service's code, from the rule in the contract."""
    places = {f"e{place}": place for place in range(len(records))}
    refers = {
        place: corrects["id"]
        for place, (_, value) in enumerate(records)
        if (corrects := msgspec.json.decode(value)["data"].get("corrects"))
    }
    gone = set()
    for place, id_ in refers.items():
        of = places.get(id_)
        if of is not None and of != place and (of < place or of not in refers):
            gone.add(of)
    return gone


def _never(offset: int, error: Exception) -> None:
    raise AssertionError((offset, error))


def _encoded(progress: Progress | None, *, places: bool = True) -> bytes:
    """Everything that is known; without `places`, but for where each event stands on the timeline."""
    if progress is None:
        return b""
    if not places:
        journal = [msgspec.structs.replace(moment, n=0) for moment in progress.journal]
        progress = msgspec.structs.replace(progress, n=0, journal=journal)
    return encode_progress(progress)


@settings(max_examples=150, deadline=None)
@given(histories())
def test_as_known_at_every_instant_is_the_projection_of_what_was_recorded_until_then(
    records: list[tuple[int, bytes]],
) -> None:
    rows = _rows(records)
    millisecond = timedelta(milliseconds=1)
    for instant in {row["recorded"] + step for row in rows for step in (-millisecond, 0 * millisecond, millisecond)}:
        count = sum(row["recorded"] <= instant for row in rows)
        instants = Instants(known_at=instant)
        then = progress_at(rows, PROCEDURES, instants)
        assert _encoded(then, places=False) == _encoded(_projected(records[:count]), places=False), instant
        assert then is None or then.n == count
        assert visible(rows, instants) == rows[:count]
        assert shown_of(visible(rows, instants)) == count


@settings(max_examples=150, deadline=None)
@given(histories(), st.sampled_from([0, 1, 29, 31, 301, 20_001]))
def test_as_true_at_an_instant_is_what_counts_now_of_what_had_happened_by_then(
    records: list[tuple[int, bytes]], before_h: int
) -> None:
    rows = _rows(records)
    instant = rows[-1]["recorded"] - hours(before_h)
    then = progress_at(rows, PROCEDURES, Instants(valid_at=instant))
    gone = corrections_of(rows).replaced_by
    happened = [row["n"] for row in rows if row["occurred"] <= instant and row["n"] not in gone]
    assert [moment.n for moment in then.journal] == happened if then else not happened


@settings(max_examples=100, deadline=None)
@given(histories(), st.integers(0, 8), st.integers(0, 8))
def test_both_together_are_what_was_true_by_what_was_known(
    records: list[tuple[int, bytes]], first: int, second: int
) -> None:
    rows = _rows(records)
    known_at, valid_at = rows[first % len(rows)]["recorded"], rows[second % len(rows)]["occurred"]
    both = progress_at(rows, PROCEDURES, Instants(known_at, valid_at))
    count = len(known(rows, Instants(known_at=known_at)))
    assert _encoded(both) == _encoded(progress_at(rows[:count], PROCEDURES, Instants(valid_at=valid_at)))


def test_the_histories_hold_what_they_are_meant_to_hold() -> None:
    """Corrections that count, equal recorded times, and facts that are earlier than those before them."""
    found = set()

    @settings(max_examples=100, deadline=None, database=None)
    @given(histories())
    def look(records: list[tuple[int, bytes]]) -> None:
        rows = _rows(records)
        found.add(("corrected", bool(corrections_of(rows).replaced_by)))
        found.add(("equal", len({row["recorded"] for row in rows}) < len(rows)))
        found.add(("late", any(a["occurred"] > b["occurred"] for a, b in pairwise(rows))))
        found.add(("unknown", any(one.n is None for one in corrections_of(rows).references.values())))
        assert all(row["fact"] in DECODERS for row in rows)

    look()
    assert {(what, True) for what in ("corrected", "equal", "late", "unknown")} <= found
