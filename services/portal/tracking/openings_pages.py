"""When and why the help desk opened an application: for who has its access code, and nobody else."""

from datetime import datetime
from typing import Any

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from runtime.addresses import segment
from services.portal.portal import Asked, Portal
from services.portal.tracking.answers import Text
from services.portal.tracking.numbers import number_of
from services.portal.tracking.owning import own_draft, path_of
from services.portal.upstream import SYSTEM, Refused


class Reason(Struct, frozen=True):
    """Why, in both languages."""

    words: Text


class Opening(Struct, frozen=True):
    """The case was opened at the help desk."""

    at: datetime
    reason: Reason


class Openings(Struct, frozen=True):
    """All of them, as processing gives them."""

    openings: list[Opening]


def openings_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/lacak/{number}/dibuka`."""

    @get("/lacak/{number:str}/dibuka", include_in_schema=False)
    async def show(request: Asked, number: FromPath[str]) -> Response[Any]:
        """The list, the latest first."""
        visit = portal.visit(request)
        known = number_of(number)
        await own_draft(portal, visit, known, "dibuka")
        opened: list[Opening] = []
        try:
            place = f"/cases/{segment(known)}/openings"
            opened = (await portal.processing.get(place, visit, auth=SYSTEM, type=Openings)).body.openings
        except Refused as refused:
            if refused.status != 404:  # the office has no case yet: nobody can have opened it
                raise
        return visit.page(
            "tracking/openings.html", headers={"Cache-Control": "no-store"}, number=known, path=path_of(known),
            openings=sorted(opened, key=lambda one: one.at, reverse=True),
        )  # fmt: skip

    return [show]
