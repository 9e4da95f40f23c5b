"""Exports of older systems: what a mapping makes of them, and what it refuses."""

import gzip
import textwrap
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from contracts.envelope import decode_event, decode_fact
from contracts.facts import Decided, StageRecorded, Submitted
from contracts.number import parse_number
from services.intake.history.events import HistoryEvent, Translation
from services.intake.history.mapping import HistoryMapping, MappingError, Unreadable, code_of, load_mapping
from services.intake.history.reading import DamagedFile, Row, read_rows

MAPPING = """
system: old
office: lebong
service: passport_new
columns: {application: case, activity: what, time: when, desk: {column: desk, values: {Front: front, EMPTY: null}, default: other}}
channel: {column: via, values: {web: internet}, default: desk}
time_zone: Asia/Jakarta
activities:
  Received: {event: submitted}
  Decision:
    event: decided
    data: {outcome: {column: result, values: {ok: approved, nok: refused}}}
  Check:
    stage: check
    labels: {id: Diperiksa, en: Checked}
"""
HEADER = "case,what,when,desk,via,result\n"


@pytest.fixture
def mapping(tmp_path: Path) -> HistoryMapping:
    return written(tmp_path, MAPPING)


def written(folder: Path, text: str) -> HistoryMapping:
    path = folder / "mapping.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load_mapping(path)


def export(folder: Path, *lines: str, name: str = "old.csv") -> Path:
    path = folder / name
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def events(mapping: HistoryMapping, path: Path, key: bytes = b"k" * 32) -> list[HistoryEvent]:
    translation = Translation(mapping, source="//lebong.imigrasi.go.id", prefix="LBG", number_key=key)
    with closing(read_rows(path, mapping)) as rows:
        return [translation.event(row) for row in rows]


def facts(mapping: HistoryMapping, path: Path) -> list[object]:
    return [decode_fact(decode_event(event.body)) for event in events(mapping, path)]


def test_activities_become_facts_with_their_own_times(mapping: HistoryMapping, tmp_path: Path) -> None:
    path = export(
        tmp_path,
        "A1,Received,2020-01-02 08:00:00,Front,web,",
        "A1,Check,2020-01-02T09:00:00+07:00,EMPTY,web,",
        "A1,Decision,2020-01-03 08:00:00,Back,web,nok",
    )
    submitted, checked, decided = facts(mapping, path)
    assert isinstance(submitted, Submitted)
    assert (submitted.service, submitted.office, submitted.channel, submitted.by.desk) == (
        "passport_new",
        "lebong",
        "internet",
        "front",
    )
    assert isinstance(checked, StageRecorded)
    assert (checked.stage, checked.labels.id, checked.by.desk) == ("check", "Diperiksa", None)
    assert isinstance(decided, Decided)
    assert (decided.outcome, decided.by.desk) == ("refused", "other")
    times = [decode_event(event.body).time for event in events(mapping, path)]
    assert times == [
        datetime(2020, 1, 2, 1, tzinfo=UTC),
        datetime(2020, 1, 2, 2, tzinfo=UTC),
        datetime(2020, 1, 3, 1, tzinfo=UTC),
    ]


def test_the_same_file_gives_the_same_events_again(mapping: HistoryMapping, tmp_path: Path) -> None:
    path = export(tmp_path, "A1,Received,2020-01-02 08:00:00,Front,web,", "A2,Received,2020-01-02 08:00:00,Front,web,")
    assert events(mapping, path) == events(mapping, path)


def test_equal_lines_are_told_apart(mapping: HistoryMapping, tmp_path: Path) -> None:
    line = "A1,Check,2020-01-02 08:00:00,Front,web,"
    ids = {decode_event(event.body).id for event in events(mapping, export(tmp_path, line, line, line))}
    assert len(ids) == 3


