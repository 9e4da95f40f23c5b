"""Documents: the list, a page each, uploads by a plain form and, with scripts, in pieces that survive a broken line."""

import base64
from typing import Any, Final

import msgspec
from litestar import Response, get, patch, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from contracts.catalogue import Requirement
from runtime.addresses import segment
from services.portal.applying.drafts import Filled, draft_path, key_to, read_filled
from services.portal.applying.filling_pages import step_page
from services.portal.applying.steps import documents_asked, next_document, next_page
from services.portal.applying.uploading import FileTooLarge, counted, drain, ending, multipart
from services.portal.forms import ForeignForm, FormErrors
from services.portal.language import N_
from services.portal.portal import Asked, Portal
from services.portal.refusals import NOT_FOUND, refusal
from services.portal.upstream import Away, Code, Refused
from services.portal.visit import Visit

PIECE_BYTES: Final = 256 * 1024
"""What the script sends at once."""
TUS: Final = {"Tus-Resumable": "1.0.0"}
NOTHING: Final = N_("Pilih berkas atau ambil foto dahulu.")
WORDS: Final = {
    "unsupported-document": N_("Berkas ini bukan PDF, JPEG, atau PNG. Pilih berkas lain, atau foto dokumennya."),
    "document-not-what-it-says": N_("Berkas ini rusak atau terpotong, atau isinya bukan seperti namanya. Pilih berkas lain, "
                                    "atau foto dokumennya."),
    "document-empty": N_("Berkas ini kosong. Pilih berkas lain."),
}  # fmt: skip


def too_large(visit: Visit, limit_bytes: int) -> str:
    """What to do about a file beyond the limit."""
    return visit._(
        "Berkas ini terlalu besar; paling besar %(limit)s MB. Foto dokumennya dengan kamera, atau perkecil berkasnya.",
        limit=limit_bytes // (1024 * 1024) or 1,
    )


def words_of(visit: Visit, refused: Refused, limit_bytes: int) -> str:
    """A refusal of a document, in words for who sends it."""
    if refused.slug in ("document-too-large", "upload-beyond-length"):
        return too_large(visit, limit_bytes)
    return visit._(WORDS[refused.slug]) if refused.slug in WORDS else refused.words(visit.language)


