"""The pages of tracking."""

from typing import Any

from litestar import Response, Router
from litestar.types import ControllerRouterHandler

from services.portal.portal import Asked, Portal
from services.portal.tracking.live import live_routes
from services.portal.tracking.numbers import UnknownNumber
from services.portal.tracking.openings_pages import openings_routes
from services.portal.tracking.owning import CodeNeeded, entering_routes, path_of
from services.portal.tracking.pay_pages import pay_routes
from services.portal.tracking.supply_pages import supply_routes
from services.portal.tracking.track_pages import track_routes, unknown
from services.portal.tracking.withdraw_pages import withdraw_routes


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/lacak…`; who must show that an application is theirs is asked for its access code."""
    pages = [
        *track_routes(portal),
        *live_routes(portal),
        *pay_routes(portal),
        *entering_routes(portal),
        *supply_routes(portal),
        *withdraw_routes(portal),
        *openings_routes(portal),
    ]
    return [Router("/", route_handlers=pages, exception_handlers=_otherwise(portal))]


def _otherwise(portal: Portal) -> dict[int | type[Exception], Any]:
    """Litestar exception handlers for this room's routes."""

    def say_unknown(request: Asked, error: UnknownNumber) -> Response[Any]:
        return unknown(portal.visit(request), error.typed)

    def ask_for_code(request: Asked, error: CodeNeeded) -> Response[Any]:
        return portal.visit(request).redirect(f"{path_of(error.number, 'masuk')}?lalu={error.then}")

    return {UnknownNumber: say_unknown, CodeNeeded: ask_for_code}
