"""The pages of the boards: `/papan`, one page a question, and the cases behind their figures."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from services.portal.auditing.cases_page import cases_page
from services.portal.boards import now, spans
from services.portal.boards.asking import UNITS, Chosen, read
from services.portal.boards.now import Counts
from services.portal.boards.spans import Published, Seen
from services.portal.boards.views import Cases, Chart
from services.portal.language import N_
from services.portal.portal import Asked, Portal
from services.portal.refusals import NOT_FOUND, refusal
from services.portal.upstream import STAFF, Away, Refused
from services.portal.visit import Visit

ROLES: Final = ("supervisor", "auditor")
AGES_DAYS: Final = (7, 14, 30, 90, 180, 365)
"""Where the status service cuts ages."""

Board = Callable[["_Room", Visit, Chosen], Awaitable[list[Chart]]]
BOARDS: Final[Mapping[str, tuple[str, str]]] = {
    "antrean": (
        N_("Antrean dan umurnya"),
        N_("Apa yang terbuka sekarang, berapa lama, dan apa yang melewati batas waktu."),
    ),
    "batas-waktu": (N_("Dalam batas waktu"), N_("Bagian yang selesai dalam batas waktu, per masa.")),
    "menunggu": (N_("Siapa ditunggu"), N_("Siapa yang ditunggu sekarang, dan waktu siapa yang terpakai.")),
    "tahap": (N_("Lama setiap tahap"), N_("Berapa lama tahap-tahap sebuah layanan berlangsung.")),
    "meja": (N_("Beban setiap meja"), N_("Di meja mana pekerjaan menumpuk.")),
    "penyimpangan": (N_("Penyimpangan"), N_("Di mana kasus tidak mengikuti alur layanan, dan seberapa sering.")),
}
"""Path → what it is called, what it answers."""
_OF_NOW: Final = frozenset({"antrean", "penyimpangan"})
"""Boards without periods."""


class _Room:
    """What the boards ask of the other services."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal

    async def counts(self, visit: Visit, chosen: Chosen, **more: str) -> Counts:
        """Of this moment."""
        params = {**chosen.common, **more}
        return (await self.portal.status.get("/search/counts", visit, params=params, auth=STAFF, type=Counts)).body

    async def seen(self, visit: Visit, chosen: Chosen, path: str = "/statistics") -> Seen:
        """Statistics of the chosen periods."""
        auth = STAFF if path.endswith("desks") else None
        answer = await self.portal.status.get(path, visit, params=chosen.statistics, auth=auth, type=Published)
        offices = await self.portal.catalogue.offices(visit)
        return Seen(
            answer.body, {office.code: ZoneInfo(office.time_zone) for office in offices}, cases(visit, chosen), visit
        )

    async def stage_labels(self, visit: Visit, service: str) -> dict[str, str]:
        """What the stages of a service are called."""
        try:
            found = await self.portal.catalogue.service(service, visit)
        except Refused:
            return {}
        return {stage.code: visit.text(stage.labels) for stage in found.stages}


def cases(visit: Visit, chosen: Chosen) -> Cases:
    """Where this visitor looks at cases."""
    return Cases(visit, _path(visit), chosen.common)


async def _backlog(room: _Room, visit: Visit, chosen: Chosen) -> list[Chart]:
    at = cases(visit, chosen)
    ages = await room.counts(visit, chosen, state="open", by="age")
    charts = [now.by_age(ages, AGES_DAYS, at, visit)]
    if not chosen.service:
        charts.append(now.by_service(await room.counts(visit, chosen, state="open", by="service"), at, visit))
    return charts


async def _deadlines(room: _Room, visit: Visit, chosen: Chosen) -> list[Chart]:
    return [spans.deadlines(await room.seen(visit, chosen), chosen.service)]


