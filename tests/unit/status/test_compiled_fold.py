"""The compiled fold does what the Python fold does, to the byte: with ordinary lives, with surprises, with broken records."""

import gc
import os
import random
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from copy import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.facts import Actor, EventRef, Fact, Withdrawn
from contracts.number import format_number
from services.status.folding import compiled
from services.status.folding.compiled import CompiledFold, open_fold
from services.status.folding.fold import PartitionFold, RawRecord
from services.status.folding.native.build import CannotCompile, build, compile_to
from services.status.folding.reading import in_us
from tests.bench.events import life, log
from tests.unit.status.story import (
    APPLICANT,
    MONDAY,
    OFFICE,
    PROCEDURES,
    as_event,
    assessed,
    collected,
    examined,
    hours,
    paid,
    requested,
    submitted,
    supplied,
    verified,
)
from tests.unit.status.test_deviations import ANY_FACT

NUMBERS = [format_number("LBG", bytes([place] * 10)) for place in range(4)]
RECORDED_MS = 1_772_420_400_000


@pytest.fixture(scope="module", autouse=True)
def library() -> None:
    try:
        build()
    except CannotCompile as why:
        pytest.skip(str(why))


def told(fold: PartitionFold, records: Sequence[RawRecord], blocks: int) -> dict[str, Any]:
    """All that a fold has to say of records, taken in in so many blocks."""
    refused: list[tuple[int, str]] = []
    rows = b""
    size = len(records) // blocks + 1
    for begin in range(0, len(records), size):
        rows += b"".join(
            fold.take(records[begin : begin + size], lambda offset, error: refused.append((offset, str(error))))
        )
        fold.rest(2)
    tracks = list(fold.applications())
    return {
        "rows": rows,
        "refused": refused,
        "events": fold.events,
        "corrected": fold.corrected,
        "states": {track.key: (track.last_offset, track.progress) for track in tracks},
        "applications": sorted(fold.application_rows({track.key.decode(): copy(track.progress) for track in tracks})),
    }


def assert_alike(records: Sequence[RawRecord], blocks: int = 1) -> None:
    ours = told(CompiledFold(0, 1, PROCEDURES), records, blocks)
    for key, value in told(PartitionFold(0, 1, PROCEDURES), records, blocks).items():
        assert ours[key] == value, key


def test_ordinary_lives_are_folded_without_python() -> None:
    records = [(n, RECORDED_MS + n, key.encode(), value) for n, (key, value) in enumerate(log(20_000))]
    assert_alike(records, blocks=7)
    fold = CompiledFold(0, 1, PROCEDURES)
    fold.take(records, pytest.fail)
    assert fold.events == len(records)
    assert not fold.tracks, "Python was needed"


@st.composite
def events(draw: st.DrawFn) -> tuple[str, bytes]:
    """(number, event): any fact, at any time, for one of few applications; sometimes one that was there before."""
    number = draw(st.sampled_from(NUMBERS))
    fact = draw(st.one_of(ANY_FACT, st.builds(lambda seed: next(lives(seed)), st.integers(0, 99))))
    if draw(st.integers(0, 9)) == 0:
        of = EventRef(source=f"{OFFICE}/processing", id=str(draw(st.integers(0, 40))))
        fact = msgspec.structs.replace(fact, corrects=of)
    at = MONDAY + timedelta(minutes=draw(st.integers(-100, 20_000)))
    return number, as_event(fact, at, id=str(draw(st.integers(0, 40))), number=number)


def lives(seed: int) -> Iterator[Fact]:
    """The facts of a life, from a random one on."""
    chance = random.Random(seed)
    facts = [fact for _, fact in life(chance, MONDAY)]
    yield from facts[chance.randrange(len(facts)) :]


@given(st.lists(events(), max_size=30), st.integers(1, 5), st.booleans())
def test_whatever_happens(told_events: list[tuple[str, bytes]], blocks: int, broker_has_a_clock: bool) -> None:
    stamp = RECORDED_MS if broker_has_a_clock else 1_234
    assert_alike([(n, stamp + n, key.encode(), value) for n, (key, value) in enumerate(told_events)], blocks)


