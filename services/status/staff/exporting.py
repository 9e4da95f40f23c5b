"""What an export holds: a line an application, or a line an event of their timelines, as NDJSON or CSV. Pure.

CSV is RFC 4180 in UTF-8. A value that a spreadsheet would take for a formula gets an apostrophe in front of it
(OWASP, "CSV Injection"); NDJSON has every value as it is.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Raw, Struct

from services.status.answering.views import Named
from services.status.answering.words import Text
from services.status.folding.situation import Party

Format = Literal["ndjson", "csv"]
Lines = Literal["applications", "events"]
MEDIA_TYPES: Final = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_encode: Final = msgspec.json.Encoder().encode


class ApplicationLine(Struct, frozen=True):
    """An application as a search shows it."""

    number: str
    service: Named
    office: Named
    stage: Named | None
    situation: str
    headline: Text
    waits_for: Party
    waiting_since: datetime
    due: datetime | None
    overdue: bool
    deviations: list[str]
    desk: str
    submitted_at: datetime | None
    last_event_at: datetime


class EventLine(Struct, frozen=True):
    """An event as it came; `data` is its own, without anything about a person: contracts keep that out."""

    number: str
    n: int
    type: str
    occurred_at: datetime
    recorded_at: datetime
    source: str
    id: str
    deviations: list[str]
    data: Raw


Line = ApplicationLine | EventLine
_COLUMNS: Final[dict[Lines, tuple[str, ...]]] = {
    "applications": (
        "number", "service", "service_id", "service_en", "office", "stage", "situation", "headline_id", "headline_en",
        "waits_for", "waiting_since", "due", "overdue", "deviations", "desk", "submitted_at", "last_event_at",
    ),
    "events": ("number", "n", "type", "occurred_at", "recorded_at", "source", "id", "deviations", "data"),
}  # fmt: skip


def event_line(row: Any) -> EventLine:
    """A row of the timeline. Line ends within JSON are white space, so they can go."""
    data = row["data"].replace(b"\n", b" ").replace(b"\r", b" ")
    return EventLine(
        row["number"], row["n"], row["fact"], row["occurred"], row["recorded"], row["source"], row["event_id"],
        row["deviations"] or [], Raw(data),
    )  # fmt: skip


def head(format: Format, lines: Lines) -> bytes:
    """What an export begins with: the names of the columns, of CSV."""
    return _written([_COLUMNS[lines]]) if format == "csv" else b""


def body(format: Format, lines: Iterable[Line]) -> bytes:
    """These lines."""
    if format == "csv":
        return _written([_cells(line) for line in lines])
    return b"".join([_encode(line) + b"\n" for line in lines])


def file_name(format: Format, lines: Lines, at: datetime) -> str:
    """What a browser keeps it as."""
    return f"jejak-{lines}-{at:%Y%m%dT%H%M%SZ}.{format}"


def safe_cell(text: str) -> str:
    """`text`, so that no spreadsheet computes it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(line: Line) -> list[str]:
    if isinstance(line, EventLine):
        cells = [
            line.number, str(line.n), line.type, _at(line.occurred_at), _at(line.recorded_at), line.source, line.id,
            " ".join(line.deviations), bytes(line.data).decode(),
        ]  # fmt: skip
    else:
        cells = [
            line.number, line.service.code, line.service.labels.id, line.service.labels.en, line.office.code,
            line.stage.code if line.stage else "", line.situation, line.headline.id, line.headline.en, line.waits_for,
            _at(line.waiting_since), _at(line.due), "true" if line.overdue else "false", " ".join(line.deviations),
            line.desk, _at(line.submitted_at), _at(line.last_event_at),
        ]  # fmt: skip
    return [safe_cell(cell) for cell in cells]


def _at(instant: datetime | None) -> str:
    return "" if instant is None else instant.isoformat().replace("+00:00", "Z")


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