def document_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/draf/{number}/dokumen…`."""
    return [*_pages(portal), *_pieces(portal)]


def _pages(portal: Portal) -> list[ControllerRouterHandler]:
    @get("/draf/{number:str}/dokumen", include_in_schema=False)
    async def documents(request: Asked, number: FromPath[str]) -> Response[Any]:
        """All documents, as tasks."""
        visit = portal.visit(request)
        filled = await read_filled(portal, visit, number)
        return step_page(
            visit, "applying/documents.html", filled, {}, asked=documents_asked(filled),
            following="periksa" if request.query_params.get("ke") == "periksa" else next_page(filled, "dokumen"),
        )  # fmt: skip

    @get("/draf/{number:str}/dokumen/{requirement:str}", include_in_schema=False)
    async def document(request: Asked, number: FromPath[str], requirement: FromPath[str]) -> Response[Any]:
        """One document: what it is, what else is accepted, where to choose or photograph it."""
        visit = portal.visit(request)
        return document_page(visit, await read_filled(portal, visit, number), requirement, {})

    @post(
        "/draf/{number:str}/dokumen/{requirement:str}",
        status_code=303,
        include_in_schema=False,
        request_max_body_size=None,
    )
    async def upload(request: Asked, number: FromPath[str], requirement: FromPath[str]) -> Response[Any]:
        """Send the file on to intake as it comes; what is wrong with it is said on the same page."""
        visit = portal.visit(request)
        filled = await read_filled(portal, visit, number)
        if all(one.code != requirement for one in filled.service.requirements):
            await drain(request.stream())
            return refusal(visit, NOT_FOUND, headers=ending())
        limit = filled.draft.document_limit_bytes
        try:
            incoming = await multipart(visit, limit)
            first, content = await counted(incoming.content)
            if not first:
                return document_page(visit, filled, requirement, {"file": visit._(NOTHING)})
            await portal.intake.put(
                f"/drafts/{segment(filled.draft.number)}/documents/{segment(requirement)}",
                visit,
                content=content,
                auth=key_to(visit, number),
                headers={"Content-Type": incoming.media_type or "application/octet-stream"},
            )
        except FileTooLarge:
            error = {"file": too_large(visit, limit)}
            return document_page(visit, filled, requirement, error, status=413, headers=ending())
        except Away:
            return document_page(visit, filled, requirement, {}, away=True, headers=ending())
        except Refused as refused:
            if refused.status not in (413, 415, 422):
                raise
            error = {"file": words_of(visit, refused, limit)}
            return document_page(visit, filled, requirement, error, status=refused.status, headers=ending())
        return stored(visit, await read_filled(portal, visit, number), requirement)

    return [documents, document, upload]


def document_page(
    visit: Visit,
    filled: Filled,
    requirement: str,
    errors: FormErrors,
    *,
    status: int = 422,
    headers: dict[str, str] | None = None,
    away: bool = False,
) -> Response[Any]:
    """The page of one document; `errors` in the visitor's language."""
    found = next((one for one in filled.service.requirements if one.code == requirement), None)
    if found is None:
        return refusal(visit, NOT_FOUND)
    return visit.page(
        "applying/document.html",
        status_code=503 if away else status if errors else 200,
        headers=headers,
        filled=filled,
        number=filled.draft.number,
        requirement=found,
        stored=filled.by_requirement.get(requirement),
        limit=filled.draft.document_limit_bytes,
        too_large=too_large(visit, filled.draft.document_limit_bytes),
        piece_bytes=PIECE_BYTES,
        errors=errors,
        away=away,
    )


def stored(visit: Visit, filled: Filled, requirement: str) -> Response[Any]:
    """On to the next document that is missing."""
    visit.flash("success", visit._("Dokumen diterima: %(name)s.", name=_name(visit, filled, requirement)))
    return visit.redirect(draft_path(filled.draft.number, next_document(filled, requirement)))


def _name(visit: Visit, filled: Filled, requirement: str) -> str:
    found: Requirement | None = next((one for one in filled.service.requirements if one.code == requirement), None)
    return visit.text(found.labels) if found else ""


class Announced(msgspec.Struct, frozen=True):
    """What the script says before it sends a file."""

    size: int
    type: str = ""


def _pieces(portal: Portal) -> list[ControllerRouterHandler]:
    """For the script: a file in pieces, by tus, under this session instead of number and code."""

    @post("/draf/{number:str}/unggah/{requirement:str}", status_code=200, include_in_schema=False)
    async def begin(request: Asked, number: FromPath[str], requirement: FromPath[str]) -> Response[Any]:
        visit = portal.visit(request)
        key, limit = _scripted(visit, number), 0
        try:
            said = msgspec.json.decode(await request.body(), type=Announced)
        except msgspec.DecodeError:
            return _json(visit, 400, message="")
        headers = TUS | {
            "Upload-Length": str(max(said.size, 0)),
            "Upload-Metadata": f"requirement {_base64(requirement)},filetype {_base64(said.type[:100])}",
        }
        limit = _whole(request.headers.get("x-limit", ""))
        path = f"/applications/{segment(key.number)}/uploads"
        try:
            answer = await portal.intake.post(path, visit, auth=key, headers=headers, type=bytes)
        except (Refused, Away) as error:
            return _failed(visit, error, limit)
        return _json(visit, 200, upload=answer.headers["Location"].rpartition("/")[2], offset=0)

    @get("/draf/{number:str}/unggah/{requirement:str}/{upload:str}", include_in_schema=False)
    async def place(
        request: Asked, number: FromPath[str], requirement: FromPath[str], upload: FromPath[str]
    ) -> Response[Any]:
        visit = portal.visit(request)
        key = key_to(visit, number)
        path = f"/applications/{segment(key.number)}/uploads/{segment(upload)}"
        try:
            answer = await portal.intake.get(path, visit, auth=key, headers=TUS, type=bytes)
        except (Refused, Away) as error:
            return _failed(visit, error, 0)
        return _json(
            visit, 200, offset=_whole(answer.headers["Upload-Offset"]), length=_whole(answer.headers["Upload-Length"])
        )

    @patch(
        "/draf/{number:str}/unggah/{requirement:str}/{upload:str}",
        status_code=200,
        include_in_schema=False,
        request_max_body_size=PIECE_BYTES,
    )
    async def piece(
        request: Asked, number: FromPath[str], requirement: FromPath[str], upload: FromPath[str]
    ) -> Response[Any]:
        visit = portal.visit(request)
        key = _scripted(visit, number)
        path = f"/applications/{segment(key.number)}/uploads/{segment(upload)}"
        headers = TUS | {
            "Upload-Offset": str(_whole(request.headers.get("upload-offset", ""))),
            "Content-Type": "application/offset+octet-stream",
        }
        body = await request.body()
        try:
            answer = await portal.intake.call("PATCH", path, visit, content=body, auth=key, headers=headers, type=bytes)
        except (Refused, Away) as error:
            return _failed(visit, error, _whole(request.headers.get("x-limit", "")))
        offset, length = _whole(answer.headers["Upload-Offset"]), _whole(answer.headers["Upload-Length"])
        if offset < length:
            return _json(visit, 200, offset=offset)
        done = stored(visit, await read_filled(portal, visit, number), requirement)
        return _json(visit, 200, offset=offset, next=done.headers["Location"])

    return [begin, place, piece]


def _scripted(visit: Visit, number: str) -> Code:
    """Raises `ForeignForm`, `NotEntered`. The form's token comes in a header."""
    visit.refuse_foreign()
    if not visit.session.is_form_token(visit.request.headers.get("x-csrf", "")):
        raise ForeignForm
    return key_to(visit, number)


def _failed(visit: Visit, error: Refused | Away, limit: int) -> Response[Any]:
    """For the script: what to say, or, without words, that it may be tried again."""
    if isinstance(error, Away):
        return _json(visit, 503, message="")
    if error.slug == "upload-offset-conflict":
        return _json(visit, 409, offset=error.extensions.get("offset", 0))
    return _json(visit, error.status, message=words_of(visit, error, limit))


def _json(visit: Visit, status: int, **body: object) -> Response[Any]:
    headers = {"Cache-Control": "no-store"}
    return visit.with_session(
        Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=headers)
    )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
