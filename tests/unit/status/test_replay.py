"""What counts of an application when one event takes the place of another."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from contracts.facts import EventRef, Fact
from services.status.folding.reading import DECODERS, in_us
from services.status.folding.replay import replacements, replay
from tests.unit.status.story import MONDAY, NUMBER, OFFICE, PROCEDURES, approved, as_event, hours, refused, submitted

SOURCE = f"{OFFICE}/processing"


def correcting(fact: Fact, id: str) -> Fact:
    return msgspec.structs.replace(fact, corrects=EventRef(source=SOURCE, id=id))


def timeline(*facts: tuple[Fact, float]) -> list[dict[str, Any]]:
    """Rows of facts, each so many hours after Monday 09:00; recorded at once. The ids are e1, e2, …"""
    rows = []
    for n, (fact, after_h) in enumerate(facts, 1):
        event = msgspec.json.decode(as_event(fact, MONDAY + hours(after_h), id=f"e{n}"))
        at = datetime.fromisoformat(event["time"])
        rows.append(
            {
                "number": NUMBER, "n": n, "fact": event["type"].split(".")[-2], "occurred": at, "recorded": at,
                "source": event["source"], "event_id": event["id"], "data": msgspec.json.encode(event["data"]),
            }
        )  # fmt: skip
    return rows


def test_a_corrected_decision_no_longer_counts_and_its_place_is_taken() -> None:
    rows = timeline((submitted(), 0), (refused(), 5), (correcting(approved(), "e2"), 6))
    progress = replay(rows, PROCEDURES)
    assert progress is not None
    assert (progress.outcome, progress.reasons, progress.reached["decided"]) == (
        "approved",
        (),
        in_us(MONDAY + hours(6)),
    )
    assert progress.n == 3
    assert [moment.n for moment in progress.journal] == [1, 3]


def test_before_the_correction_was_recorded_the_first_decision_counted() -> None:
    rows = timeline((submitted(), 0), (refused(), 5), (correcting(approved(), "e2"), 6))
    progress = replay(rows, PROCEDURES, known_at=MONDAY + hours(5.5))
    assert progress is not None
    assert (progress.outcome, progress.n) == ("refused", 2)


def test_a_correction_moves_an_event_to_its_true_time() -> None:
    rows = timeline((submitted(), 0), (approved(), 5), (correcting(approved(), "e2"), 3))
    progress = replay(rows, PROCEDURES)
    assert progress is not None
    assert progress.reached["decided"] == in_us(MONDAY + hours(3))


def test_of_the_future_nothing_is_true_yet() -> None:
    rows = timeline((submitted(), 0), (approved(), 5))
    progress = replay(rows, PROCEDURES, valid_at=MONDAY + hours(1))
    assert progress is not None
    assert (progress.outcome, [moment.n for moment in progress.journal], progress.n) == ("", [1], 2)
    assert replay(rows, PROCEDURES, valid_at=MONDAY - hours(1)) is None


@pytest.mark.parametrize(
    ("corrects", "replaced"),
    [
        ({3: 2}, {2: 3}),
        ({1: 1}, {}),
        ({2: 3}, {3: 2}),
        ({1: 2, 2: 1}, {1: 2}),
        ({1: 2, 2: 3, 3: 1}, {1: 3}),
        ({2: 1, 3: 2}, {1: 2, 2: 3}),
        ({2: 1, 3: 1}, {1: 3}),
        ({2: 9}, {}),
    ],
    ids=["earlier", "itself", "later", "each other", "a circle", "a chain", "twice", "never there"],
)
def test_what_takes_the_place_of_what(corrects: dict[int, int], replaced: dict[int, int]) -> None:
    events = [(n, "s", str(n), ("s", str(corrects[n])) if n in corrects else None) for n in (1, 2, 3)]
    assert replacements(events) == replaced


def test_every_fact_may_be_a_correction() -> None:
    data = b'{"by":{"role":"system"},"corrects":{"source":"//x","id":"1"}'
    needed = {
        "submitted": b',"service":"a","office":"b"', "documents_requested": b',"documents":[]',
        "document_supplied": b',"document":{"requirement":"a"}',
        "fee_assessed": b',"billing_code":"1","amount":1,"expires_at":"2026-01-01T00:00:00Z"',
        "fee_paid": b',"billing_code":"1","amount":1', "invited": b',"examination":"a","at":"2026-01-01T00:00:00Z"',
        "examined": b',"examinations":[]', "decided": b',"outcome":"approved"', "issued": b',"product":"a"',
        "paused": b',"reason":{"code":"a"}', "transferred": b',"to":"a"',
        "stage_recorded": b',"stage":"a","labels":{"id":"a","en":"a"}',
    }  # fmt: skip
    for fact, decode in DECODERS.items():
        assert decode(data + needed.get(fact, b"") + b"}").corrects.id == "1"
