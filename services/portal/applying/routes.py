"""`/ajukan/…`, `/draf/…`, `/permohonan/{number}/tanda-terima`: applying, from the first page to the receipt."""

from litestar import Router
from litestar.types import ControllerRouterHandler

from services.portal.applying.document_pages import document_routes
from services.portal.applying.drafts import refused_page
from services.portal.applying.filling_pages import filling_routes
from services.portal.applying.reviewing import review_routes
from services.portal.applying.starting import start_routes
from services.portal.portal import Portal


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """All pages of this room; whoever has not shown that a draft is theirs is asked for its number and code."""
    pages = [*start_routes(portal), *filling_routes(portal), *document_routes(portal), *review_routes(portal)]
    return [Router("/", route_handlers=pages, exception_handlers=refused_page(portal))]
