"""What someone who comes to an office, or calls it, wants to know: where, when, with what help."""

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

from contracts.catalogue.texts import Text
from contracts.facts import END, Code, Labels

Span = Annotated[
    str,
    Meta(
        pattern=rf"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00){END}",
        description="From opening to closing of one day, e.g. `08:00-12:00`; the end does not belong to it.",
    ),
]


class Week(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hours of each weekday, in order; a day that is not named has none."""

    monday: list[Span] = []
    tuesday: list[Span] = []
    wednesday: list[Span] = []
    thursday: list[Span] = []
    friday: list[Span] = []
    saturday: list[Span] = []
    sunday: list[Span] = []


class HoursOn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other hours on one day: before the weekday's, and before a holiday. No `hours`: closed."""

    date: dt.date
    labels: Labels
    hours: list[Span] = []


class Position(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place on the map, WGS 84, in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Facility(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that visitors find at the office."""

    code: Code
    labels: Labels
    help: Text | None = None


class Assistance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Help that can be asked for at a visit; the code is kept with the application and shown to the desk."""

    code: Code
    labels: Labels
    help: Text | None = None


class ContactChannel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to reach the office."""

    code: Code
    labels: Labels
    """What it is called, e.g. WhatsApp."""
    shown: Annotated[str, Meta(min_length=1, max_length=200)]
    """The number, name or address as people write it."""
    link: (
        Annotated[str, Meta(pattern=rf"^(tel:\+[0-9]{{3,15}}|mailto:[^\s?&<>\"']+|https://[^\s<>\"']+){END}")] | None
    ) = None
    hours: Week | None = None
    """When it is answered; empty: in the office's hours."""
    help: Text | None = None


class FrequentQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What visitors ask often, and the answer."""

    code: Code
    question: Labels
    answer: Text


class Visiting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything about a visit to one office."""

    address: list[Annotated[str, Meta(min_length=1, max_length=200)]]
    """As on a letter, one line each; the same in every language."""
    position: Position | None = None
    hours: Week
    exceptions: list[HoursOn] = []
    facilities: list[Facility] = []
    assistance: list[Assistance] = []
    channels: list[ContactChannel] = []
    questions: list[FrequentQuestion] = []
    example: bool = False
    """True: made up for a demonstration (address, hours, numbers); said wherever it is shown."""
