"""The inbox: filters that live in the link, and lines. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct

FILTERS: Final = (
    "stage", "service", "desk", "queue", "claimed", "waits_for", "escalated", "paused", "opinion", "sort",
)  # fmt: skip
"""As in processing's `GET /cases`: any link to it with these is a link to the inbox."""
_WORDS: Final = {
    "claimed": {"me", "others", "nobody", "anybody"},
    "waits_for": {"office", "applicant", "agency", "pause"},
    "escalated": {"true", "false"},
    "paused": {"true", "false"},
    "opinion": {"awaited", "late", "given"},
    "sort": {"urgency", "deadline", "age"},
}
_CODE_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")
_DAY_S: Final = 86_400.0


def chosen(query: Mapping[str, str]) -> dict[str, str]:
    """The filters of a link; what is none of ours or cannot be a value is left out."""
    found = {name: query.get(name, "").strip() for name in FILTERS}
    return {name: value for name, value in found.items() if value and _fits(name, value)}


def _fits(name: str, value: str) -> bool:
    known = _WORDS.get(name)
    if known is not None:
        return value in known
    return len(value) <= 64 and value[0].isalpha() and set(value) <= _CODE_CHARS


def asked(filters: Mapping[str, str], cursor: str | None, limit: int) -> dict[str, Any]:
    """What processing is asked: escalated ones first where nothing else is said."""
    return {"sort": "urgency", **filters, "cursor": cursor or None, "limit": limit}


def address(filters: Mapping[str, str], **more: str) -> str:
    """The inbox with these filters."""
    query = urlencode({**filters, **{name: value for name, value in more.items() if value}})
    return "/petugas" + (f"?{query}" if query else "")


def next_cursor(link: str | None) -> str | None:
    """The cursor in a `Link` header to the next page."""
    if not link or 'rel="next"' not in link:
        return None
    values = parse_qs(urlsplit(link[link.find("<") + 1 : link.find(">")]).query).get("cursor")
    return values[0] if values else None


class Line(Struct, frozen=True, kw_only=True):
    """One case in the inbox. Lengths in seconds; `left_days` may be negative: so many days late."""

    number: str
    service: Mapping[str, str]
    stage: Mapping[str, str]
    next: list[str]
    waits_for: str
    waited_s: float | None
    left_days: float | None
    due_at: str | None
    remaining: int | None
    overdue: bool
    paused: bool
    escalated: bool
    mine: bool
    claimed: bool
    queue: str | None
    opinion: str
    """`late`, `awaited`, `given` or nothing."""
    problems: int


def line(item: Mapping[str, Any], now: datetime) -> Line:
    """A line of the inbox."""
    deadline = item["deadline"] or {}
    due, since = deadline.get("at"), item["office_since"]
    return Line(
        number=item["number"],
        service=item["service"]["labels"],
        stage=item["stage"]["labels"],
        next=item["next"],
        waits_for=item["waits_for"],
        waited_s=(now - datetime.fromisoformat(since)).total_seconds() if since else None,
        left_days=(datetime.fromisoformat(due) - now).total_seconds() / _DAY_S if due else None,
        due_at=due,
        remaining=deadline.get("remaining"),
        overdue=item["overdue"],
        paused=item["paused"],
        escalated=item["escalated_at"] is not None,
        mine=item["mine"],
        claimed=item["officer"] is not None,
        queue=item["queue"],
        opinion=_opinion(item),
        problems=item["payment_problems"],
    )


def _opinion(item: Mapping[str, Any]) -> str:
    if item["opinion_late"]:
        return "late"
    if item["opinions_awaited"]:
        return "awaited"
    return "given" if item["opinion_given_at"] else ""
