"""The design's own pages: the components with their states, and the files that all pages use."""

from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from services.portal.design import samples
from services.portal.portal import Asked, Portal

FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/rancangan` and `/aset/…`."""

    @get("/aset/{digest:str}/{name:path}", include_in_schema=False, sync_to_thread=False)
    def asset(request: Asked, digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """A style, script or picture. Its address changes with its content, so browsers keep it for ever."""
        found = portal.assets.find(str(name).lstrip("/"))
        headers = FOR_EVER if digest == found.digest else {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers = headers | {"Content-Encoding": "gzip"}
            return Response(found.packed, media_type=found.media_type, headers=headers)
        return Response(found.plain, media_type=found.media_type, headers=headers)

    @get("/rancangan", include_in_schema=False)
    async def components(request: Asked) -> Response[Any]:
        """Every component in every state, for those who build pages."""
        return portal.visit(request).page("design/components_page.html", samples=samples)

    return [asset, components]
