"""The auditor's pages: `/audit`, `/audit/{number}`, `/audit/statistik`, `/audit/ekspor`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any, Final

import httpx
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from runtime.addresses import segment
from services.portal.auditing import asking
from services.portal.auditing.case_page import case_page
from services.portal.auditing.cases_page import cases_page, errors_of, in_words, names_of, total_of
from services.portal.portal import Asked, Portal
from services.portal.tracking.numbers import canonical
from services.portal.upstream import STAFF, Away, Refused
from services.portal.visit import Visit

ROLE: Final = "auditor"
FORMATS: Final = ("ndjson", "csv")
LINES: Final = ("applications", "events")
_PATIENCE_S: Final = 120.0
"""Of an export, between two pieces; before the first, everything behind a figure is counted."""
_PASSED_ON: Final = ("X-Total", "Content-Disposition")


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """Role auditor."""

    @get("/audit", include_in_schema=False)
    async def find(request: Asked) -> Response[Any]:
        """Search with every filter; a number leads to its case."""
        visit = portal.visit(request)
        visit.require(ROLE)
        typed = request.query_params.get("nomor", "").strip()
        if number := canonical(typed):
            return visit.redirect(f"/audit/{segment(number)}")
        wrong = {"nomor": visit._("Nomor ini tidak lengkap atau salah ketik. Periksa lagi setiap hurufnya.")}
        return await cases_page(portal, visit, "/audit", wrong if typed else {})

    @get("/audit/{number:str}", include_in_schema=False)
    async def case(request: Asked, number: FromPath[str]) -> Response[Any]:
        """A case at an instant."""
        visit = portal.visit(request)
        visit.require(ROLE)
        return await case_page(portal, visit, number)

    @get("/audit/statistik", include_in_schema=False)
    async def statistics(request: Asked) -> Response[Any]:
        """From what the statistics were made, and how to make them again."""
        visit = portal.visit(request)
        visit.require(ROLE)
        basis = None
        with suppress(Away):
            basis = (await portal.status.get("/statistics", visit, type=dict[str, Any])).body["basis"]
        positions = [
            (one["partition"], visit.speech.number(one["next_offset"]), len(one["left_out"]))
            for one in (basis or {}).get("positions", [])
        ]
        return visit.page(
            "auditing/statistics.html", status_code=200 if basis else 503, basis=basis, positions=positions
        )

    @get("/audit/ekspor", include_in_schema=False)
    async def export(request: Asked) -> Response[Any]:
        """What will be in the file, and how many applications, before anything is loaded."""
        visit = portal.visit(request)
        visit.require(ROLE)
        return await _export_page(portal, visit)

    @get("/audit/ekspor/berkas", include_in_schema=False)
    async def file(request: Asked) -> Response[Any] | Stream:
        """The file, passed on as it comes."""
        visit = portal.visit(request)
        visit.require(ROLE)
        query = request.query_params
        params = asking.asked(query, visit.speech.zone)
        given = {name: value for name, value in params.items() if name in asking.FILTERS}
        given |= {"format": _one_of(FORMATS, query.get("format")), "lines": _one_of(LINES, query.get("lines"))}
        opened = AsyncExitStack()
        try:
            answer = await opened.enter_async_context(
                portal.status.stream("GET", "/export", visit, params=given, auth=STAFF, timeout_s=_PATIENCE_S)
            )
        except Refused as refused:
            if refused.status == 400:
                return await _export_page(portal, visit)
            raise
        headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        return Stream(
            _passed_on(answer, opened),
            media_type=answer.headers.get("Content-Type", "application/octet-stream").partition(";")[0],
            headers=headers | {"Cache-Control": "no-store"},
        )

    return [find, case, statistics, export, file]


async def _passed_on(answer: httpx.Response, opened: AsyncExitStack) -> AsyncIterator[bytes]:
    """The pieces as they come. One that does not come ends the response without its end: the file is seen to be cut."""
    async with opened:
        async for piece in answer.aiter_bytes():
            yield piece


async def _export_page(portal: Portal, visit: Visit) -> Response[Any]:
    query = visit.request.query_params
    params = asking.asked(query, visit.speech.zone)
    total, errors, is_away = None, dict[str, str](), False
    try:
        if "counted" not in params:
            total = await total_of(portal, visit, params)
    except Refused as refused:
        errors = errors_of(refused, visit)
        if not errors:
            raise
    except Away:
        is_away = True
    return visit.page(
        "auditing/export.html",
        status_code=422 if errors else 503 if is_away else 200,
        total=total,
        errors=errors,
        is_away=is_away,
        given={name: value for name, value in params.items() if name in asking.FILTERS},
        filters=[] if errors else in_words(params, await names_of(portal, visit), visit),
        selection=asking.selection(params),
        format=_one_of(FORMATS, query.get("format")),
        lines=_one_of(LINES, query.get("lines")),
    )


def _one_of(values: tuple[str, ...], text: str | None) -> str:
    return text if text in values else values[0]
