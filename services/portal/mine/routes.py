"""`/saya`, `/saya/tautan/{token}`, `/draf/{number}/simpan`, and forgetting a device."""

import asyncio
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from contracts.number import InvalidNumber, parse_number
from runtime.addresses import segment
from services.portal.mine.listing import EARLIER, purpose_of, shown
from services.portal.portal import Asked, Portal
from services.portal.session import APPLICATIONS
from services.portal.upstream import SYSTEM, Away, Refused
from services.portal.visit import Visit

CLEAR: Final = {"Clear-Site-Data": '"cache", "storage"'}
"""What the browser keeps of a device's applications: pages for offline, and the worker that keeps them."""


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """The pages of those who come back."""
    return [*_list_routes(portal), *_link_routes(portal), *_draft_routes(portal)]


def _list_routes(portal: Portal) -> list[ControllerRouterHandler]:
    def ask_page(visit: Visit, *, email: str = "", error: str = "", status_code: int = 200) -> Response[Any]:
        return visit.page("mine/ask.html", status_code=status_code, email=email, error=error)

    @get("/saya", include_in_schema=False)
    async def mine(request: Asked) -> Response[Any]:
        """The applications that this device knows, or the question for an e-mail address."""
        visit = portal.visit(request)
        if not visit.has_session or not visit.session.applications:
            return ask_page(visit)
        numbers = list(reversed(visit.session.applications))
        applications = await asyncio.gather(*(_line(portal, visit, number) for number in numbers))
        return visit.page("mine/list.html", applications=applications)

    @get("/saya/tautan", include_in_schema=False)
    async def ask_again(request: Asked) -> Response[Any]:
        """The question for an e-mail address, also where applications are known."""
        return ask_page(portal.visit(request))

    @post("/saya", include_in_schema=False, status_code=303)
    async def ask(request: Asked) -> Response[Any]:
        """Have a link sent. The page that follows is the same whether or not anybody is known under the address."""
        visit = portal.visit(request)
        email = (await visit.form()).get("email")
        try:
            wanted = {"purpose": "mine", "address": email[:254], "language": visit.language}
            await portal.intake.post("/links", visit, json=wanted, auth=SYSTEM)
        except Refused as refused:
            if refused.slug != "invalid-applicant" and refused.status != 400:
                raise
            words = visit._("Tuliskan alamat surel yang lengkap, misalnya nama@contoh.id.")
            return ask_page(visit, email=email, error=words, status_code=422)
        return visit.redirect("/saya/terkirim")

    @get("/saya/terkirim", include_in_schema=False)
    async def sent(request: Asked) -> Response[Any]:
        """Where to look now."""
        return portal.visit(request).page("mine/sent.html", draft="")

    @post("/saya/lupakan", include_in_schema=False, status_code=303)
    async def forget(request: Asked) -> Response[Any]:
        """This device forgets: the session's applications, and what the browser keeps."""
        visit = portal.visit(request)
        await visit.form()
        visit.session.applications = {}
        visit.session.renew()
        visit.flash("success", visit._("Perangkat ini sudah melupakan permohonan Anda."))
        response = visit.redirect("/saya")
        response.headers.update(CLEAR)
        return response

    return [mine, ask_again, ask, sent, forget]


def _link_routes(portal: Portal) -> list[ControllerRouterHandler]:
    @get("/saya/tautan/{token:str}", include_in_schema=False)
    async def confirm(request: Asked, token: FromPath[str]) -> Response[Any]:
        """A button. To open the page uses nothing up: programs that look into mails do that too."""
        visit = portal.visit(request)
        if (purpose := purpose_of(token)) is None:
            return _dead(visit, visit._("Alamat tautan ini terpotong atau salah."), 404)
        return visit.page("mine/confirm.html", token=token[:200], purpose=purpose)

    @post("/saya/tautan/{token:str}", include_in_schema=False, status_code=303)
    async def redeem(request: Asked, token: FromPath[str]) -> Response[Any]:
        """Use the link up, and remember what it leads to."""
        visit = portal.visit(request)
        await visit.form()
        given = {"token": token[:200], "purpose": purpose_of(token) or "mine"}
        try:
            answer: Any = (await portal.intake.post("/links/redeem", visit, json=given, auth=SYSTEM)).body
        except Refused as refused:
            if refused.slug not in ("unknown-link", "link-used", "link-expired"):
                raise
            return _dead(visit, refused.detail, refused.status)
        found = answer["applications"]
        for one in reversed(found[:APPLICATIONS]):
            visit.session.remember(one["number"], one["access"])
        if answer["purpose"] == "return" and found:
            return visit.redirect(f"/draf/{segment(found[0]['number'])}")
        if not found:
            return _dead(visit, visit._("Tidak ada lagi permohonan dengan alamat ini."), 404)
        if len(found) > APPLICATIONS:
            visit.flash("info", visit._("Yang ditampilkan adalah %(n)s permohonan terbaru.", n=APPLICATIONS))
        return visit.redirect("/saya")

    return [confirm, redeem]


def _draft_routes(portal: Portal) -> list[ControllerRouterHandler]:
    def known(visit: Visit, number: str) -> tuple[str, str] | None:
        try:
            canonical = parse_number(number)
        except InvalidNumber:
            return None
        code = visit.session.applications.get(canonical) if visit.has_session else None
        return (canonical, code) if code else None

    @get("/draf/{number:str}/simpan", include_in_schema=False)
    async def offer(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Offers to send a link by which the draft can be gone on with anywhere."""
        visit = portal.visit(request)
        if (owned := known(visit, number)) is None:
            return visit.redirect("/saya")
        return visit.page("mine/save.html", number=owned[0], error="")

    @post("/draf/{number:str}/simpan", include_in_schema=False, status_code=303)
    async def send(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Have the link sent to the address of the draft."""
        visit = portal.visit(request)
        await visit.form()
        if (owned := known(visit, number)) is None:
            return visit.redirect("/saya")
        wanted = {"purpose": "return", "number": owned[0], "access_code": owned[1], "language": visit.language}
        try:
            await portal.intake.post("/links", visit, json=wanted, auth=SYSTEM)
        except Refused as refused:
            if refused.slug == "access-denied":
                return visit.redirect("/saya/tautan")
            if refused.slug not in ("no-email", "too-many-attempts"):
                raise
            words = refused.detail
            if refused.slug == "too-many-attempts":
                words = visit._(
                    "Kami sudah mengirim beberapa tautan. Periksa surel Anda, atau coba lagi satu jam lagi."
                )
            return visit.page("mine/save.html", status_code=refused.status, number=owned[0], error=words)
        return visit.redirect(f"/draf/{segment(owned[0])}/simpan/terkirim")

    @get("/draf/{number:str}/simpan/terkirim", include_in_schema=False)
    async def saved(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Where to look now; to load it again sends nothing."""
        visit = portal.visit(request)
        if (owned := known(visit, number)) is None:
            return visit.redirect("/saya")
        return visit.page("mine/sent.html", draft=owned[0])

    return [offer, send, saved]


async def _line(portal: Portal, visit: Visit, number: str) -> Any:
    """One line of the list; a service that is away, or a draft that status does not know, takes nothing from the others."""
    try:
        status: Any = (await portal.status.get(f"/applications/{segment(number)}", visit)).body
    except Refused:
        status = None
    except Away:
        return shown(number, None, away=True)
    return shown(number, status)


def _dead(visit: Visit, why: str, status_code: int) -> Response[Any]:
    return visit.page("mine/dead.html", status_code=status_code, why=why, earlier=EARLIER)
