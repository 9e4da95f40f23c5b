"""HTTP around a case: claim, hand on, take the next one, who else is here, why the help desk opened it."""

from typing import Any

from litestar import Request, Response, Router, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from runtime.auth import Principal, requires
from runtime.idempotency import idempotent
from services.processing.choices import Choices, choices
from services.processing.handling.application import Handlings, Worked
from services.processing.handling.decisions import Colleague
from services.processing.handling.domain import officer_code
from services.processing.handling.presence import Presence
from services.processing.handling.shapes import (
    AssignTo,
    HandlingView,
    LookInto,
    OfficersView,
    OpeningsView,
    PresenceView,
)
from services.processing.handling.views import handling_view, officers_view, openings_view
from services.processing.routing import Desk, canonical

Asked = Request[Any, Any, Any]
_NO_STORE = {"Cache-Control": "no-store"}


class Handlers:
    """What the routes work with."""

    def __init__(self, *, desk: Desk, handlings: Handlings, presence: Presence, most: int) -> None:
        self.desk = desk
        self.handlings = handlings
        self.presence = presence
        self.most = most

    def colleague(self, principal: Principal) -> Colleague:
        """Who asks, by pseudonym, role, office and desk."""
        by = self.desk.actor(principal)
        return Colleague(officer_code(principal.subject), by, principal.has("supervisor"))

    def show(self, worked: Worked, principal: Principal) -> Response[HandlingView]:
        """The handling as this officer sees it."""
        view = handling_view(worked, officer_code(principal.subject), self.desk.views.words)
        return Response(view, headers=_NO_STORE)


def handling_routes(handlers: Handlers) -> list[Router]:
    """Reading: officer, supervisor, auditor; acting: officer, supervisor; the openings also for the system that shows them
    to the applicant.
    """
    reading = [_handling(handlers), _choices(handlers), _officers(handlers)]
    acting = [
        _claim(handlers), _take_next(handlers), _release(handlers), _assign(handlers), _look_into(handlers),
        _presence(handlers), _leave(handlers),
    ]  # fmt: skip
    return [
        Router("/", route_handlers=reading, guards=[requires("officer", "supervisor", "auditor")], tags=["handling"]),
        Router("/", route_handlers=acting, guards=[requires("officer", "supervisor")], tags=["handling"]),
        Router(
            "/",
            route_handlers=[_openings(handlers)],
            guards=[requires("officer", "supervisor", "auditor", "system")],
            tags=["handling"],
        ),
    ]


def _handling(handlers: Handlers) -> HTTPRouteHandler:
    @get("/cases/{number:str}/handling", summary="Who works at a case")
    async def show_handling(request: Asked, number: FromPath[str]) -> Response[HandlingView]:
        """Who has claimed it, and everything that happened around it: claims, escalations, openings at the help desk."""
        return handlers.show(await handlers.handlings.load(canonical(number)), request.user)

    return show_handling


def _openings(handlers: Handlers) -> HTTPRouteHandler:
    @get("/cases/{number:str}/openings", summary="Why the help desk opened a case")
    async def show_openings(number: FromPath[str]) -> Response[OpeningsView]:
        """When, why, and by which desk; nothing in it names a person, so that it can be shown to the applicant."""
        worked = await handlers.handlings.load(canonical(number))
        return Response(openings_view(worked, handlers.desk.views.words), headers=_NO_STORE)

    return show_openings


def _choices(handlers: Handlers) -> HTTPRouteHandler:
    @get("/cases/{number:str}/choices", summary="What an officer can choose from")
    async def show_choices(request: Asked, number: FromPath[str]) -> Response[Choices]:
        """Requirements, fees in force today, reason codes with their words, bodies: what the forms of a case need."""
        dossier = await handlers.desk.cases.load(canonical(number))
        now = handlers.desk.cases.circumstances(dossier.case, handlers.desk.actor(request.user))
        return Response(choices(handlers.desk.views.catalogue, now.service, now.today), headers=_NO_STORE)

    return show_choices


