"""The start page of a form, its first page (with which the draft is opened), and the way back into a draft."""

import datetime as dt
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from contracts.catalogue import Service
from contracts.number import InvalidNumber, parse_number
from runtime.addresses import segment
from services.portal.applying import persons
from services.portal.applying.drafts import Draft, draft_path, receipt_path
from services.portal.applying.steps import fee_groups
from services.portal.forms import Form, FormErrors
from services.portal.language import N_
from services.portal.portal import Asked, Portal
from services.portal.upstream import STAFF, Away, Code, Refused
from services.portal.visit import Visit

AT_DESK: Final = "loket"
WRONG_CODE: Final = N_(
    "Nomor dan kode akses tidak cocok. Periksa keduanya; kode akses terdiri atas 20 huruf dan angka."
)


def start_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/ajukan/{service}`, `/ajukan/{service}/pemohon`, `/draf/{number}/masuk`."""

    @get("/ajukan/{code:str}", include_in_schema=False)
    async def start(request: Asked, code: FromPath[str]) -> Response[Any]:
        """What is needed, how long it takes, how to come back to it."""
        visit = portal.visit(request)
        if (service := await _offered(portal, visit, code)) is None:
            return await _no_service(portal, visit)
        today = dt.datetime.now(visit.speech.zone).date()
        return visit.page(
            "applying/start.html",
            service=service,
            pages=5 + len(service.questions) + len(fee_groups(service, today)),
            at_desk=_at_desk(visit, request.query_params.get("di", "")),
        )

    @get("/ajukan/{code:str}/pemohon", include_in_schema=False)
    async def person(request: Asked, code: FromPath[str]) -> Response[Any]:
        """Who applies."""
        visit = portal.visit(request)
        if (service := await _offered(portal, visit, code)) is None:
            return await _no_service(portal, visit)
        return person_page(visit, service, {}, {}, at_desk=_at_desk(visit, request.query_params.get("di", "")))

    @post("/ajukan/{code:str}/pemohon", status_code=303, include_in_schema=False)
    async def open_draft(request: Asked, code: FromPath[str]) -> Response[Any]:
        """Open the draft; from here on its number and code are in the session."""
        visit = portal.visit(request)
        form = await visit.form()
        if (service := await _offered(portal, visit, code)) is None:
            return await _no_service(portal, visit)
        at_desk = _at_desk(visit, form.get("di"))
        given = persons.given_in(form, service.category, visit.language)
        wrong = persons.wrong_in(given, service.category, dt.datetime.now(visit.speech.zone).date())
        if wrong:
            return person_page(visit, service, form.values, wrong, at_desk=at_desk, once=form.once)
        try:
            number, remarks = await _open(portal, visit, service, given, form, at_desk=at_desk)
        except Away:
            return person_page(visit, service, form.values, {}, at_desk=at_desk, once=form.once, away=True)
        except Refused as refused:
            if refused.slug != "invalid-applicant":
                raise
            found = persons.refused_fields(refused.extensions, service.category)
            return person_page(visit, service, form.values, found, at_desk=at_desk, once=form.once)
        visit.flash("success", visit._("Konsep permohonan Anda sudah dibuka. Catat nomor dan kode aksesnya."))
        for remark in remarks:
            visit.flash("info", visit.text(remark))
        return visit.redirect(draft_path(number))

    @get("/draf/{number:str}/masuk", include_in_schema=False)
    async def enter(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Where number and code are entered to come back."""
        return _enter_page(portal.visit(request), number, {})

    @post("/draf/{number:str}/masuk", status_code=303, include_in_schema=False)
    async def entered(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Check number and code, and keep them for this session."""
        visit = portal.visit(request)
        form = await visit.form()
        try:
            key = Code(parse_number(form.get("number") or number), form.get("code"))
            draft = (await portal.intake.get(f"/drafts/{segment(key.number)}", visit, auth=key, type=Draft)).body
        except InvalidNumber:
            return _enter_page(visit, form.get("number"), {"code": WRONG_CODE})
        except Refused as refused:
            if refused.status != 401:
                raise
            return _enter_page(visit, form.get("number"), {"code": WRONG_CODE})
        visit.session.remember(draft.number, key.access_code)
        return visit.redirect(draft_path(draft.number) if draft.state == "draft" else receipt_path(draft.number))

    return [start, person, open_draft, enter, entered]


def person_page(
    visit: Visit,
    service: Service,
    given: dict[str, str],
    errors: FormErrors,
    *,
    at_desk: bool = False,
    once: str = "",
    away: bool = False,
    number: str = "",
    back_to_review: bool = False,
) -> Response[Any]:
    """The page that asks who applies, with what was given kept; for a new draft, or for that of `number`."""
    return visit.page(
        "applying/person.html",
        status_code=503 if away else 422 if errors else 200,
        headers={"Retry-After": "10"} if away else None,
        service=service,
        given=given,
        errors={name: visit._(text) for name, text in errors.items()},
        fields=persons.fields_of(service.category),
        countries=list(persons.countries(visit.language).items()),
        at_desk=at_desk,
        once=once,
        away=away,
        number=number,
        back_to_review=back_to_review,
    )


async def _open(
    portal: Portal, visit: Visit, service: Service, given: dict[str, str], form: Form, *, at_desk: bool
) -> tuple[str, list[dict[str, str]]]:
    """The new draft's number and what looked unusual."""
    body: dict[str, Any] = {"service": service.code, "applicant": given}
    once = {"Idempotency-Key": form.once} if form.once else None
    if at_desk:
        opened: Any = (await portal.intake.post("/desk/drafts", visit, json=body, auth=STAFF, headers=once)).body
    else:
        opened = (await portal.intake.post("/drafts", visit, json=body, headers=once)).body
    visit.session.remember(opened["number"], opened["access_code"])
    return opened["number"], opened["remarks"]


async def _offered(portal: Portal, visit: Visit, code: str) -> Service | None:
    """The service, where applicants can choose it."""
    if code not in {one.code for one in await portal.catalogue.services(visit)}:
        return None
    return await portal.catalogue.service(code, visit)


async def _no_service(portal: Portal, visit: Visit) -> Response[Any]:
    services = await portal.catalogue.services(visit)
    return visit.page("offering/no_service.html", status_code=404, services=services)


def _at_desk(visit: Visit, place: str) -> bool:
    """Whether an officer fills it in with a person at the desk."""
    return place == AT_DESK and visit.staff is not None and visit.staff.has("officer", "supervisor")


def _enter_page(visit: Visit, number: str, errors: FormErrors) -> Response[Any]:
    return visit.page(
        "applying/enter.html",
        status_code=422 if errors else 200,
        number=number[:64],
        errors={name: visit._(text) for name, text in errors.items()},
        back="",
    )
