"""The pages of what is on offer."""

from litestar.types import ControllerRouterHandler

from services.portal.offering.expecting import ExpectationReader
from services.portal.offering.offices_pages import office_routes
from services.portal.offering.services_pages import service_routes
from services.portal.portal import Portal


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/`, `/layanan…`, `/bandingkan`, `/bantu-pilih`, `/kantor…`, `/bantuan`."""
    return [*service_routes(portal, ExpectationReader(portal.status)), *office_routes(portal)]
