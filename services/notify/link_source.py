"""What intake tells about links: which wait to be told, and, at the moment of sending, what one mail says."""

from datetime import datetime
from typing import Final, Literal, Protocol, TypeVar
from uuid import UUID

import httpx
import msgspec
import structlog

from services.notify.contact import IntakeAway
from services.notify.domain import Language

T = TypeVar("T")
log = structlog.get_logger()
WAIT_S: Final = 20.0
"""How long intake may hold the question for links until there is one."""
_MARGIN_S: Final = 5.0


class Letter(msgspec.Struct, frozen=True):
    """What one mail is made of. Never kept, never logged: its text form is empty."""

    purpose: Literal["mine", "return"]
    address: str
    name: str
    language: Language
    token: str
    expires_at: datetime
    number: str | None = None

    def __repr__(self) -> str:
        return "Letter(…)"


class NoLetter(Exception):
    """Nobody is to be written to: the address is unknown, or the link was used, or its time is over."""


class _Waiting(msgspec.Struct):
    links: list[UUID]


class LinkSource(Protocol):
    """Where links come from."""

    async def waiting(self) -> list[UUID]:
        """Links that nobody has taken over; waits a while for one. Raises `IntakeAway`."""
        ...

    async def taken(self, links: list[UUID]) -> None:
        """They are written down here. Raises `IntakeAway`."""
        ...

    async def letter(self, link: UUID) -> Letter:
        """Raises `NoLetter`, `IntakeAway`."""
        ...


class IntakeLinks:
    """Over intake's HTTP API; `client` has its address, the bearer token and a time limit."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def waiting(self) -> list[UUID]:
        timeout = httpx.Timeout(WAIT_S + _MARGIN_S, connect=_MARGIN_S)
        answer = await self._ask("GET", "/links/waiting", params={"wait_s": WAIT_S}, timeout=timeout)
        return self._decoded(answer, _Waiting).links

    async def taken(self, links: list[UUID]) -> None:
        await self._ask("POST", "/links/taken", content=msgspec.json.encode({"links": links}))

    async def letter(self, link: UUID) -> Letter:
        answer = await self._ask("POST", f"/links/{link}/message", may_be_gone=True)
        return self._decoded(answer, Letter)

    async def _ask(self, method: str, path: str, *, may_be_gone: bool = False, **more: object) -> bytes:
        try:
            answer = await self._client.request(
                method,
                path,
                headers={"Content-Type": "application/json"},
                **more,  # type: ignore[arg-type]
            )
        except (httpx.TransportError, httpx.TooManyRedirects) as error:
            raise IntakeAway(type(error).__name__) from None
        if may_be_gone and answer.status_code == httpx.codes.NOT_FOUND and b"/unknown-link" in answer.content:
            raise NoLetter(path)
        if not answer.is_success:
            if answer.status_code in (401, 403):
                log.error("intake_refuses_us", status=answer.status_code, hint="check JEJAK_SERVICE_TOKEN")
            raise IntakeAway(f"status {answer.status_code}")
        return answer.content

    @staticmethod
    def _decoded(content: bytes, type: type[T]) -> T:
        try:
            return msgspec.json.decode(content, type=type)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise IntakeAway("an answer that cannot be read") from None
