"""Send what the office asked for: one file for each requirement, streamed on to intake as it comes."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from runtime.addresses import segment
from services.portal.applying.uploading import FileTooLarge, Incoming, counted, ending, multipart
from services.portal.portal import Asked, Portal
from services.portal.tracking.answers import Entry
from services.portal.tracking.gathering import timeline
from services.portal.tracking.numbers import number_of
from services.portal.tracking.owning import Outstanding, new_key, own_draft, path_of
from services.portal.upstream import Code, Refused, UpstreamError
from services.portal.visit import Visit

_MEBIBYTE = 2**20
_OF_THE_FILE = frozenset(
    {"unsupported-document", "document-not-what-it-says", "document-too-large", "document-empty", "document-damaged"}
)


def supply_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/lacak/{number}/dokumen…`."""

    async def page(
        visit: Visit, number: str, asked: Outstanding, *, status_code: int = 200, wrong: tuple[str, str] = ("", ""),
        headers: dict[str, str] | None = None,
    ) -> Response[Any]:  # fmt: skip
        service = await portal.catalogue.service(asked.service, visit)
        labels = {one.code: one.labels for one in service.requirements}
        return visit.page(
            "tracking/supply.html", status_code=status_code, headers=headers, number=number, path=path_of(number),
            requested=[(code, visit.text(labels.get(code)) or visit._("Dokumen")) for code in asked.requested],
            why=await _why(portal, visit, number), wrong=wrong[0], error=wrong[1],
            limit_mib=asked.document_limit_bytes // _MEBIBYTE,
        )  # fmt: skip

    @get("/lacak/{number:str}/dokumen", include_in_schema=False)
    async def ask(request: Asked, number: FromPath[str]) -> Response[Any]:
        """What is asked for, each with a field for the file."""
        visit = portal.visit(request)
        known = number_of(number)
        _, asked = await own_draft(portal, visit, known, "dokumen")
        return await page(visit, known, asked)

    @post(
        "/lacak/{number:str}/dokumen/{requirement:str}",
        include_in_schema=False,
        status_code=303,
        request_max_body_size=None,
    )
    async def supply(request: Asked, number: FromPath[str], requirement: FromPath[str]) -> Response[Any]:
        """Take the file and hand it on; what is wrong with it is said beside its field."""
        visit = portal.visit(request)
        known = number_of(number)
        code, asked = await own_draft(portal, visit, known, "dokumen")
        try:
            incoming = await multipart(visit, asked.document_limit_bytes)
            error = await _hand_on(portal, visit, code, requirement, incoming)
        except FileTooLarge as large:
            words = visit._("Berkas ini lebih besar dari %(limit)s MB.", limit=large.limit_bytes // _MEBIBYTE)
            return await page(visit, known, asked, status_code=413, wrong=(requirement, words), headers=ending())
        if error:
            return await page(visit, known, asked, status_code=422, wrong=(requirement, error))
        left = [one for one in asked.requested if one != requirement]
        if left:
            visit.flash("success", visit._("Dokumen itu sudah kami terima. Masih ada yang kami perlukan."))
            return visit.redirect(path_of(known, "dokumen"))
        visit.flash("success", visit._("Terima kasih, semua dokumen sudah kami terima. Kami memeriksanya."))
        return visit.redirect(path_of(known))

    return [ask, supply]


async def _hand_on(portal: Portal, visit: Visit, code: Code, requirement: str, incoming: Incoming) -> str:
    """Have intake take the file; what is wrong with it in words, or nothing."""
    first, content = await counted(incoming.content)
    if not first:
        return visit._("Pilih berkasnya dulu.")
    try:
        await portal.intake.post(
            f"/applications/{segment(code.number)}/documents/{segment(requirement)}",
            visit,
            content=content,
            auth=code,
            headers={
                "Content-Type": incoming.media_type or "application/octet-stream",
                "Idempotency-Key": incoming.fields.get("once") or new_key(),
            },
        )
    except Refused as refused:
        if refused.slug in _OF_THE_FILE:
            return refused.words(visit.language)
        if refused.slug != "document-not-requested":
            raise
    return ""


async def _why(portal: Portal, visit: Visit, number: str) -> Entry | None:
    """The latest request, with its reasons; nothing, where the status service cannot say."""
    try:
        entries = await timeline(portal.status, visit, f"/applications/{segment(number)}")
    except UpstreamError:
        return None
    return next((one for one in reversed(entries) if one.type == "documents_requested"), None)
