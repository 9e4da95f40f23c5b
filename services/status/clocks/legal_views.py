"""The legal clocks as the API shows them: a sentence each, and why each day counted or did not, in both languages.

Pure; the rules are those of `services.status.clocks.legal`.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from contracts.calendar import Calendar, DayOff, NoCalendar, calendar_of
from contracts.catalogue import Catalogue, DeadlineRule
from contracts.clock import HOUR_US
from services.status.answering import words
from services.status.answering.words import Text, templates
from services.status.clocks import explanation
from services.status.clocks.clockwork import Clockwork
from services.status.clocks.legal import Clock, State, clocks
from services.status.clocks.pauses import Pause
from services.status.folding.progress import Progress
from services.status.folding.reading import EPOCH, Reason

_MINUTE_US: Final = HOUR_US // 60
_NOTHING: Final = Text("", "")


class PausedView(Struct, frozen=True):
    """A stretch in which a clock rests; without `until` it still does."""

    kind: str
    since: dt.datetime
    until: dt.datetime | None
    began: int
    """The event on the timeline that began it."""
    ended: int | None
    text: Text


class ClockView(Struct, frozen=True):
    """What one rule promises, and where that stands."""

    rule: str
    version: int
    promise: Text
    legal_basis: str
    state: State
    text: Text
    """One sentence: where it stands."""
    started_at: dt.datetime | None
    deadline: dt.datetime | None
    """None before the start and while it is paused; the day it ends is in `text`."""
    remaining: Text | None
    """While it is paused: what is left."""
    paused: PausedView | None


class DayView(Struct, frozen=True):
    """One day of a clock; with `until`, all the days from `date` to it."""

    date: dt.date
    until: dt.date | None
    counted: bool
    why: explanation.Why
    event: int | None
    """The event that paused the clock."""
    text: Text


class StretchView(Struct, frozen=True):
    """Time from `since` to before `until` in which a clock of hours ran, or was paused by an event."""

    since: dt.datetime
    until: dt.datetime | None
    counted: bool
    event: int | None
    text: Text


class Explained(Struct, frozen=True):
    """A clock with all that it was reckoned from."""

    clock: ClockView
    length: int
    unit: str
    started_by: int | None
    """The event that started it."""
    ended_at: dt.datetime | None
    ended_by: int | None
    """The event that met or missed it, or that ended the application otherwise."""
    pauses: list[PausedView]
    days: list[DayView]
    stretches: list[StretchView]
    notes: list[Text]
    """What the calendar does not know."""


class DeadlineView(Struct, frozen=True):
    """The legal clocks of an application, day by day."""

    number: str
    office: str
    time_zone: str
    clocks: list[Explained]
    """By the version of each rule that was valid when it began to count."""
    rule_version: int | None = None
    recomputed: list[Explained] = []
    """The same by the version that was asked for, whenever it is or was valid."""


@dataclass(frozen=True)
class ClockTeller:
    """Puts the clocks of one application into words, in its office's time."""

    catalogue: Catalogue
    clockwork: Clockwork
    progress: Progress
    zone: ZoneInfo

    def views(self, now_us: int) -> list[ClockView]:
        """Where each clock stands at an instant."""
        return [self.view(clock) for clock in clocks(self.progress, self.clockwork, now_us)]

    def explained(self, now_us: int, version: int | None = None) -> list[Explained]:
        """Each clock day by day; with `version`, by that version of every rule that has it."""
        codes = self.clockwork.versions.get(self.progress.service, {})
        versions = None if version is None else dict.fromkeys(codes, version)
        return [self._explain(clock) for clock in clocks(self.progress, self.clockwork, now_us, versions)]

    def view(self, clock: Clock) -> ClockView:
        """Where one clock stands."""
        rule = self._rule(clock)
        return ClockView(
            rule=clock.rule.code,
            version=clock.rule.version,
            promise=Text(rule.labels.id, rule.labels.en) if rule else Text(clock.rule.code, clock.rule.code),
            legal_basis=rule.legal_basis if rule else "",
            state=clock.state,
            text=self._sentence(clock),
            started_at=_at(clock.started_at),
            deadline=_at(clock.deadline),
            remaining=self._left(clock) if clock.remaining is not None else None,
            paused=self._pause(clock.paused) if clock.paused else None,
        )

    def _rule(self, clock: Clock) -> DeadlineRule | None:
        service = self.catalogue.services.get(self.progress.service)
        same = (rule for rule in (service.deadlines if service else ()) if rule.code == clock.rule.code)
        return next((rule for rule in same if rule.version == clock.rule.version), None)

    def _sentence(self, clock: Clock) -> Text:
        said = templates().clocks
        limit = words.limit(clock.deadline, self.zone) if clock.deadline is not None else _NOTHING
        ended = words.instant(clock.ended_at, self.zone) if clock.ended_at is not None else _NOTHING
        if clock.paused is not None:
            one = "_one" if clock.remaining == 1 else ""
            since = words.instant(clock.paused.since, self.zone)
            return said[f"paused{one}"].fill(since=since, why=self._why(clock.paused), left=self._left(clock))
        if clock.state == "not_started":
            start = templates().facts.get(clock.rule.start.partition(":")[0], {}).get("title", _NOTHING)
            return said["not_started_hours" if clock.rule.unit == "hours" else "not_started"].fill(
                start=self._stage_of(clock.rule.start) or start
            )
        return said[_sentence_of(clock)].fill(deadline=limit, ended=ended)

    def _stage_of(self, fact: str) -> Text | None:
        service = self.catalogue.services.get(self.progress.service)
        labels = next((stage.labels for stage in (service.stages if service else ()) if stage.reached_by == fact), None)
        return Text(labels.id, labels.en) if labels else None

    def _left(self, clock: Clock) -> Text:
        left, unit = clock.remaining or 0, clock.rule.unit
        if unit == "hours":
            return (
                templates().clocks["hours"].fill(hours=str(left // HOUR_US), minutes=str(left % HOUR_US // _MINUTE_US))
            )
        return templates().clocks[f"{unit}_one" if left == 1 else unit].fill(count=str(left))

    def _why(self, pause: Pause) -> Text:
        if pause.kind == "documents_requested":
            return templates().clocks["documents_requested"].fill(about=self._documents(pause))
        if pause.kind == "transferred":
            return templates().clocks["transferred"].fill(about=words.body(self.catalogue, pause.detail[0]))
        last = self.progress.pause
        reason = Reason(pause.detail[0])
        if last is not None and last.code == reason.code and self.progress.paused_at == pause.since:
            reason = last  # with its parameters
        about = words.reasons(self.catalogue, [reason])
        return templates().clocks["pause"].fill(about=Text(about.id.rstrip("."), about.en.rstrip(".")))

    def _documents(self, pause: Pause) -> Text:
        service = self.catalogue.services.get(self.progress.service)
        labels = {item.code: item.labels for item in service.requirements} if service else {}
        return words.joined([words.text_of(labels.get(code), "document") for code in pause.detail])

    def _pause(self, pause: Pause) -> PausedView:
        since, until = EPOCH + _us(pause.since), _at(pause.until)
        return PausedView(pause.kind, since, until, pause.began, pause.ended, self._why(pause))

    def _explain(self, clock: Clock) -> Explained:
        days, calendar = self.clockwork.days(self.progress.office), self._calendar(clock)
        listed = list(explanation.explain_days(clock, days, calendar))
        return Explained(
            clock=self.view(clock),
            length=clock.rule.length,
            unit=clock.rule.unit,
            started_by=clock.started_by,
            ended_at=_at(clock.ended_at),
            ended_by=clock.ended_by,
            pauses=[self._pause(pause) for pause in clock.pauses],
            days=[self._day(day) for day in listed],
            stretches=[self._stretch(stretch) for stretch in explanation.explain_hours(clock)],
            notes=[
                templates().clocks[why].fill(year=str(year))
                for year, why in explanation.uncertain_years(clock, days, calendar).items()
            ],
        )

    def _calendar(self, clock: Clock) -> Calendar | None:
        """Whose working days count; one that knows no holidays, where nobody knows whose."""
        if clock.rule.unit != "working_days":
            return None
        try:
            return calendar_of(self.clockwork.country(clock.rule, self.progress.office))
        except NoCalendar:
            return Calendar("", [])

    def _day(self, day: explanation.Day) -> DayView:
        name = _name(day.day_off) if day.day_off else _NOTHING
        text = (
            templates()
            .clocks[f"day_{day.why}"]
            .fill(name=name, number=str(day.number), why=self._why(day.pause) if day.pause else _NOTHING)
        )
        event = day.pause.began if day.pause else None
        return DayView(
            day.date, day.until, day.why == "counted", day.why, event, _estimated(day.day_off, day.why, text)
        )

    def _stretch(self, stretch: explanation.Stretch) -> StretchView:
        since, until, pause = EPOCH + _us(stretch.since), _at(stretch.until), stretch.pause
        if pause is None:
            return StretchView(since, until, counted=True, event=None, text=templates().clocks["stretch_ran"])
        text = templates().clocks["day_paused"].fill(why=self._why(pause))
        return StretchView(since, until, counted=False, event=pause.began, text=text)


def _sentence_of(clock: Clock) -> str:
    if clock.state == "running":
        return "running"
    if clock.state == "missed":
        return "overdue" if clock.ended_at is None else "late"
    if clock.state == "met":
        return "met" if clock.deadline is not None else "met_paused"
    if clock.ended_at is not None:
        return "ended_otherwise"
    return "no_rule" if clock.started_at is not None else "not_owed"


def _estimated(day_off: DayOff | None, why: str, text: Text) -> Text:
    if day_off is None or not day_off.estimated or why != "holiday":
        return text
    more = templates().clocks["estimated"]
    return Text(text.id + more.id, text.en + more.en)


def _name(day_off: DayOff) -> Text:
    return Text(day_off.id, day_off.en)


def _us(us: int) -> dt.timedelta:
    return dt.timedelta(microseconds=us)


def _at(us: int | None) -> dt.datetime | None:
    return None if us is None else EPOCH + _us(us)
