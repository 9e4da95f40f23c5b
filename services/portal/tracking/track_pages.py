"""Enter a number, and see where the application stands."""

from datetime import UTC, datetime
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from runtime.addresses import segment
from services.portal.portal import Asked, Portal
from services.portal.tracking import journey, telling
from services.portal.tracking.gathering import Told, gather, gather_past
from services.portal.tracking.keeping import Keep, entity_tag, keep
from services.portal.tracking.numbers import MOST, canonical
from services.portal.upstream import Refused
from services.portal.visit import Visit

_REVALIDATED: Final = "private, no-cache"


def track_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/lacak`, `/lacak/{number}`."""

    @get("/lacak", include_in_schema=False)
    async def enter(request: Asked) -> Response[Any]:
        """The field for the number; with `?nomor=` on to its page, or back with what is wrong."""
        visit = portal.visit(request)
        typed = request.query_params.get("nomor", "").strip()[:MOST]
        if not typed:
            return visit.page("tracking/enter.html", typed="", is_unknown="nomor" in request.query_params)
        number = canonical(typed)
        return unknown(visit, typed) if number is None else visit.redirect(f"/lacak/{segment(number)}")

    @get("/lacak/{number:str}", include_in_schema=False)
    async def track(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Where it stands; with `?pada=` as it was on record then."""
        visit = portal.visit(request)
        known = canonical(number)
        if known is not None and known != number:
            return visit.redirect(f"/lacak/{segment(known)}")
        instant = request.query_params.get("pada", "").strip()[:40]
        try:
            if instant:
                return await _past(portal, visit, number, instant)
            return present(visit, await gather(portal.status, visit, number))
        except Refused as refused:
            if refused.status == 404:
                return unknown(visit, number)
            raise

    return [enter, track]


def unknown(visit: Visit, typed: str) -> Response[Any]:
    """The one page for a number that nobody has, and for what is none."""
    return visit.page("tracking/enter.html", status_code=404, typed=typed, is_unknown=True)


def present(visit: Visit, told: Told) -> Response[Any]:
    """The page of an application. The same for everybody who asks; kept for those who come without a session."""
    now = datetime.now(UTC)
    response = visit.page("tracking/status.html", **view(visit, told, now))
    if visit.has_session:
        return response
    response.headers["Cache-Control"] = _REVALIDATED
    response.headers["ETag"] = entity_tag(response.content)
    keep(visit.request.scope, Keep(told.tag, *telling.fresh_until(told.status, now, visit.speech.zone, told.fee)))
    return response


def view(visit: Visit, told: Told, now: datetime) -> dict[str, Any]:
    """What the template shows."""
    status = told.status
    first = telling.law(status, told.deadline, now.astimezone(visit.speech.zone).date())
    return {
        "status": status,
        "mood": telling.mood(status, first),
        "law": first,
        "deadline": told.deadline,
        "expected": told.expected,
        "coverage": telling.coverage(told.expected),
        "place": told.place,
        "expired": told.fee if told.fee is not None and told.fee.state == "expired" else None,
        "steps": journey.journey(status, told.entries),
        "notices": journey.notices(told.entries),
        "shares": telling.ledger(status.waited, now),
        "from_intake": journey.comes_from_intake(told.entries),
        "has_fee": journey.has_fee(told.entries),
        "path": f"/lacak/{segment(status.number)}",
        "asked_at": now,
    }


async def _past(portal: Portal, visit: Visit, number: str, instant: str) -> Response[Any]:
    path = f"/lacak/{segment(number)}"
    try:
        found, entries = await gather_past(portal.status, visit, number, instant)
    except Refused as refused:
        if refused.status != 400:
            raise
        wrong = visit.text(refused.extensions.get("text")) or refused.detail
        return visit.page("tracking/past.html", status_code=400, number=number, path=path, wrong=wrong, found=None)
    steps = journey.journey(found.status, entries) if found.status else []
    return visit.page(
        "tracking/past.html", number=number, path=path, wrong="", found=found, steps=steps, instant=instant,
        shares=telling.ledger(found.status.waited, datetime.now(UTC)) if found.status else [],
    )  # fmt: skip
