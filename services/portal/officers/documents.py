"""An applicant's document on an officer's screen. Such files are hostile: only three kinds are shown, none as a page.

Images lie in an `<img>`, which runs nothing. A PDF lies in a frame of its own: browsers show it in their viewer, which
they isolate from the page; a `sandbox` would keep the viewer from starting at all, so the frame has none. Nor has a PDF's
policy: Chromium starts its viewer without regard to it there, and Safari saves the file instead of showing it. What makes
it safe is that the type is one of three and not guessed (`nosniff`), and that the policy of the answer allows nothing.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from runtime.addresses import segment
from services.portal.language import N_
from services.portal.officers.reading import ACTORS
from services.portal.portal import Asked, Portal
from services.portal.refusals import Said, refusal
from services.portal.upstream import STAFF, Away, Refused
from services.portal.visit import Visit

IMAGES: Final = frozenset({"image/jpeg", "image/png"})
SHOWN: Final = IMAGES | {"application/pdf"}
_NOTHING: Final = "default-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
NOT_SHOWN: Final = Said(
    415,
    N_("Berkas ini tidak ditampilkan"),
    N_("Jenis berkasnya bukan JPEG, PNG, atau PDF. Minta pemohon mengunggah dokumen ini sekali lagi."),
)


def document_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/petugas/kasus/{number}/dokumen/{document}`."""

    @get("/petugas/kasus/{number:str}/dokumen/{document:str}", include_in_schema=False)
    async def show_document(request: Asked, number: FromPath[str], document: FromPath[str]) -> Response[Any] | Stream:
        """The document's bytes, as what intake found them to be."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        opened = portal.intake.stream("GET", _path(number, document), visit, auth=STAFF, timeout_s=60)
        answer = await opened.__aenter__()
        kind = _kind(answer.headers.get("Content-Type", ""))
        if kind not in SHOWN:
            await opened.__aexit__(None, None, None)
            return refusal(visit, NOT_SHOWN)

        async def content() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_bytes():
                    yield chunk
            finally:
                await opened.__aexit__(None, None, None)

        return Stream(content(), media_type=kind, headers=headers_of(kind))

    return [show_document]


def headers_of(kind: str) -> dict[str, str]:
    """What keeps a browser from making more of a document than a picture of it."""
    policy = f"{_NOTHING}; sandbox" if kind in IMAGES else f"{_NOTHING}; object-src 'self'; style-src 'unsafe-inline'"
    return {**_HEADERS, "Content-Security-Policy": policy, "Content-Disposition": "inline"}


async def kind_of(portal: Portal, visit: Visit, number: str, document: str) -> str:
    """`image`, `pdf`, `other`, or `away` while intake cannot be reached or no longer has it."""
    try:
        answer = await portal.intake.call("HEAD", _path(number, document), visit, auth=STAFF, type=bytes)
    except (Away, Refused):
        return "away"
    kind = _kind(answer.headers.get("Content-Type", ""))
    return "image" if kind in IMAGES else "pdf" if kind in SHOWN else "other"


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _path(number: str, document: str) -> str:
    return f"/applications/{segment(number)}/documents/{segment(document)}"
