"""`/petugas/bantuan`: open any case by its number and say why; `/petugas/loket`: file with a person at the counter."""

from typing import Any

from litestar import Response, get, post
from litestar.types import ControllerRouterHandler

from contracts.catalogue import load as load_catalogue
from contracts.number import InvalidNumber, parse_number
from runtime.addresses import segment
from services.portal.forms import Form, FormErrors
from services.portal.language import N_
from services.portal.officers.reading import ACTORS, path_of
from services.portal.portal import Asked, Portal
from services.portal.upstream import STAFF, Refused
from services.portal.visit import Visit

NO_SUCH = N_("Kantor ini tidak punya permohonan dengan nomor itu. Periksa huruf dan angkanya satu per satu.")


def desk_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """The help desk and the counter."""

    @get("/petugas/bantuan", include_in_schema=False)
    async def ask(request: Asked) -> Response[Any]:
        """Number and reason."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        return _page(visit, Form({"number": [request.query_params.get("number", "")]}), {})

    @post("/petugas/bantuan", status_code=303, include_in_schema=False)
    async def open_case(request: Asked) -> Response[Any]:
        """Note the reason, then show the case."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        form = await visit.form()
        errors: FormErrors = {}
        try:
            number = parse_number(form.get("number"))
        except InvalidNumber:
            number, errors["number"] = "", NO_SUCH
        if not form.get("reason"):
            errors["reason"] = N_("Pilih mengapa kasus ini dibuka.")
        if errors:
            return _page(visit, form, errors)
        once = {"Idempotency-Key": form.once} if form.once else None
        body = {"reason": {"code": form.get("reason")}}
        try:
            path = f"/cases/{segment(number)}/openings"
            await portal.processing.post(path, visit, auth=STAFF, json=body, headers=once)
        except Refused as refused:
            if refused.status not in (400, 404, 409, 422):
                raise
            return _page(visit, form, {"number": NO_SUCH if refused.status == 404 else refused.words(visit.language)})
        return visit.redirect(path_of(number))

    @get("/petugas/loket", include_in_schema=False)
    async def counter(request: Asked) -> Response[Any]:
        """For which service the person at the counter applies."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        services = await portal.catalogue.services(visit)
        names = await portal.catalogue.names(visit)
        groups = [
            (labels, [one for one in services if one.category == code]) for code, labels in names.categories.items()
        ]
        return visit.page("officers/counter.html", groups=[group for group in groups if group[1]])

    return [ask, open_case, counter]


def _page(visit: Visit, form: Form, errors: FormErrors) -> Response[Any]:
    known = load_catalogue()
    reasons = [(code, visit.text(known.reasons[code])) for code in known.reason_uses["case_opening"]]
    return visit.page(
        "officers/help_desk.html",
        status_code=422 if errors else 200,
        given=form,
        errors={name: visit._(text) for name, text in errors.items()},
        reasons=reasons,
    )