def test_numbers_are_valid_one_for_each_application_and_secret(mapping: HistoryMapping, tmp_path: Path) -> None:
    path = export(
        tmp_path,
        "A1,Received,2020-01-02,Front,web,",
        "A2,Received,2020-01-02,Front,web,",
        "A1,Check,2020-01-03,Front,web,",
    )
    first, second, third = [event.number for event in events(mapping, path)]
    assert first == third != second
    assert parse_number(first) == first
    assert events(mapping, path, key=b"x" * 32)[0].number != first
    assert b"A1" not in events(mapping, path)[0].body


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A1,Dance,2020-01-02,Front,web,", "its activity is not in the mapping"),
        ("A1,,2020-01-02,Front,web,", "it has no activity"),
        (",Received,2020-01-02,Front,web,", "belongs to no application"),
        ("A1,Received,yesterday,Front,web,", "column 'when' is no time"),
        ("A1,Decision,2020-01-02,Front,web,maybe", "column 'result' has a value that the mapping does not list"),
        ("A1,Received,2020-01-02,Front", "it has 4 columns, the first line has 6"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(mapping: HistoryMapping, tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        events(mapping, export(tmp_path, line))


def test_unlisted_activities_can_become_stages(tmp_path: Path) -> None:
    mapping = written(tmp_path, MAPPING + "unlisted: stage\n")
    (fact,) = facts(mapping, export(tmp_path, "A1,Tanda tangan,2020-01-02,Front,web,"))
    assert isinstance(fact, StageRecorded)
    assert (fact.stage, fact.labels.en) == ("tanda_tangan", "Tanda tangan")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("event: submitted", "event: invented"), "activities.Received: no event type 'invented'"),
        (("event: submitted", "event: submitted, stage: x"), "give either `event` or `stage`"),
        (("    labels: {id: Diperiksa, en: Checked}\n", ""), "a stage needs `labels`"),
        (("time_zone: Asia/Jakarta", "time_zone: Asia/Atlantis"), "time_zone 'Asia/Atlantis' is not known"),
        (("service: passport_new", "servce: passport_new"), "servce"),
        (("system: old", "system: Old System"), "system"),
    ],
)
def test_a_wrong_mapping_says_where(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        written(tmp_path, MAPPING.replace(*change))


def test_a_mapping_that_names_a_missing_column_says_which_there_are(tmp_path: Path) -> None:
    mapping = written(tmp_path, MAPPING.replace("column: result", "column: outcome"))
    with pytest.raises(MappingError, match=r"names 'outcome', which the file does not have; it has 'case', 'desk'"):
        list(read_rows(export(tmp_path), mapping))


def test_a_truncated_gzip_is_an_error_as_a_whole(mapping: HistoryMapping, tmp_path: Path) -> None:
    whole = gzip.compress((HEADER + "A1,Received,2020-01-02,Front,web,\n" * 5000).encode())
    path = tmp_path / "old.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedFile, match="truncated or damaged after line"):
        list(read_rows(path, mapping))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00garbage", "is not in utf-8"),
        (b"", "the file is empty"),
        (b'case,what,when,desk,via,result\n"A1,x', "no CSV"),
    ],
)
def test_a_file_that_is_no_csv_is_an_error(
    mapping: HistoryMapping, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes(content)
    with pytest.raises((DamagedFile, MappingError), match=message):
        list(read_rows(path, mapping))


def test_a_missing_file_is_named(mapping: HistoryMapping, tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="there is no such file"):
        list(read_rows(tmp_path / "none.csv", mapping))


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xmlns="http://www.xes-standard.org/">
  <string key="concept:name" value="a log"/>
  <trace>
    <string key="concept:name" value="A1"/>
    <string key="channel" value="web"><string key="inner" value="ignored"/></string>
    <event><string key="concept:name" value="Received"/><date key="time:timestamp" value="2020-01-02T08:00:00.000+07:00"/></event>
    <event><string key="concept:name" value="Check"/><date key="time:timestamp" value="2020-01-03T08:00:00.000+07:00"/><string key="org:group" value="Front"/></event>
  </trace>
  <trace>
    <string key="concept:name" value="A2"/>
    <event><string key="concept:name" value="Received"/><date key="time:timestamp" value="2020-01-04T08:00:00.000+07:00"/></event>
  </trace>
</log>
"""
XES_MAPPING = """
system: old
office: lebong
service: passport_new
columns: {application: "case:concept:name", activity: "concept:name", time: "time:timestamp", desk: {column: "org:group"}}
activities:
  Received: {event: submitted}
  Check: {stage: check, labels: {id: Diperiksa, en: Checked}}
"""


@pytest.mark.parametrize("compressed", [False, True])
def test_xes_is_read_trace_by_trace(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / ("log.xes.gz" if compressed else "log.xes")
    path.write_bytes(gzip.compress(XES.encode()) if compressed else XES.encode())
    found = events(written(tmp_path, XES_MAPPING), path)
    assert [event.type.split(".")[-2] for event in found] == ["submitted", "stage_recorded", "submitted"]
    assert len({event.number for event in found}) == 2
    assert msgspec.json.decode(found[1].body)["data"]["by"]["desk"] == "front"


def test_xes_with_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    path.write_text('<!DOCTYPE log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><log><trace>&b;</trace></log>')
    with pytest.raises(DamagedFile, match="no whole XES document"):
        list(read_rows(path, written(tmp_path, XES_MAPPING)))


def test_xes_that_ends_early_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    path.write_text(XES[:-120])
    with pytest.raises(DamagedFile, match="no whole XES document after event"):
        list(read_rows(path, written(tmp_path, XES_MAPPING)))


@pytest.mark.parametrize(
    ("text", "code"),
    [("Group 1", "group_1"), ("T07-1 Draft", "t07_1_draft"), ("Ümläut!", "umlaut"), ("7 up", "x_7_up")],
)
def test_words_become_codes(text: str, code: str) -> None:
    assert code_of(text) == code


def test_a_row_with_a_fault_is_refused(mapping: HistoryMapping) -> None:
    translation = Translation(mapping, source="//x", prefix="LBG", number_key=b"k")
    with pytest.raises(Unreadable, match="odd"):
        translation.event(Row(1, {}, "odd"))
