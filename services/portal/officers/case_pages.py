"""`/petugas/kasus/{number}`: the case, who works at it, and its documents."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Response, delete, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from runtime.addresses import segment
from services.portal.officers.casefile import checklist, officer_name, shown_document
from services.portal.officers.documents import kind_of
from services.portal.officers.reading import ACTORS, READERS, File, path_of, read_file
from services.portal.officers.steps import WAITS, fact_words, offered
from services.portal.portal import Asked, Portal
from services.portal.upstream import STAFF, Refused, no_call
from services.portal.visit import Visit

_HELD: Final = {"ambil": "claim", "lepas": "release", "alihkan": "assign"}


def case_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """The page, the claim, and the heartbeat of presence."""

    @get("/petugas/kasus/{number:str}", include_in_schema=False)
    async def show(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Checklist, document, what the applicant sees, the law's clock, what can be done."""
        visit = portal.visit(request)
        visit.require(*READERS)
        file = await read_file(portal, visit, number)
        return await case_page(portal, visit, file, request.query_params.get("dokumen", ""))

    @post("/petugas/kasus/{number:str}/pegang/{what:str}", status_code=303, include_in_schema=False)
    async def hold(request: Asked, number: FromPath[str], what: FromPath[str]) -> Response[Any]:
        """Take it, give it back, hand it on."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        form = await visit.form()
        if what not in _HELD:
            return visit.redirect(path_of(number))
        body = {name: form.get(name) for name in ("officer", "desk") if form.get(name)} if what == "alihkan" else None
        try:
            path = f"/cases/{segment(number)}/{_HELD[what]}"
            await portal.processing.post(path, visit, auth=STAFF, json=body)
        except Refused as refused:
            if refused.status not in (400, 409, 422):
                raise
            visit.flash("error", refused.words(visit.language))
        return visit.redirect(path_of(number))

    @post("/petugas/kasus/{number:str}/hadir", status_code=200, include_in_schema=False)
    async def present(request: Asked, number: FromPath[str]) -> Response[Any]:
        """The heartbeat of an open page: who else is here, and whether the case changed."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        visit.refuse_foreign()
        seen = await portal.processing.put(_presence(number), visit, auth=STAFF, type=dict[str, Any])
        words = [present_words(visit, one) for one in seen.body["others"]]
        return Response({"others": words, "version": seen.body["version"]}, headers={"Cache-Control": "no-store"})

    @delete("/petugas/kasus/{number:str}/hadir", include_in_schema=False)
    async def gone(request: Asked, number: FromPath[str]) -> None:
        """The page was closed."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        visit.refuse_foreign()
        await portal.processing.call("DELETE", _presence(number), visit, auth=STAFF)

    return [show, hold, present, gone]


async def case_page(portal: Portal, visit: Visit, file: File, wanted: str) -> Response[Any]:
    """The page of a case."""
    staff = visit.require(*READERS)
    acts = staff.has(*ACTORS)
    document = shown_document(file.case, wanted) if acts else None
    kind, officers = await asyncio.gather(
        kind_of(portal, visit, file.number, document["document"]) if document else no_call(""),
        _officers(portal, visit) if acts else no_call([]),
    )
    return visit.page(
        "officers/case.html",
        file=file,
        case=file.case,
        path=path_of(file.number),
        checks=checklist(file.case, file.choices),
        document=document,
        chosen=bool(wanted),
        kind=kind,
        last_moment=last_moment(file.case["deadline"]),
        steps=offered(file.case),
        acts=acts,
        supervises=staff.has("supervisor"),
        fact_words=fact_words,
        waits_words=WAITS,
        officer_name=officer_name,
        others=[present_words(visit, one) for one in (file.others or {}).get("others", [])],
        officers=officers,
    )


def last_moment(deadline: dict[str, Any] | None) -> datetime | None:
    """The last moment of the last day: a deadline is the end of a day, which is the beginning of the next."""
    at = deadline and deadline["at"]
    return datetime.fromisoformat(at) - timedelta(seconds=1) if at else None


def present_words(visit: Visit, other: dict[str, Any]) -> str:
    """Another officer who has the case open: by role and desk, never by name."""
    who = visit._("Penyelia") if other["role"] == "supervisor" else visit._("Petugas lain")
    place = visit._(" (loket %(desk)s)", desk=other["desk"]) if other["desk"] else ""
    return visit._("%(who)s%(place)s membuka kasus ini.", who=who, place=place)


async def _officers(portal: Portal, visit: Visit) -> list[tuple[str, str]]:
    """To whom the case can be handed: those who hold cases."""
    found = await portal.processing.get("/officers", visit, auth=STAFF, type=dict[str, Any])
    return [
        (one["officer"], f"{officer_name(one['officer'])} · {one['desk'] or '–'} · {one['holds']}")
        for one in found.body["officers"]
        if not one["me"]
    ]


def _presence(number: str) -> str:
    return f"/cases/{segment(number)}/presence"
