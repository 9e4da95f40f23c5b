"""Offices, what they offer visitors, and help."""

from datetime import UTC, datetime
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from contracts.catalogue import Office
from services.portal.offering.visiting import Open, grouped, office_view, opening
from services.portal.portal import Asked, Portal
from services.portal.upstream import Asking
from services.portal.visit import Visit

_PUBLIC: Final = {"Cache-Control": "private, max-age=60", "Vary": "Accept-Encoding, Cookie"}


def public(visit: Visit) -> dict[str, str]:
    """Headers of a page that says the same to everyone: a browser without a session may keep it for a minute."""
    return {} if visit.has_session else dict(_PUBLIC)


async def opening_of(portal: Portal, visit: Asking) -> tuple[Office, Open] | None:
    """This portal's office and whether it is open now, where it tells its hours. Raises `Away`."""
    office = await portal.catalogue.office(portal.settings.office, visit)
    if office is None or office.visiting is None:
        return None
    return office, opening(office.visiting, office, datetime.now(UTC))


def office_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/kantor`, `/kantor/{code}`, `/bantuan`."""

    @get("/kantor", include_in_schema=False)
    async def offices_page(request: Asked) -> Response[Any]:
        """Every office, and which is open now."""
        visit = portal.visit(request)
        offices, at = await portal.catalogue.offices(visit), datetime.now(UTC)
        rows = [(one, opening(one.visiting, one, at) if one.visiting else None) for one in offices]
        rows.sort(key=lambda row: (row[0].code != portal.settings.office, visit.text(row[0].labels)))
        return visit.page("offering/offices.html", headers=public(visit), rows=rows)

    @get("/kantor/{code:str}", include_in_schema=False)
    async def office_page(request: Asked, code: FromPath[str]) -> Response[Any]:
        """One office: open or not, where, with what help, how to reach it."""
        visit = portal.visit(request)
        office = await portal.catalogue.office(code, visit)
        if office is None:
            offices = await portal.catalogue.offices(visit)
            return visit.page("offering/no_office.html", status_code=404, offices=offices)
        return visit.page(
            "offering/office.html",
            headers=public(visit),
            office=office,
            view=office_view(office, datetime.now(UTC)),
            weekdays=weekdays(visit),
            grouped=grouped,
        )

    @get("/bantuan", include_in_schema=False)
    async def help_page(request: Asked) -> Response[Any]:
        """What is asked often, and whom else to ask."""
        visit = portal.visit(request)
        office = await portal.catalogue.office(portal.settings.office, visit)
        return visit.page(
            "offering/help.html",
            headers=public(visit),
            office=office,
            visiting=office.visiting if office else None,
            weekdays=weekdays(visit),
            grouped=grouped,
        )

    return [offices_page, office_page, help_page]


def weekdays(visit: Visit) -> list[str]:
    """What the days of the week are called, Monday first."""
    return [str(visit.speech.locale.days["format"]["wide"][number]) for number in range(7)]
