"""Start, find, compare, read about a service, be led to one."""

from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from contracts.catalogue import DeadlineRule, Service, deadlines_on
from runtime.addresses import segment
from services.portal.catalogue import ServiceSummary
from services.portal.offering.bringing import Checklist, checklist
from services.portal.offering.choosing import SENT, way
from services.portal.offering.costs import Costs, costs_on
from services.portal.offering.expecting import Expectation, ExpectationReader, Table
from services.portal.offering.finding import QUERY_CHARACTERS, find
from services.portal.offering.offices_pages import opening_of, public
from services.portal.portal import Asked, Portal
from services.portal.upstream import Away, Refused
from services.portal.visit import Visit

MOST_COMPARED: Final = 4


def service_routes(portal: Portal, expected: ExpectationReader) -> list[ControllerRouterHandler]:
    """`/`, `/layanan`, `/layanan/{code}`, `/bandingkan`, `/bantu-pilih`."""

    @get("/", include_in_schema=False)
    async def start(request: Asked) -> Response[Any]:
        """Find a service, track a number, see whether the office is open: each also while the catalogue is away."""
        visit = portal.visit(request)
        try:
            services, names = await portal.catalogue.services(visit), await portal.catalogue.names(visit)
            open_ = await opening_of(portal, visit)
        except Away:
            return visit.page("offering/start.html", categories=None, open=None, office_code=portal.settings.office)
        categories = [code for code in names.categories if any(one.category == code for one in services)]
        return visit.page(
            "offering/start.html",
            headers=public(visit),
            categories=[(code, names.categories[code]) for code in categories],
            open=open_,
            office_code=portal.settings.office,
        )

    @get("/layanan", include_in_schema=False)
    async def services_page(request: Asked) -> Response[Any]:
        """Every service, or those that words or a category leave."""
        visit = portal.visit(request)
        query = request.query_params.get("cari", "").strip()[:QUERY_CHARACTERS]
        category = request.query_params.get("kategori", "")
        services, names = await portal.catalogue.services(visit), await portal.catalogue.names(visit)
        known = [code for code in names.categories if any(one.category == code for one in services)]
        category = category if category in known else ""
        return visit.page(
            "offering/services.html",
            headers=public(visit),
            found=find(services, names, query, category),
            costs={one.code: costs_on(one.fees, _today(visit)) for one in services},
            query=query,
            category=category,
            categories=[(code, names.categories[code]) for code in known],
            count=len(services),
        )

    @get("/layanan/{code:str}", include_in_schema=False)
    async def service_page(request: Asked, code: FromPath[str]) -> Response[Any]:
        """One service, with everything that an applicant wants to know before applying."""
        visit = portal.visit(request)
        service = await _offered(portal, visit, code)
        if service is None:
            return visit.page(
                "offering/no_service.html", status_code=404, services=await portal.catalogue.services(visit)
            )
        given = {one.code: request.query_params.get(one.code, "") for one in service.questions}
        summary = next(one for one in await portal.catalogue.services(visit) if one.code == service.code)
        table = await expected.table(visit)
        return visit.page(
            "offering/service.html",
            headers=public(visit),
            service=service,
            given=given,
            is_answered=any(given.values()),
            tailoring=_tailoring(service, visit),
            needs=checklist(service, given),
            costs=costs_on(service.fees, _today(visit)),
            deadlines=deadlines_on(service, _today(visit)),
            how_to_pay=await portal.catalogue.how_to_pay(visit),
            expected=table.of(service.code) if table else None,
            fewest=table.fewest if table else 0,
            offices=[one for one in await portal.catalogue.offices(visit) if one.code in summary.offices],
        )

    @get("/bandingkan", include_in_schema=False)
    async def compare(request: Asked) -> Response[Any]:
        """Two to four services side by side; with fewer, the choice of them."""
        visit = portal.visit(request)
        services = await portal.catalogue.services(visit)
        asked = list(dict.fromkeys(request.query_params.getall("layanan", [])))
        chosen = [one.code for code in asked for one in services if one.code == code]
        if len(chosen) < 2:
            return visit.page(
                "offering/compare_choose.html",
                headers=public(visit),
                options=[(one.code, visit.text(one.labels)) for one in services],
                chosen=chosen,
            )
        return visit.page(
            "offering/compare.html",
            headers=public(visit),
            columns=await _columns(portal, visit, chosen[:MOST_COMPARED], await expected.table(visit)),
            left_out=len(chosen) - MOST_COMPARED,
        )

    @get("/bantu-pilih", include_in_schema=False)
    async def choose(request: Asked) -> Response[Any]:
        """One question a page, then the service. All answers are in the address."""
        visit = portal.visit(request)
        choosing = await portal.catalogue.choosing(visit)
        if choosing is None:
            return visit.redirect("/layanan")
        gone = way(choosing, dict(request.query_params))
        if gone.asked is not None:
            wrong = SENT in request.query_params
            return visit.page(
                "offering/question.html",
                status_code=422 if wrong else 200,
                headers=public(visit),
                way=gone,
                sent=SENT,
                error=visit._("Pilih satu jawaban, lalu lanjutkan.") if wrong else "",
            )
        code = gone.end.service if gone.end else None
        services = await portal.catalogue.services(visit)
        service = next((one for one in services if one.code == code), None)
        costs = costs_on(service.fees, _today(visit)) if service else None
        rows = [
            (
                visit.text(one.question.labels),
                visit.text(one.choice.labels),
                visit.url("/bantu-pilih") + gone.at(number),
            )
            for number, one in enumerate(gone.answered)
        ]
        return visit.page("offering/led.html", headers=public(visit), way=gone, service=service, costs=costs, rows=rows)

    return [start, services_page, service_page, compare, choose]


async def _offered(portal: Portal, visit: Visit, code: str) -> Service | None:
    """The service, where applicants can choose it."""
    services: list[ServiceSummary] = await portal.catalogue.services(visit)
    if code not in {one.code for one in services}:
        return None
    try:
        return await portal.catalogue.service(code, visit)
    except Refused as error:
        if error.status == 404:
            return None
        raise


def _tailoring(service: Service, visit: Visit) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The questions whose answers change the list of documents: code, question, options for a selection."""
    return [
        (
            question.code,
            visit.text(question.labels),
            [("", visit._("Belum tahu")), *((one.code, visit.text(one.labels)) for one in question.answers)],
        )
        for question in service.questions
        if any(answer.requirements for answer in question.answers)
    ]


class Column(NamedTuple):
    """One service of a comparison. `expected`: nothing while the status service is away."""

    service: Service
    href: str
    needs: Checklist
    costs: Costs
    deadlines: list[DeadlineRule]
    expected: Expectation | None


async def _columns(portal: Portal, visit: Visit, codes: list[str], table: Table | None) -> list[Column]:
    columns = []
    for code in codes:
        service = await portal.catalogue.service(code, visit)
        columns.append(
            Column(
                service,
                f"/layanan/{segment(code)}",
                checklist(service, {}),
                costs_on(service.fees, _today(visit)),
                deadlines_on(service, _today(visit)),
                table.of(code) if table else None,
            )
        )
    return columns


def _today(visit: Visit) -> date:
    return datetime.now(UTC).astimezone(visit.speech.zone).date()