async def _waiting(room: _Room, visit: Visit, chosen: Chosen) -> list[Chart]:
    parties = await room.counts(visit, chosen, state="open", by="waits_for")
    return [
        now.by_party(parties, cases(visit, chosen), visit),
        spans.waiting(await room.seen(visit, chosen), chosen.service),
    ]


async def _stages(room: _Room, visit: Visit, chosen: Chosen) -> list[Chart]:
    labels = await room.stage_labels(visit, chosen.service) if chosen.service else {}
    return [spans.stages(await room.seen(visit, chosen), chosen.service, labels)]


async def _desks(room: _Room, visit: Visit, chosen: Chosen) -> list[Chart]:
    busy = await room.counts(visit, chosen, state="open", waits_for="office", by="desk")
    return [
        now.by_desk(busy, cases(visit, chosen), visit),
        spans.desks(await room.seen(visit, chosen, "/statistics/desks"), chosen.service),
    ]


async def _deviations(room: _Room, visit: Visit, chosen: Chosen) -> list[Chart]:
    whole = await room.counts(visit, chosen)
    deviating = await room.counts(visit, chosen, deviation="any", by="deviation")
    return [now.by_deviation(deviating, whole.applications, cases(visit, chosen), visit)]


_DRAWN: Final[Mapping[str, Board]] = {
    "antrean": _backlog,
    "batas-waktu": _deadlines,
    "menunggu": _waiting,
    "tahap": _stages,
    "meja": _desks,
    "penyimpangan": _deviations,
}


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/papan`, `/papan/{board}`, `/papan/kasus`."""
    room = _Room(portal)

    @get("/papan", include_in_schema=False)
    async def overview(request: Asked) -> Response[Any]:
        """Every board by the question that it answers."""
        visit = portal.visit(request)
        staff = visit.require(*ROLES)
        chosen, _ = read({}, _today(visit), visit, staff.office or "")
        try:
            found: Counts | None = await room.counts(visit, chosen, state="open")
        except Away:
            found = None
        return visit.page("boards/overview.html", boards=BOARDS, found=found, cases=cases(visit, chosen))

    @get("/papan/kasus", include_in_schema=False)
    async def behind(request: Asked) -> Response[Any]:
        """The cases behind a figure."""
        visit = portal.visit(request)
        visit.require(*ROLES)
        return await cases_page(portal, visit, "/papan/kasus")

    @get("/papan/{board:str}", include_in_schema=False)
    async def board(request: Asked, board: FromPath[str]) -> Response[Any]:
        """One board."""
        visit = portal.visit(request)
        staff = visit.require(*ROLES)
        if board not in BOARDS:
            return refusal(visit, NOT_FOUND)
        chosen, errors = read(request.query_params, _today(visit), visit, staff.office or "")
        services, offices = await _choices(portal, visit)
        charts: list[Chart] | None
        try:
            charts = await _DRAWN[board](room, visit, chosen)
        except Away:
            charts = None
        return visit.page(
            "boards/board.html",
            status_code=503 if charts is None else 422 if errors else 200,
            headers={"Retry-After": "20"} if charts is None else None,
            board=board,
            boards=BOARDS,
            charts=charts,
            chosen=chosen,
            unit=next(name for name, unit in UNITS.items() if unit == chosen.unit),
            errors=errors,
            asked=request.query_params,
            services=services,
            offices=offices,
            has_periods=board not in _OF_NOW,
        )

    return [overview, behind, board]


def _path(visit: Visit) -> str:
    return "/audit" if visit.staff and visit.staff.has("auditor") else "/papan/kasus"


def _today(visit: Visit) -> date:
    return datetime.now(UTC).astimezone(visit.speech.zone).date()


async def _choices(portal: Portal, visit: Visit) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Services and offices to choose from; only what was chosen can be shown while the catalogue is away."""
    try:
        services = [(one.code, visit.text(one.labels)) for one in await portal.catalogue.services(visit)]
        offices = [(one.code, visit.text(one.labels)) for one in await portal.catalogue.offices(visit)]
    except Away:
        return [], []
    return services, offices
