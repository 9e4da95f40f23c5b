"""Links by e-mail over HTTP: the portal asks for them and redeems them, notify tells them. All by systems with a token.

Tokens and addresses come in bodies, never in a path: paths are logged by whatever stands in between.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from runtime.auth import requires
from services.intake.access import Rate, RateLimit, TooManyAttempts, read_credentials
from services.intake.applicant import InvalidApplicant, is_email
from services.intake.application import Applications, View
from services.intake.desk import Asked, client_of
from services.intake.entrance import Entrance
from services.intake.links import VALID_FOR, WITHIN, Language, Links, Purpose
from services.intake.refusals import Refused
from services.intake.staff_api import NO_STORE
from services.intake.vault import Vault
from services.intake.views import state_of

GRANTED_FOR: Final = timedelta(hours=12)
"""How long a link's visitor may act for the application, before another link or the access code is needed."""
MOST_SHOWN: Final = 50
LINKS_OF_A_VISITOR: Final = Rate(10, 600)
_LOOK_EVERY_S: Final = 0.25
_SWEEP_EVERY_S: Final = 3600.0


class WantedLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A link that somebody wants by e-mail: `mine` with an address, `return` with number and access code (or grant)."""

    purpose: Purpose
    language: Language = "id"
    address: Annotated[str, Meta(max_length=254)] = ""
    number: Annotated[str, Meta(max_length=64)] = ""
    access_code: Annotated[str, Meta(max_length=100)] = ""

    def __repr__(self) -> str:
        return "WantedLink(…)"


class LinkNoted(Struct, frozen=True, kw_only=True):
    """The same whether or not anybody is known under the address: if so, a mail is on its way."""

    valid_for_s: int


class WaitingLinks(Struct, frozen=True, kw_only=True):
    """Links that wait to be told."""

    links: list[UUID]


class LinkMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What notify needs to write one mail; not to be kept."""

    purpose: Purpose
    address: str
    name: str
    language: Language
    token: str
    expires_at: datetime
    number: str | None = None

    def __repr__(self) -> str:
        return "LinkMessage(…)"


class GivenLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token as it came back."""

    token: Annotated[str, Meta(max_length=200)]
    purpose: Purpose

    def __repr__(self) -> str:
        return "GivenLink(…)"


class Mine(Struct, frozen=True, kw_only=True):
    """One application of who redeemed the link. `access`: stands in for the access code (HTTP Basic) until `access_until`."""

    number: str
    service: str
    office: str
    state: Literal["draft", "submitted", "ended"]
    opened_at: datetime
    submitted_at: datetime | None
    access: str
    access_until: datetime


class RedeemedLink(Struct, frozen=True, kw_only=True):
    """What the link led to, the newest first."""

    purpose: Purpose
    applications: list[Mine]


class LinkDesk:
    """What the routes need: the links, who may ask how often, and what is shown of an application."""

    def __init__(
        self,
        *,
        links: Links,
        entrance: Entrance,
        vault: Vault,
        applications: Applications,
        seconds: Callable[[], float],
        clock: Callable[[], datetime],
    ) -> None:
        self.links = links
        self.entrance = entrance
        self._vault = vault
        self._applications = applications
        self._clock = clock
        self._asked = RateLimit(LINKS_OF_A_VISITOR, seconds)
        self._redeemed = RateLimit(LINKS_OF_A_VISITOR, seconds)

    def take_question(self, request: Asked) -> None:
        """Raises `TooManyAttempts`."""
        self._asked.take(visitor_of(request))

    def take_redemption(self, request: Asked) -> None:
        """Raises `TooManyAttempts`."""
        self._redeemed.take(visitor_of(request))

    async def shown(self, number: str) -> Mine | None:
        """`None` for what is no longer there."""
        key = await self._vault.key(number)
        try:
            view: View = await self._applications.view(number)
        except Refused:
            return None
        if key is None:
            return None
        until = self._clock().replace(microsecond=0) + GRANTED_FOR
        application = view.application
        return Mine(
            number=number,
            service=application.service,
            office=application.office,
            state=state_of(view),
            opened_at=application.opened_at,
            submitted_at=application.submitted_at,
            access=key.grant(number, int(until.timestamp())),
            access_until=until,
        )

    async def sweep_for_ever(self) -> None:
        """Forget old links, now and every hour."""
        while True:
            await self.links.sweep()
            await asyncio.sleep(_SWEEP_EVERY_S)


@post("/", status_code=202, guards=[requires("system")], summary="Ask for a link by e-mail")
async def ask_for_link(request: Asked, data: JSONBody[WantedLink], link_desk: LinkDesk) -> Response[LinkNoted]:
    """Have a link sent. The answer to `mine` does not tell whether anybody is known under the address."""
    link_desk.take_question(request)
    if data.purpose == "return":
        credentials = read_credentials(data.number, data.access_code)
        entry = await link_desk.entrance.enter(credentials, data.number, visitor_of(request))
        if not await link_desk.links.ask_to_return(entry.number, data.language):
            raise TooManyAttempts(retry_after_s=int(WITHIN.total_seconds()))
    else:
        if not is_email(data.address.strip()):
            raise InvalidApplicant(fields=["email (bukan alamat e-mail / is no e-mail address)"])
        await link_desk.links.ask_for_mine(data.address, data.language)
    return Response(LinkNoted(valid_for_s=int(VALID_FOR[data.purpose].total_seconds())), headers=NO_STORE)


@get("/waiting", guards=[requires("system")], summary="Links that wait to be told")
async def list_waiting(
    request: Asked,
    link_desk: LinkDesk,
    wait_s: Annotated[float, QueryParameter(ge=0, le=30, description="How long to wait for one, in seconds.")] = 0,
) -> Response[WaitingLinks]:
    """Those that notify has not taken over yet, the oldest first, at most 100. Held back until there is one, or `wait_s`."""
    deadline = asyncio.get_running_loop().time() + wait_s
    while not (found := await link_desk.links.waiting()):
        if asyncio.get_running_loop().time() >= deadline or request.app.state.shutdown_event.is_set():
            break
        await asyncio.sleep(_LOOK_EVERY_S)
    return Response(WaitingLinks(links=found), headers=NO_STORE)


@post("/taken", status_code=204, guards=[requires("system")], summary="Say that links are taken over")
async def note_taken(data: JSONBody[WaitingLinks], link_desk: LinkDesk) -> None:
    """Notify has written these links down and sends them; said again, it makes no difference."""
    await link_desk.links.take(data.links)


@post("/{link:uuid}/message", status_code=200, guards=[requires("system")], summary="What a mail with the link says")
async def make_message(link: FromPath[UUID], link_desk: LinkDesk) -> Response[LinkMessage]:
    """Address, words' language and a token made now, at the moment of sending. 404: no mail is to be sent (any more)."""
    message = await link_desk.links.message(link)
    return Response(LinkMessage(**message._asdict()), headers=NO_STORE)


@post("/redeem", status_code=200, guards=[requires("system")], summary="Use a link up")
async def redeem_link(request: Asked, data: JSONBody[GivenLink], link_desk: LinkDesk) -> Response[RedeemedLink]:
    """What the link leads to, once. 404 unknown, 410 used or expired: the words say what to do."""
    link_desk.take_redemption(request)
    redeemed = await link_desk.links.redeem(data.token, data.purpose)
    found = [one for number in redeemed.numbers[:MOST_SHOWN] if (one := await link_desk.shown(number))]
    found.sort(key=lambda one: one.opened_at, reverse=True)
    return Response(RedeemedLink(purpose=redeemed.purpose, applications=found), headers=NO_STORE)


def visitor_of(request: Asked) -> str:
    """Whom limits count against: the visitor whom the portal names, since only systems with a token get this far."""
    named = request.headers.get("x-forwarded-for", "").partition(",")[0].strip()
    return named[:64] or client_of(request)


LINK_ROUTES: Final = Router(
    "/links", route_handlers=[ask_for_link, list_waiting, note_taken, make_message, redeem_link], tags=["links"]
)
