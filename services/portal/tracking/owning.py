"""What only an application's own applicant may do: who proved it with the access code, and how a code is asked for."""

import secrets
from datetime import timedelta
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from runtime.addresses import segment
from services.portal.portal import Asked, Portal
from services.portal.tracking.numbers import canonical
from services.portal.upstream import Code, Refused
from services.portal.visit import Visit

_NEXT: Final = {"dibuka", "dokumen", "tarik"}


def path_of(number: str, more: str = "") -> str:
    """The page of an application."""
    return f"/lacak/{segment(number)}{f'/{more}' if more else ''}"


def code_of(visit: Visit, number: str) -> Code | None:
    """The access code, where this visitor gave it before."""
    if not visit.has_session or (code := visit.session.applications.get(number)) is None:
        return None
    return Code(number, code)


class Outstanding(Struct, frozen=True):
    """What intake says of an application to its applicant (`GET /drafts/{number}`), as far as it is needed here."""

    state: str
    service: str
    requested: list[str]
    document_limit_bytes: int = 10 * 2**20


class CodeNeeded(Exception):
    """Nobody has proved to be the applicant, or no longer. `then`: the page to go on to."""

    def __init__(self, number: str, then: str) -> None:
        super().__init__()
        self.number = number
        self.then = then


def own_code(visit: Visit, number: str, then: str) -> Code:
    """The access code that was given before. Raises `CodeNeeded`."""
    code = code_of(visit, number)
    if code is None:
        raise CodeNeeded(number, then)
    return code


async def own_draft(portal: Portal, visit: Visit, number: str, then: str) -> tuple[Code, Outstanding]:
    """What intake tells the applicant, with the code that was given before; checked anew, since it may have been replaced.

    Raises `CodeNeeded`; a code that no longer fits is forgotten.
    """
    code = own_code(visit, number, then)
    try:
        path = f"/drafts/{segment(number)}"
        return code, (await portal.intake.get(path, visit, auth=code, type=Outstanding)).body
    except Refused as refused:
        if refused.status not in (401, 403, 404):
            raise
        forget_code(visit, number)
        raise CodeNeeded(number, then) from refused


def forget_code(visit: Visit, number: str) -> None:
    """The code that is remembered is no longer good."""
    visit.session.applications = {one: code for one, code in visit.session.applications.items() if one != number}


def entering_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/lacak/{number}/masuk`."""

    def page(
        visit: Visit, number: str, then: str, *, error: str = "", status_code: int = 200, wait_s: int = 0
    ) -> Response[Any]:
        headers = {"Retry-After": str(wait_s)} if wait_s else None
        return visit.page(
            "tracking/code.html", status_code=status_code, headers=headers, number=number, path=path_of(number),
            then=then, error=error,
        )  # fmt: skip

    @get("/lacak/{number:str}/masuk", include_in_schema=False)
    async def ask(request: Asked, number: FromPath[str]) -> Response[Any]:
        """The field for the access code."""
        visit = portal.visit(request)
        then = _next(request.query_params.get("lalu", ""))
        return page(visit, canonical(number) or number[:40], then)

    @post("/lacak/{number:str}/masuk", include_in_schema=False, status_code=303)
    async def enter(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Remember the code if it fits. A wrong number and a wrong code look the same."""
        visit = portal.visit(request)
        form = await visit.form()
        then, code = _next(form.get("lalu")), form.get("kode")[:100]
        known = canonical(number) or number[:40]
        if not code:
            return page(visit, known, then, error=visit._("Tuliskan kode akses Anda."), status_code=422)
        try:
            await portal.intake.get(f"/drafts/{segment(known)}", visit, auth=Code(known, code))
        except Refused as refused:
            if refused.status == 429:
                wait_s = int(refused.headers.get("Retry-After", "60"))
                length = visit.speech.length_of(timedelta(minutes=-(-wait_s // 60)))
                words = visit._("Terlalu banyak percobaan. Coba lagi dalam %(length)s.", length=length)
                return page(visit, known, then, error=words, status_code=429, wait_s=wait_s)
            if refused.status not in (401, 403, 404):
                raise
            words = visit._("Nomor dan kode ini tidak cocok. Bandingkan keduanya dengan tanda terima Anda.")
            return page(visit, known, then, error=words, status_code=422)
        visit.session.remember(known, code)
        return visit.redirect(path_of(known, then))

    return [ask, enter]


def _next(wanted: str) -> str:
    """Where to go on: one of our own pages about the same application, nothing else."""
    return wanted if wanted in _NEXT else ""


def new_key() -> str:
    """For `Idempotency-Key`, where a form brought none."""
    return secrets.token_urlsafe(16)