@st.composite
def surprised(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    """An ordinary life into which up to three surprises come."""
    at = MONDAY
    facts = [fact for _, fact in life(random.Random(draw(st.integers(0, 999))), MONDAY)]
    for _ in range(draw(st.integers(0, 3))):
        facts.insert(draw(st.integers(0, len(facts))), draw(ANY_FACT))
    records = []
    for n, fact in enumerate(facts):
        at += timedelta(minutes=draw(st.sampled_from([0, 1, 600, -1, -600])))
        records.append((NUMBERS[0], as_event(fact, at, id=str(n), number=NUMBERS[0])))
    return records


@given(surprised(), st.integers(1, 3), st.sampled_from([0, 60, 100_000]))
def test_an_application_that_surprises_goes_on_where_it_was(
    life_: list[tuple[str, bytes]], blocks: int, late_min: int
) -> None:
    records = [(n, RECORDED_MS + (n + late_min) * 60_000, key.encode(), value) for n, (key, value) in enumerate(life_)]
    assert_alike(records, blocks)


def rewritten(value: bytes, how: int) -> bytes:
    """The same event, or nearly, in other bytes."""
    event = msgspec.json.decode(value)
    other = dict(reversed(event.items()))
    return [
        msgspec.json.encode(other),  # in another order
        msgspec.json.format(value, indent=1),  # with spaces
        value.replace(b'"data"', b'"dat\\u0061"'),  # escaped
        value.replace(b'"specversion"', b'"id":"x","specversion"'),  # a name twice
        value.replace(b'"by"', b'"novelty":[1.5e3,{"x":[null,true,-1]}],"by"'),
        value.replace(b'"by"', b'"by":{"role":"officer","desk":"one","desk":"two"},"by"'),
        value.replace(b"}}", b'},"by":{"desk":"two"}}'),
        value.replace(b"lebong", "lebong-é".encode()),
        value.replace(b"Z", b"+07:00"),
        value.replace(b"2026", b"0026"),
        value.replace(b"LBG", b"lbg"),
        value.replace(b".v1", b".v2"),
        value.replace(b'"1.0"', b'"1.1"'),
        value[:-1],
        value + b" ",
        value + b"}",
        value.replace(b"//", b"//" + b"x" * 200),
        value.replace(b"//lebong", b"//" + "é".encode() * 150),
        b"",
    ][how]


@given(surprised(), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 18)), max_size=4), st.integers(1, 3))
def test_in_whatever_bytes_an_event_is_written(
    life_: list[tuple[str, bytes]], changes: list[tuple[int, int]], blocks: int
) -> None:
    values = [value for _, value in life_]
    for place, how in changes:
        values.insert(place % len(values), rewritten(life_[place % len(life_)][1], how))
    assert_alike([(n, RECORDED_MS, NUMBERS[0].encode(), value) for n, value in enumerate(values)], blocks)


@given(surprised(), st.lists(st.tuples(st.integers(0, 9_999), st.integers(0, 255)), max_size=6))
def test_whichever_bytes_are_broken(life_: list[tuple[str, bytes]], changes: list[tuple[int, int]]) -> None:
    log_ = bytearray(b"\n".join(value for _, value in life_))
    for place, byte in changes:
        log_[place % len(log_)] = byte
    assert_alike([(n, RECORDED_MS, NUMBERS[0].encode(), value) for n, value in enumerate(log_.split(b"\n"))])


def test_records_without_value_or_with_a_foreign_key_are_refused_alike() -> None:
    event, own = as_event(submitted(), MONDAY, id="1"), NUMBERS[0].encode()
    assert_alike([(0, RECORDED_MS, own, None), (1, RECORDED_MS, None, event), (2, RECORDED_MS, b"other", event)])


def test_an_application_with_more_than_is_ordinary_goes_over_to_python() -> None:
    many = [requested(*[f"paper_{n}" for n in range(20)]), *[supplied(f"paper_{n}") for n in range(20)]]
    long = [requested("x" * 64), supplied("x" * 64), requested("y" * 65)]
    for facts in (
        many,
        long,
        [assessed(), assessed("820260302000002")],
        [assessed(amount=10**12), paid(amount=10**12)],
    ):
        story: list[Fact] = [submitted(), *facts, examined(), collected(), Withdrawn(by=APPLICANT)]
        records = [
            (
                n,
                RECORDED_MS,
                NUMBERS[0].encode(),
                as_event(fact, MONDAY + timedelta(hours=n), id=str(n), number=NUMBERS[0]),
            )
            for n, fact in enumerate(story)
        ]
        assert_alike(records)


OTHER_DESK = Actor(role="officer", office="lebong", desk="cashier")
BEFORE_PAYMENT: list[tuple[Fact, float]] = [(submitted(), 0), (assessed(days=7), 1)]
PAPERS = [f"paper_{n}" for n in range(12)]
NEARLY_ORDINARY: dict[str, list[tuple[Fact, float]]] = {
    "as many documents as there is room for": [
        (submitted(), 0),
        (requested(*PAPERS), 1),
        *[(supplied(paper), 2 + n) for n, paper in enumerate(PAPERS[3:] + PAPERS[:2])],
        (requested(*PAPERS[:9]), 15),
        (supplied(PAPERS[4]), 16),
        (requested("another"), 17),
        (verified(), 18),
    ],
    "two acts at one instant": [
        (submitted(), 0),
        (requested("family_card"), 1),
        (msgspec.structs.replace(requested("family_card"), by=OTHER_DESK), 1),
    ],
    "paid to the last moment": [*BEFORE_PAYMENT, (paid(), 7 * 24)],
    "paid too late": [*BEFORE_PAYMENT, (paid(), 7 * 24 + 0.001)],
    "paid twice": [*BEFORE_PAYMENT, (paid(), 2), (paid(), 3)],
    "paid too little": [*BEFORE_PAYMENT, (paid(amount=1), 2)],
    "paid under another code": [*BEFORE_PAYMENT, (paid("820260302000009"), 2)],
    "paid before it was asked": [(submitted(), 0), (paid(), 1)],
    "after the end": [(submitted(), 0), (collected(), 1), (requested("family_card"), 2)],
    "at the instant of the end": [(submitted(), 0), (collected(), 1), (requested("family_card"), 1)],
    "before submission": [(verified(), 0), (submitted(), 1)],
    "submitted twice": [(submitted(), 0), (submitted("itas"), 1)],
    "a document nobody asked for": [(submitted(), 0), (supplied("family_card"), 1)],
    "a service that nobody declares": [(submitted("unheard_of"), 0), (collected(), 1), (examined(), 2)],
    "an earlier fact": [(submitted(), 2), (verified(), 1)],
}


