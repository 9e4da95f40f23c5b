"""A case at any instant: where it stood, its timeline as it was known then, what changed, what the applicant was shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx
from litestar import Response

from runtime.addresses import segment
from services.portal.auditing.moments import By, Place, moments_of, place_at
from services.portal.portal import Portal
from services.portal.upstream import STAFF, Refused
from services.portal.visit import Visit

_PAGE: Final = 200
_MOST_PAGES: Final = 25
_BY: Final[Mapping[str, By]] = {"known": "known", "valid": "valid"}
_ASK: Final[Mapping[By, str]] = {"known": "as_of", "valid": "valid_at"}
_COMPARE: Final[Mapping[By, str]] = {"known": "recorded", "valid": "valid"}


async def case_page(portal: Portal, visit: Visit, number: str) -> Response[Any]:
    """`/audit/{number}?pada=T&nilai=known|valid`. Raises `Refused` (404: no such number) and `Away`."""
    query = visit.request.query_params
    by = _BY.get(query.get("nilai", "known"), "known")
    entries, is_whole = await timeline(portal, visit, number, {})
    moments = moments_of(entries, by)
    errors: dict[str, str] = {}
    try:
        place = place_at(moments, _asked_instant(query.get("pada", ""), visit), by)
    except ValueError:
        errors["pada"] = visit._(
            "Tulis saat dengan zona waktunya, misalnya 2026-03-02T09:00:00+07:00. Yang ditampilkan adalah keadaan terakhir."
        )
        place = place_at(moments, "", by)
    try:
        told = await _told(portal, visit, number, place)
    except Refused as refused:
        if refused.status != 400:
            raise
        text = refused.extensions.get("text")
        errors["pada"] = visit.text(text) if isinstance(text, dict) else refused.detail
        place = place_at(moments, "", by)
        told = await _told(portal, visit, number, place)
    return visit.page(
        "auditing/case.html",
        status_code=422 if errors else 200,
        number=number,
        place=place,
        errors=errors,
        is_whole=is_whole,
        service=(told["past"].get("status") or {}).get("service"),
        link=lambda at: visit.url(f"/audit/{segment(number)}?nilai={by}&pada={quote(at, safe='')}"),
        **told,
    )


def _asked_instant(text: str, visit: Visit) -> str:
    """The instant that was asked for; what a field for local times brings is of the office's zone."""
    text = text.strip().replace(" ", "+")
    if not text:
        return ""
    instant = datetime.fromisoformat(text)
    return text if instant.tzinfo else instant.replace(tzinfo=visit.speech.zone).isoformat()


async def _told(portal: Portal, visit: Visit, number: str, place: Place) -> dict[str, Any]:
    """What the status service says of the instant. Raises `Refused`, `Away`."""
    path = f"/applications/{segment(number)}"
    instant = {_ASK[place.by]: place.at}
    past = (await portal.status.get(path, visit, params=instant, auth=STAFF, type=dict[str, Any])).body
    then, _ = await timeline(portal, visit, number, instant)
    ends = {"from": place.before, "to": place.at, "by": _COMPARE[place.by]}
    difference = (
        await portal.status.get(f"{path}/difference", visit, params=ends, auth=STAFF, type=dict[str, Any])
    ).body
    shown = (
        await portal.status.get(f"{path}/shown", visit, params={"as_of": place.at}, auth=STAFF, type=dict[str, Any])
    ).body
    return {
        "past": past,
        "then": then,
        "changes": [one for one in difference["changes"] if visit.text(one["before"]) != visit.text(one["after"])],
        "new": {event["n"] for event in difference["events"]},
        "shown": shown,
        "looks": [
            (
                visit._("sampai kejadian %(n)s", n=look["events"]),
                visit.speech.day_time(look["first_at"]),
                visit.speech.day_time(look["last_at"]),
                visit.speech.number(look["looks"]),
            )
            for look in shown["looks"]
        ],
    }


async def timeline(
    portal: Portal, visit: Visit, number: str, params: Mapping[str, str]
) -> tuple[list[dict[str, Any]], bool]:
    """All events as they are told (with `params`: as they were told then), and whether these are all."""
    entries: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        answer = await portal.status.get(
            f"/applications/{segment(number)}/timeline",
            visit,
            params={**params, "limit": str(_PAGE), "cursor": cursor},
            auth=STAFF,
            type=dict[str, Any],
        )
        entries += answer.body["entries"]
        link = answer.headers.get("Link", "")
        if not link:
            return entries, True
        cursor = httpx.URL(link.partition("<")[2].partition(">")[0]).params.get("cursor")
    return entries, False
