"""Everything that the track page tells, asked of the status service at the same time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from runtime.addresses import segment
from services.portal.tracking.answers import Deadline, Entry, Expected, Fee, PastStatus, Place, Status, Timeline
from services.portal.upstream import Answer, Upstream, UpstreamError, no_call
from services.portal.visit import Visit

T = TypeVar("T")
_AT_ONCE = 200
_MOST_EVENTS = 1_000


class Told(Struct, frozen=True):
    """What is known of an application. What is missing could not be asked just now; the page says so."""

    status: Status
    tag: str
    """The entity tag of the status."""
    entries: list[Entry]
    deadline: Deadline | None = None
    expected: Expected | None = None
    place: Place | None = None
    fee: Fee | None = None
    """Only while it is to be paid."""


async def gather(status: Upstream, visit: Visit, number: str) -> Told:
    """The whole of it. Raises `Refused` (404: no such number) and `Away`, where status or timeline cannot be had."""
    path = f"/applications/{segment(number)}"
    found = await status.get(path, visit, type=Status)
    waits = found.body.waiting.party == "office"
    entries, deadline, expected, place, fee = await asyncio.gather(
        timeline(status, visit, path),
        _if_there(status.get(f"{path}/deadline", visit, type=Deadline)) if found.body.clocks else no_call(None),
        _if_there(status.get(f"{path}/expected", visit, type=Expected)),
        _if_there(status.get(f"{path}/place", visit, type=Place)) if waits else no_call(None),
        _if_there(status.get(f"{path}/fee", visit, type=Fee)) if found.body.situation == "fee_due" else no_call(None),
    )
    return Told(found.body, found.headers.get("ETag", ""), entries, deadline, expected, place, fee)


async def gather_past(status: Upstream, visit: Visit, number: str, instant: str) -> tuple[PastStatus, list[Entry]]:
    """As it was on record at `instant`. Raises `Refused` (400: no such instant) and `Away`."""
    path = f"/applications/{segment(number)}"
    found = await status.get(path, visit, params={"as_of": instant}, type=PastStatus)
    return found.body, await timeline(status, visit, path, as_of=instant)


async def fee_of(status: Upstream, visit: Visit, number: str) -> Fee:
    """What is to be paid. Raises `Refused` and `Away`."""
    return (await status.get(f"/applications/{segment(number)}/fee", visit, type=Fee)).body


async def timeline(status: Upstream, visit: Visit, path: str, *, as_of: str | None = None) -> list[Entry]:
    """Every event, page after page."""
    entries: list[Entry] = []
    cursor: str | None = None
    while len(entries) < _MOST_EVENTS:
        params = {"limit": _AT_ONCE, "as_of": as_of, "cursor": cursor}
        page: Answer[Timeline] = await status.get(f"{path}/timeline", visit, params=params, type=Timeline)
        entries += page.body.entries
        cursor = cursor_of(page.headers.get("Link", ""))
        if cursor is None:
            break
    return entries


def cursor_of(link: str) -> str | None:
    """The cursor in a `Link` header (RFC 8288) that leads to the next page."""
    target, _, relation = link.partition(">")
    if 'rel="next"' not in relation:
        return None
    return next(iter(parse_qs(urlsplit(target.strip().lstrip("<")).query).get("cursor", [])), None)


async def _if_there(asking: Awaitable[Answer[T]]) -> T | None:
    try:
        return (await asking).body
    except UpstreamError:
        return None
