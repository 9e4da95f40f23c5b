"""The pages of tracking."""

from litestar.types import ControllerRouterHandler

from services.portal.portal import Portal
from services.portal.tracking.live import live_routes
from services.portal.tracking.openings_pages import openings_routes
from services.portal.tracking.owning import entering_routes
from services.portal.tracking.pay_pages import pay_routes
from services.portal.tracking.supply_pages import supply_routes
from services.portal.tracking.track_pages import track_routes
from services.portal.tracking.withdraw_pages import withdraw_routes


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/lacak…`."""
    return [
        *track_routes(portal),
        *live_routes(portal),
        *pay_routes(portal),
        *entering_routes(portal),
        *supply_routes(portal),
        *withdraw_routes(portal),
        *openings_routes(portal),
    ]