@pytest.mark.parametrize("reported_after_h", [0, 0.9, 1.1])
@pytest.mark.parametrize("story", NEARLY_ORDINARY.values(), ids=NEARLY_ORDINARY)
def test_what_is_nearly_ordinary(story: list[tuple[Fact, float]], reported_after_h: float) -> None:
    records = []
    for n, (fact, after_h) in enumerate(story):
        recorded_ms = in_us(MONDAY + hours(after_h + (reported_after_h if n else 0))) // 1_000
        event = as_event(fact, MONDAY + hours(after_h), id=str(n), number=NUMBERS[0])
        records.append((n, recorded_ms, NUMBERS[0].encode(), event))
    assert_alike(records)


@pytest.mark.parametrize(
    "time",
    [
        "2026-02-28T23:59:59Z", "2026-02-29T00:00:00Z", "2028-02-29T00:00:00.000001Z", "2100-02-29T00:00:00Z", "2026-03-02T24:00:00Z",
        "2026-03-02T00:60:00Z", "2026-03-02T00:00:60Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-03-02T00:00:00.1Z", "2026-03-02T00:00:00.1234567Z", "2026-03-02T00:00:00.Z", "2026-03-02 00:00:00Z",
        "2026-03-02T00:00:00z", "2026-03-02T00:00:00", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    ],
)  # fmt: skip
def test_times_are_read_alike(time: str) -> None:
    event = as_event(submitted(), MONDAY, id="1", number=NUMBERS[0]).replace(b"2026-03-02T02:00:00Z", time.encode())
    assert time.encode() in event
    assert_alike([(0, 1_234, NUMBERS[0].encode(), event)])


def test_a_service_with_more_stages_than_a_mask_has_bits_is_left_to_python() -> None:
    procedure = PROCEDURES["passport_new"]
    stages = tuple((f"stage_{n}", "submitted", False) for n in range(63))
    longer = {"passport_new": msgspec.structs.replace(procedure, stages=stages)}
    record = (0, RECORDED_MS, NUMBERS[0].encode(), as_event(submitted(), MONDAY, id="1", number=NUMBERS[0]))
    fold = CompiledFold(0, 1, longer)
    fold.take([record], pytest.fail)
    assert list(fold.tracks) == [NUMBERS[0]]


@pytest.mark.parametrize("kind", [PartitionFold, CompiledFold])
def test_a_fold_is_gone_when_nobody_has_it(kind: type[PartitionFold]) -> None:
    fold = kind(0, 1, PROCEDURES)
    fold.take([(n, RECORDED_MS, key.encode(), value) for n, (key, value) in enumerate(log(100))], pytest.fail)
    gone = weakref.ref(fold)
    gc.disable()  # as a worker of a rebuild does, which folds one partition after the other
    try:
        del fold
        assert gone() is None
    finally:
        gc.enable()


def test_it_can_be_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert type(open_fold(0, 1, PROCEDURES)) is CompiledFold
    monkeypatch.setenv("JEJAK_FOLD", "python")
    assert type(open_fold(0, 1, PROCEDURES)) is PartitionFold
    monkeypatch.delenv("JEJAK_FOLD")
    changed = tmp_path / "ordinary.c"
    changed.write_bytes(compiled.SOURCE.read_bytes() + b"\n")
    monkeypatch.setattr(compiled, "SOURCE", changed)
    assert type(open_fold(0, 1, PROCEDURES)) is PartitionFold, "a library of another source is not used"


def test_no_bytes_make_it_read_or_write_where_it_should_not(tmp_path: Path) -> None:
    runtime = subprocess.run(
        ["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    library = tmp_path / "sanitized.so"
    try:
        compile_to(library, ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
    except CannotCompile as why:
        pytest.skip(str(why))
    if not Path(runtime).is_absolute():
        pytest.skip("the compiler has no address sanitizer that can be loaded first")
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.status.sanitized", str(library), "1"],
        env=os.environ | {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sanitized: ")
