"""What staff and systems read of an application here: the contact, and the documents."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from litestar import Response, Router, get
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Meta, Struct

from contracts.number import InvalidNumber, parse_number
from runtime.auth import requires
from services.intake.applicant import Contact
from services.intake.application import Applications, UnknownNumber
from services.intake.documents import DocumentDamaged
from services.intake.keys import SealBroken

NO_STORE: Final = {"Cache-Control": "no-store"}
SAFE_DOWNLOAD: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""A document came from a stranger: a browser may save it, and may not make anything else of it."""
_EXTENSIONS: Final = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


@get("/applications/{number:str}/contact", guards=[requires("system")])
async def show_contact(number: FromPath[str], applications: Applications) -> Response[Contact]:
    """How to reach the applicant, for the system that writes to them; not to be kept."""
    return Response(await applications.contact(canonical(number)), headers=NO_STORE)


class NeedsView(Struct, frozen=True, kw_only=True):
    """What the desk should know before a visit; no names."""

    needs: Annotated[list[str], Meta(description="Codes of the office's `assistance`.")]
    on_behalf: Annotated[bool, Meta(description="Someone else filed it, with the applicant's consent.")]
    relation: Annotated[str | None, Meta(description="What that person is to the applicant.")]
    answers: Annotated[dict[str, str], Meta(description="Answers to the service's questions, by their codes.")]
    fees: Annotated[list[str], Meta(description="Which fees of a group the applicant chose.")]


@get("/applications/{number:str}/needs", guards=[requires("officer", "supervisor")])
async def show_needs(number: FromPath[str], applications: Applications) -> Response[NeedsView]:
    """What was asked for a visit and chosen in the form, for the desk. Drafts are not shown."""
    application = await applications.load(canonical(number))
    if application.submitted_at is None:
        raise UnknownNumber()
    form = await applications.form(application.number)
    by = form.representative
    view = NeedsView(
        needs=form.needs,
        on_behalf=by is not None,
        relation=by.relation if by else None,
        answers=form.answers,
        fees=form.fees,
    )
    return Response(view, headers=NO_STORE)


@get("/applications/{number:str}/documents/{document:str}", guards=[requires("officer", "supervisor")])
async def download_document(number: FromPath[str], document: FromPath[str], applications: Applications) -> Stream:
    """A document's content, as a file to be saved."""
    stored, content = await applications.document(canonical(number), document)
    name = f"{stored.requirement}-{stored.document[:8]}.{_EXTENSIONS[stored.media_type]}"
    headers = SAFE_DOWNLOAD | {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(stored.size_bytes),
    }
    return Stream(await begun(content), media_type=stored.media_type, headers=headers)


async def begun(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`content` from its first chunk, opened before anything is answered. Raises `DocumentDamaged`."""
    try:
        first = await anext(content)
    except SealBroken as error:
        raise DocumentDamaged() from error

    async def all_of_it() -> AsyncIterator[bytes]:
        yield first
        async for chunk in content:
            yield chunk

    return all_of_it()


def canonical(number: str) -> str:
    """A number as it is stored. Raises `UnknownNumber` for what can be none."""
    try:
        return parse_number(number)
    except InvalidNumber as error:
        raise UnknownNumber() from error


STAFF_ROUTES: Final = Router("/", route_handlers=[show_contact, show_needs, download_document], tags=["staff"])
