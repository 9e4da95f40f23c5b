"""What every room of the portal works with."""

from dataclasses import dataclass

import msgspec

from services.portal.assets import Assets
from services.portal.catalogue import CatalogueReader
from services.portal.pages import Pages
from services.portal.session import Session, Sessions
from services.portal.settings import PortalSettings
from services.portal.upstream import Upstream
from services.portal.visit import Asked, Visit

__all__ = ["Asked", "Portal"]
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Portal:
    """The other services, the catalogue as intake tells it, the pages, the sessions."""

    settings: PortalSettings
    intake: Upstream
    processing: Upstream
    status: Upstream
    notify: Upstream
    pages: Pages
    assets: Assets
    sessions: Sessions
    catalogue: CatalogueReader

    def visit(self, request: Asked) -> Visit:
        """The visit that `request` is; the same one however often it is asked for."""
        kept = request.scope.get("jejak.visit")
        if not isinstance(kept, Visit):
            kept = Visit(self, request)
            request.scope["jejak.visit"] = kept  # type: ignore[typeddict-unknown-key]
        return kept

    @staticmethod
    def encoded(session: Session) -> bytes:
        """To see whether a session changed."""
        return _encode(session)

    async def close(self) -> None:
        """Close the connections to the other services."""
        for upstream in (self.intake, self.processing, self.status, self.notify):
            await upstream.close()
