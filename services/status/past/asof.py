"""The past of an application: as it was known at an instant, as it was true at an instant, and both together.

Two times belong to every event: when it happened and when it was recorded. *Known at T* takes what was recorded at or
before T, corrections included; *valid at T* takes what had happened at or before T, by all that is known. Source of the
terms: transaction time and valid time (Jensen and Snodgrass, "Temporal Data Management", 1999). Pure; the fold of the
past is `services.status.folding.replay`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from services.status.answering.words import Text
from services.status.folding.procedure import Procedure
from services.status.folding.progress import Progress
from services.status.folding.reading import DECODERS
from services.status.folding.replay import replacements, replay

Row = Mapping[str, Any]
"""Of the timeline: n, fact, occurred, recorded, source, event_id, data, deviations."""

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SPACE_FOR_PLUS: Final = re.compile(r" (?=\d\d:\d\d$)")
_Rfc3339 = Annotated[datetime, Meta(tz=True)]


class Unclear(Exception):
    """An instant that cannot be meant; `text` says what to write instead."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class NoInstant(Unclear):
    """The text is neither an instant nor a day."""


class InFuture(Unclear):
    """Of what is still to come nothing can be said."""


class Instants(Struct, frozen=True):
    """For which instants an answer speaks; at least one is given."""

    known_at: datetime | None = None
    valid_at: datetime | None = None

    @property
    def at(self) -> datetime:
        """Where the clocks of such an answer stand: nothing was foreseen, neither by those who knew nor of what happened."""
        return min(instant for instant in (self.known_at, self.valid_at) if instant is not None)

    @property
    def tag(self) -> str:
        """Differs for different instants; for entity tags."""
        return "-".join("" if at is None else f"{at.timestamp():.6f}" for at in (self.known_at, self.valid_at))


def read_instant(name: str, text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The instant that the parameter `name` means, in UTC: RFC 3339 with a zone, or a day (its end in the office's `zone`).

    A `+` that became a space on its way through a URL is read as it was meant. Raises `NoInstant`, `InFuture`.
    """
    try:
        if _DATE.fullmatch(text):
            at = datetime.combine(date.fromisoformat(text), time.max, zone).astimezone(UTC)
        else:
            at = msgspec.convert(_SPACE_FOR_PLUS.sub("+", text), _Rfc3339).astimezone(UTC)
    except (ValueError, OverflowError, msgspec.ValidationError):
        raise NoInstant(_say_what_to_write(name)) from None
    if at > now:
        raise InFuture(_say_to_leave_out(name, whole_day=bool(_DATE.fullmatch(text))))
    return at


def _say_what_to_write(name: str) -> Text:
    return Text(
        f"Tulis {name} sebagai saat dengan zona waktu, misalnya 2026-03-02T09:00:00+07:00 atau 2026-03-02T02:00:00Z,"
        " atau sebagai tanggal, misalnya 2026-03-02 (akhir hari itu di kantor).",
        f"Write {name} as an instant with its zone, such as 2026-03-02T09:00:00+07:00 or 2026-03-02T02:00:00Z, or as a day,"
        " such as 2026-03-02 (the end of that day at the office).",
    )


def _say_to_leave_out(name: str, *, whole_day: bool) -> Text:
    if whole_day:
        return Text(
            f"Hari itu belum berakhir di kantor. Tulis saat yang sudah lewat, atau hilangkan {name} untuk keadaan sekarang.",
            f"That day is not over at the office. Write an instant that is past, or leave out {name} for the present.",
        )
    return Text(
        f"Saat itu belum tiba. Tulis saat yang sudah lewat, atau hilangkan {name} untuk keadaan sekarang.",
        f"That instant is still to come. Write one that is past, or leave out {name} for the present.",
    )


def known(rows: Iterable[Row], instants: Instants) -> list[Row]:
    """The rows that were recorded by then."""
    return [row for row in rows if instants.known_at is None or row["recorded"] <= instants.known_at]


def visible(rows: Iterable[Row], instants: Instants) -> list[Row]:
    """The rows of a timeline of the past: recorded by then, and happened by then."""
    return [row for row in known(rows, instants) if instants.valid_at is None or row["occurred"] <= instants.valid_at]


def progress_at(rows: Iterable[Row], procedures: Mapping[str, Procedure], instants: Instants) -> Progress | None:
    """What counted then; `None` where nothing did."""
    return replay(rows, procedures, known_at=instants.known_at, valid_at=instants.valid_at)


def shown_of(rows: Sequence[Row]) -> int:
    """Up to which event a timeline is shown without a gap, where `rows` are what is shown of it."""
    count = 0
    for row in rows:
        if row["n"] != count + 1:
            break
        count += 1
    return count


def is_settled(known_at: datetime | None, last_recorded: datetime) -> bool:
    """Whether an answer of what was known at `known_at` can no longer change by what arrives.

    The log is dated by the broker, in its own order: where an event of the application has been recorded after
    `known_at`, all that was recorded before is here. `last_recorded` is that of the last event taken in. (Records in
    quarantine are the exception: they keep their place in the log. The caller asks for them.)
    """
    return known_at is not None and last_recorded > known_at


class Reference(Struct, frozen=True):
    """What an event says of the one whose place it takes."""

    source: str
    id: str
    n: int | None
    """Its place; none while it is not on the timeline."""
    counts: bool
    """Whether it takes effect: it does not on itself, on what is not there, and in a circle."""


class Corrections(Struct, frozen=True):
    """Which events of one application take the place of which, by n."""

    references: dict[int, Reference] = {}
    replaced_by: dict[int, int] = {}
    recorded: dict[int, datetime] = {}
    """When each event that takes another's place was recorded."""


NO_CORRECTIONS: Final = Corrections()


def corrections_of(rows: Sequence[Row]) -> Corrections:
    """The corrections among `rows`, which are all rows of an application that were known."""
    listed = [(row["n"], row["source"], row["event_id"], _corrects(row)) for row in rows]
    if not any(corrects for *_, corrects in listed):
        return NO_CORRECTIONS
    replaced_by = replacements(listed)
    places = {(source, id_): n for n, source, id_, _ in listed}
    references = {}
    for n, _, _, corrects in listed:
        if corrects is not None:
            place = places.get(corrects)
            alone = replacements([one for one in listed if one[0] in {n, place}])
            references[n] = Reference(*corrects, place, counts=place in alone)
    return Corrections(references, replaced_by, {row["n"]: row["recorded"] for row in rows if row["n"] in references})


def _corrects(row: Row) -> tuple[str, str] | None:
    corrects = DECODERS[row["fact"]](row["data"]).corrects
    return (corrects.source, corrects.id) if corrects else None