def _officers(handlers: Handlers) -> HTTPRouteHandler:
    @get("/officers", summary="Who holds how many cases")
    async def show_officers(request: Asked) -> Response[OfficersView]:
        """The officers who hold cases, by pseudonym and desk."""
        me = officer_code(request.user.subject)
        return Response(officers_view(await handlers.handlings.loads(), me, handlers.most), headers=_NO_STORE)

    return show_officers


def _claim(handlers: Handlers) -> HTTPRouteHandler:
    @post("/cases/{number:str}/claim", summary="Take a case", status_code=200)
    async def claim_case(request: Asked, number: FromPath[str]) -> Response[HandlingView]:
        """Take the case, where nobody has it. Taking it again changes nothing."""
        worked = await handlers.handlings.claim(canonical(number), handlers.colleague(request.user))
        return handlers.show(worked, request.user)

    return claim_case


def _take_next(handlers: Handlers) -> HTTPRouteHandler:
    @post("/cases/take-next", summary="Take the case that is due first", status_code=200)
    async def take_next_case(request: Asked) -> Response[HandlingView]:
        """The case due first among those that wait for the office and that nobody has: escalated ones before others.

        Two officers at once never get the same. With an `Idempotency-Key` a repeated request gets the first answer.
        """

        async def execute() -> Response[HandlingView]:
            principal: Principal = request.user
            return handlers.show(await handlers.handlings.take_next(handlers.colleague(principal)), principal)

        return await idempotent(request, handlers.desk.pool, execute, required=False)

    return take_next_case


def _release(handlers: Handlers) -> HTTPRouteHandler:
    @post("/cases/{number:str}/release", summary="Give a case back", status_code=200)
    async def release_case(request: Asked, number: FromPath[str]) -> Response[HandlingView]:
        """Give the case back, so that whoever is free can take it; a supervisor also one that another officer has."""
        worked = await handlers.handlings.release(canonical(number), handlers.colleague(request.user))
        return handlers.show(worked, request.user)

    return release_case


def _assign(handlers: Handlers) -> HTTPRouteHandler:
    @post("/cases/{number:str}/assign", summary="Hand a case on", status_code=200)
    async def assign_case(request: Asked, number: FromPath[str], data: AssignTo) -> Response[HandlingView]:
        """Hand the case to another officer or to a desk: who has it, anyone where nobody has it, a supervisor always."""
        me = handlers.colleague(request.user)
        worked = await handlers.handlings.assign(canonical(number), data.officer, data.desk, me)
        return handlers.show(worked, request.user)

    return assign_case


def _look_into(handlers: Handlers) -> HTTPRouteHandler:
    @post("/cases/{number:str}/openings", summary="Open a case at the help desk", status_code=201)
    async def open_case(request: Asked, number: FromPath[str], data: LookInto) -> Response[HandlingView]:
        """Note why the case is opened, before it is shown. With an `Idempotency-Key` it is noted once."""

        async def execute() -> Response[HandlingView]:
            principal: Principal = request.user
            me = handlers.colleague(principal)
            worked = await handlers.handlings.look_into(canonical(number), data.reason, me)
            return handlers.show(worked, principal)

        return await idempotent(request, handlers.desk.pool, execute, required=False)

    return open_case


def _presence(handlers: Handlers) -> HTTPRouteHandler:
    @put("/cases/{number:str}/presence", summary="I have this case open")
    async def note_presence(request: Asked, number: FromPath[str]) -> Response[PresenceView]:
        """Say it every 15 seconds; the answer is who else has it open. Nothing of it is kept."""
        view = await handlers.presence.note(canonical(number), handlers.colleague(request.user))
        return Response(view, headers=_NO_STORE)

    return note_presence


def _leave(handlers: Handlers) -> HTTPRouteHandler:
    @delete("/cases/{number:str}/presence", summary="I closed this case")
    async def leave_case(request: Asked, number: FromPath[str]) -> None:
        """No longer shown to others; without it the heartbeat ends by itself."""
        await handlers.presence.leave(canonical(number), handlers.colleague(request.user))

    return leave_case
