"""`/petugas/…` for officers and supervisors (auditors read), `/pendapat/…` for another body."""

from litestar.types import ControllerRouterHandler

from services.portal.officers.case_pages import case_routes
from services.portal.officers.desk_pages import desk_routes
from services.portal.officers.documents import document_routes
from services.portal.officers.inbox_pages import inbox_routes
from services.portal.officers.opinion_pages import opinion_routes
from services.portal.officers.step_pages import step_routes
from services.portal.portal import Portal


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """All pages of this room."""
    return [
        *inbox_routes(portal), *case_routes(portal), *step_routes(portal), *document_routes(portal),
        *desk_routes(portal), *opinion_routes(portal),
    ]  # fmt: skip
