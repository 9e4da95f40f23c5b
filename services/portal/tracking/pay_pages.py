"""What is to be paid, with which code, how and where; and what became of it."""

from datetime import UTC, datetime
from typing import Any

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from runtime.addresses import segment
from services.portal.portal import Asked, Portal
from services.portal.tracking.answers import Status
from services.portal.tracking.gathering import fee_of
from services.portal.tracking.numbers import number_of
from services.portal.tracking.owning import path_of
from services.portal.tracking.track_pages import unknown
from services.portal.upstream import Away, Refused


def pay_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/lacak/{number}/bayar`."""

    @get("/lacak/{number:str}/bayar", include_in_schema=False)
    async def pay(request: Asked, number: FromPath[str]) -> Response[Any]:
        """The billing code, and everything around it."""
        visit = portal.visit(request)
        known = number_of(number)
        try:
            status = (await portal.status.get(f"/applications/{segment(known)}", visit, type=Status)).body
        except Refused as refused:
            if refused.status == 404:
                return unknown(visit, known)
            raise
        try:
            how = await portal.catalogue.how_to_pay(visit)
        except Away:
            how = None
        fee = await fee_of(portal.status, visit, known)
        return visit.page(
            "tracking/pay.html", status=status, fee=fee, how=how, path=path_of(known), asked_at=datetime.now(UTC)
        )

    return [pay]
