"""`/petugas`: the inbox, and taking the next case."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

from litestar import Response, get, post
from litestar.types import ControllerRouterHandler

from services.portal.officers.casefile import officer_name
from services.portal.officers.inbox import address, asked, chosen, line, next_cursor
from services.portal.officers.reading import ACTORS, READERS, path_of
from services.portal.officers.steps import NEXT, WAITS
from services.portal.portal import Asked, Portal
from services.portal.upstream import STAFF, Away, Refused
from services.portal.visit import Visit

LINES: Final = 50


def inbox_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/petugas`, `/petugas/eskalasi`, `/petugas/berikutnya`."""

    @get("/petugas", include_in_schema=False)
    async def inbox(request: Asked) -> Response[Any]:
        """Cases due first; the filters are in the link."""
        visit = portal.visit(request)
        visit.require(*READERS)
        filters, cursor = chosen(request.query_params), request.query_params.get("cursor")
        page, officers, services = await asyncio.gather(
            portal.processing.get(
                "/cases", visit, auth=STAFF, params=asked(filters, cursor, LINES), type=dict[str, Any]
            ),
            portal.processing.get("/officers", visit, auth=STAFF, type=dict[str, Any]),
            _services(portal, visit),
        )
        after, now = next_cursor(page.headers.get("Link")), datetime.now(UTC)
        me = next((one for one in officers.body["officers"] if one["me"]), None)
        return visit.page(
            "officers/inbox.html",
            lines=[line(item, now) for item in page.body["cases"]],
            filters=filters,
            first=address(filters) if cursor else "",
            after=address(filters, cursor=after) if after else "",
            address=address,
            services=services,
            next_words=NEXT,
            waits_words=WAITS,
            me=officer_name(officers.body["me"]),
            holds=me["waiting"] if me else 0,
            most=officers.body["most"],
            acts=visit.staff is not None and visit.staff.has(*ACTORS),
            desk=visit.staff.desk if visit.staff else None,
        )

    @get("/petugas/eskalasi", include_in_schema=False)
    async def escalated(request: Asked) -> Response[Any]:
        """What is near its deadline: a filter of the inbox with an address of its own."""
        visit = portal.visit(request)
        visit.require(*READERS)
        return visit.redirect(address({"escalated": "true"}))

    @post("/petugas/berikutnya", status_code=303, include_in_schema=False)
    async def take_next(request: Asked) -> Response[Any]:
        """The case that is due first and that nobody has becomes mine."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        form = await visit.form()
        once = {"Idempotency-Key": form.once} if form.once else None
        try:
            taken = await portal.processing.post(
                "/cases/take-next", visit, auth=STAFF, headers=once, type=dict[str, Any]
            )
        except Refused as refused:
            if refused.slug not in ("nothing-to-take", "holds-enough"):
                raise
            visit.flash("info", refused.words(visit.language))
            return visit.redirect(address({"claimed": "me"}) if refused.slug == "holds-enough" else "/petugas")
        return visit.redirect(path_of(taken.body["number"]))

    return [inbox, escalated, take_next]


async def _services(portal: Portal, visit: Visit) -> list[tuple[str, str]]:
    """For the filter; it is left out while intake is away."""
    try:
        return [(one.code, visit.text(one.labels)) for one in await portal.catalogue.services(visit)]
    except (Away, Refused):
        return []
