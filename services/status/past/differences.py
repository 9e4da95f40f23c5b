"""What changed of an application between two instants, in words, before and after. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from services.status.answering import words
from services.status.answering.entries import Entry
from services.status.answering.views import StageView, StatusView
from services.status.answering.words import Text, templates
from services.status.folding.reading import in_us
from services.status.past.asof import Corrections, Instants, Row

By = Literal["recorded", "valid"]
"""Compared is what was known at each instant, or what was true at each, by all that is known now."""


class Change(Struct, frozen=True):
    """One thing that was different."""

    what: str
    """`headline`, `waits_for`, `todo`, `stage`, `deadline`, `deviation`, `waited` or `correction`."""
    code: str
    """Which stage, deadline, deviation, party or event; empty where there is only one such thing."""
    name: Text
    before: Text | None
    """Nothing where it was not there."""
    after: Text | None


class Difference(Struct, frozen=True):
    """Between two instants."""

    number: str
    office: str
    by: By
    begin: datetime = msgspec.field(name="from")
    to: datetime
    text: Text
    count: int
    """How many events came in between."""
    events: list[Entry]
    """They, in the order of the log; at most 200, the rest is on the timeline."""
    changes: list[Change]


class Side(Struct, frozen=True):
    """How it stood at one of the two instants; `view` is none where nothing was known, or nothing had happened."""

    view: StatusView | None
    waited: Mapping[str, int]
    """Party → microseconds, up to the instant."""
    corrections: Corrections


def instants_of(by: By, at: datetime) -> Instants:
    """What speaks for one side."""
    return Instants(known_at=at) if by == "recorded" else Instants(valid_at=at)


def between(rows: Iterable[Row], by: By, begin: datetime, to: datetime) -> list[Row]:
    """The rows that came after `begin`, up to `to`."""
    time = "recorded" if by == "recorded" else "occurred"
    return [row for row in rows if begin < row[time] <= to]


def changes(before: Side, after: Side, zone: ZoneInfo) -> list[Change]:
    """What is different; `zone` is the office's."""
    return [
        *_sentences(before.view, after.view),
        *_stages(before.view, after.view, zone),
        *_deadlines(before.view, after.view),
        *_deviations(before.view, after.view),
        *_waited(before.waited, after.waited),
        *_corrections(before, after),
    ]


def _change(what: str, before: Text | None, after: Text | None, *, code: str = "", name: Text | str = "") -> Change:
    return Change(what, code, templates().differences[what].fill(name=name, n=code), before, after)


def _sentences(before: StatusView | None, after: StatusView | None) -> Iterator[Change]:
    """Where it stands, who is waited on, what there is to do: each as the status says it."""
    sides = [
        {"headline": view.headline, "waits_for": view.waiting.text, "todo": view.todo.text} if view else {}
        for view in (before, after)
    ]
    was, now = sides
    return (_change(what, was.get(what), now.get(what)) for what in now or was if was.get(what) != now.get(what))


def _stages(before: StatusView | None, after: StatusView | None, zone: ZoneInfo) -> Iterator[Change]:
    was = {stage.code: stage for stage in before.stages} if before else {}
    now = {stage.code: stage for stage in after.stages} if after else {}
    for code in now or was:
        old, new = (_stage_words(stages.get(code), zone) for stages in (was, now))
        if old != new:
            yield _change("stage", old, new, code=code, name=(now.get(code) or was[code]).labels)


def _stage_words(stage: StageView | None, zone: ZoneInfo) -> Text | None:
    if stage is None:
        return None
    reached = words.instant(in_us(stage.at), zone) if stage.at else ""
    return templates().differences[stage.state].fill(at=reached)


def _deadlines(before: StatusView | None, after: StatusView | None) -> Iterator[Change]:
    """Where each legal clock stands."""
    was = {clock.rule: clock for clock in before.clocks} if before else {}
    now = {clock.rule: clock for clock in after.clocks} if after else {}
    for rule in now or was:
        old, new = (clocks[rule].text if rule in clocks else None for clocks in (was, now))
        if old != new:
            yield _change("deadline", old, new, code=rule, name=(now.get(rule) or was[rule]).promise)


def _deviations(before: StatusView | None, after: StatusView | None) -> Iterator[Change]:
    was = {one.code: one.text for one in before.deviations} if before else {}
    now = {one.code: one.text for one in after.deviations} if after else {}
    for code in sorted(was.keys() ^ now.keys()):
        yield _change("deviation", was.get(code), now.get(code), code=code)


def _waited(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Change]:
    for party in sorted(before.keys() | after.keys()):
        if before.get(party) != after.get(party):
            was, now = (words.length(waited[party]) if party in waited else None for waited in (before, after))
            yield _change("waited", was, now, code=party, name=templates().parties[party])


def _corrections(before: Side, after: Side) -> Iterator[Change]:
    """Of the events that were known before: which of them counts no longer, or again."""
    known = before.view.events if before.view else 0
    for n in sorted(before.corrections.replaced_by.keys() ^ after.corrections.replaced_by.keys()):
        if n <= known:
            gone = n in after.corrections.replaced_by
            counts, no_longer = (templates().differences[word] for word in ("counts", "counts_no_longer"))
            old, new = (counts, no_longer) if gone else (no_longer, counts)
            yield _change("correction", old, new, code=str(n))
