"""What the status service answers, as far as the pages read it. Fields that are not here are passed over."""

import datetime as dt
from typing import Literal

from msgspec import Struct

Party = Literal["applicant", "office", "agency", "bank", "legal_pause", "nobody"]


class Text(Struct, frozen=True):
    """The same words in both languages."""

    id: str
    en: str


class Named(Struct, frozen=True):
    """A code and what it is called."""

    code: str
    labels: Text


class Waiting(Struct, frozen=True):
    """Who is waited on, since when."""

    party: Party
    since: dt.datetime
    text: Text


class Stage(Struct, frozen=True):
    """A declared stage: done, current, ahead, optional or skipped."""

    code: str
    labels: Text
    state: str
    at: dt.datetime | None = None


class ToDo(Struct, frozen=True):
    """What the applicant must do now."""

    needed: bool
    text: Text
    documents: list[Named] = []


class Deviation(Struct, frozen=True):
    """What surprised."""

    code: str
    text: Text


class Waited(Struct, frozen=True):
    """How long one party was waited on, as far as it is over, and since when it is again."""

    party: Party
    seconds: float
    since: dt.datetime | None
    text: Text


class Paused(Struct, frozen=True):
    """A stretch in which a clock rests."""

    since: dt.datetime
    until: dt.datetime | None
    text: Text


class Clock(Struct, frozen=True):
    """What one rule promises, and where that stands."""

    rule: str
    version: int
    promise: Text
    legal_basis: str
    state: str
    text: Text
    started_at: dt.datetime | None = None
    deadline: dt.datetime | None = None
    remaining: Text | None = None
    paused: Paused | None = None


class Status(Struct, frozen=True):
    """Where an application stands."""

    number: str
    service: Named
    office: Named
    situation: str
    headline: Text
    waiting: Waiting
    next: Text
    todo: ToDo
    stage: Named | None
    stages: list[Stage]
    submitted_at: dt.datetime | None
    last_event_at: dt.datetime
    last_recorded_at: dt.datetime
    events: int
    deviations: list[Deviation]
    waited: list[Waited]
    clocks: list[Clock]


class By(Struct, frozen=True):
    """Who did it: role and office, never the person."""

    role: str
    role_labels: Text
    office_labels: Text | None = None


class Piece(Struct, frozen=True):
    """A stretch of time in which one party was waited on; without `end` it still is."""

    party: Party
    begin: dt.datetime
    end: dt.datetime | None
    seconds: float | None


class Correction(Struct, frozen=True):
    """Which other event is meant, and what that means."""

    n: int | None
    text: Text


class EventRef(Struct, frozen=True):
    """Another event, by what makes it unique."""

    source: str
    id: str


class Entry(Struct, frozen=True):
    """One event."""

    n: int
    type: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    by: By
    title: Text
    text: Text
    deviations: list[Deviation]
    source: str
    id: str = ""
    corrects: Correction | None = None
    corrected_by: Correction | None = None
    about: EventRef | None = None
    waiting: list[Piece] = []


class Timeline(Struct, frozen=True):
    """A page of a timeline."""

    entries: list[Entry]


class Instants(Struct, frozen=True):
    """For which instants an answer about the past speaks."""

    as_of: dt.datetime | None = None
    valid_at: dt.datetime | None = None


class PastStatus(Struct, frozen=True):
    """Where it stood then; no status where nothing was known."""

    known: bool
    text: Text
    status: Status | None


class Day(Struct, frozen=True):
    """A day of a legal clock; with `until`, all the days from `date` to it."""

    date: dt.date
    until: dt.date | None
    counted: bool
    why: str
    text: Text


class Stretch(Struct, frozen=True):
    """Time in which a clock of hours ran or was paused."""

    since: dt.datetime
    until: dt.datetime | None
    counted: bool
    text: Text


class Explained(Struct, frozen=True):
    """A clock with all that it was reckoned from."""

    clock: Clock
    length: int
    unit: str
    ended_at: dt.datetime | None
    pauses: list[Paused]
    days: list[Day]
    stretches: list[Stretch]
    notes: list[Text]


class Deadline(Struct, frozen=True):
    """The legal clocks, day by day."""

    time_zone: str
    clocks: list[Explained]


class Range(Struct, frozen=True):
    """What remains, in seconds of the application's clock, and when that is, if the clock runs."""

    from_s: int
    to_s: int
    from_at: dt.datetime | None = None
    to_at: dt.datetime | None = None


class Coverage(Struct, frozen=True):
    """How often predictions came true."""

    predictions: int
    within_50: float | None
    within_80: float | None


class Tests(Struct, frozen=True):
    """The back-test of a service."""

    at_submission: Coverage
    half_way: Coverage


class Expected(Struct, frozen=True):
    """What to expect."""

    state: str
    text: Text
    as_of: dt.datetime
    stands: bool
    half: Range | None
    most: Range | None
    finished: int | None
    tests: Tests | None = None


class Place(Struct, frozen=True):
    """The place among those that wait for the office."""

    state: str
    text: Text
    ahead: int | None
    waiting: int | None
    as_of: dt.datetime


class FeeLine(Struct, frozen=True):
    """One position of a fee."""

    fee: Named
    amount: int
    legal_basis: str


class Payment(Struct, frozen=True):
    """A payment as it was reported."""

    billing_code: str
    amount: int
    currency: str
    paid_at: dt.datetime
    reported_at: dt.datetime
    accepted: bool
    text: Text


class Fee(Struct, frozen=True):
    """What is to be paid, and what was."""

    state: Literal["not_assessed", "not_owed", "due", "expired", "problem", "paid"]
    text: Text
    billing_code: str | None
    amount: int | None
    currency: str | None
    expires_at: dt.datetime | None
    lines: list[FeeLine]
    payments: list[Payment]
