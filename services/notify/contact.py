"""Whom to write to, asked from intake at the moment of sending; never kept, never logged."""

from typing import Final, Protocol

import httpx
import msgspec
import structlog

from services.notify.domain import Language

log = structlog.get_logger()
_UNKNOWN_NUMBER: Final = "/unknown-number"
"""How the `type` of intake's own 404 ends. A 404 of anything else (a wrong address, a proxy) says nothing about anybody."""


class Contact(msgspec.Struct, frozen=True):
    """What intake tells of an applicant. Its text form is empty, so that no log or error can hold it."""

    name: str = ""
    email: str | None = None
    language: str = "id"

    def __repr__(self) -> str:
        return "Contact(…)"

    @property
    def reads(self) -> Language:
        """The language to write in."""
        return "en" if self.language == "en" else "id"


class NoContact(Exception):
    """Intake knows no contact for the application: there is none, or it was erased."""


class IntakeAway(Exception):
    """Intake gave no usable answer; it will later."""


class Contacts(Protocol):
    """Where contact data comes from."""

    async def of(self, number: str) -> Contact:
        """The contact of application `number`. Raises `NoContact` or `IntakeAway`."""
        ...


class IntakeContacts:
    """Contact data over intake's HTTP API; `client` has its address, the bearer token and a time limit."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def of(self, number: str) -> Contact:
        try:
            answer = await self._client.get(f"/applications/{number}/contact")
        except (httpx.TransportError, httpx.TooManyRedirects) as error:
            raise IntakeAway(type(error).__name__) from None
        if answer.status_code == httpx.codes.NOT_FOUND and _problem_type(answer.content).endswith(_UNKNOWN_NUMBER):
            raise NoContact(number)
        if answer.status_code != httpx.codes.OK:
            if answer.status_code in (401, 403):
                log.error("intake_refuses_us", status=answer.status_code, hint="check JEJAK_SERVICE_TOKEN")
            raise IntakeAway(f"status {answer.status_code}")
        try:
            return msgspec.json.decode(answer.content, type=Contact)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise IntakeAway("an answer that is no contact") from None


class _Problem(msgspec.Struct):
    type: str = ""


def _problem_type(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Problem).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
