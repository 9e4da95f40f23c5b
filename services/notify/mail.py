"""E-mail over SMTP (RFC 5321), with connections that are used again.

What matters is knowing what may have arrived: everything before the content is certain not to have; once the content
is being handed over, only an answer of the server tells, and without one the outcome is unknown.
No error of the mail library is logged or passed on as it is: they hold the recipient's address.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Final, Literal
from uuid import UUID

import aiosmtplib

from services.notify.domain import Accepted, Failure, NotAccepted, Result, Unknown
from services.notify.messages import Message

_LOST: Final = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError, TimeoutError)
_IDLE_S: Final = 20.0
_MAILS_A_CONNECTION: Final = 100


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in, and how. `timeout_s` limits each step (connecting, the envelope, the content)."""

    host: str
    port: int
    sender: str
    sender_name: str = ""
    security: Literal["none", "starttls", "tls"] = "none"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 15.0

    @property
    def domain(self) -> str:
        """The sender's domain: names us in EHLO and in message ids."""
        return self.sender.rpartition("@")[2]


class BadAddress(ValueError):
    """The recipient's address cannot be written to; the message does not repeat it."""


def compose(message: Message, *, to: str, server: Server, delivery: UUID, at: datetime) -> EmailMessage:
    """The mail. Its Message-ID is that of the delivery, so that a repeat can be recognised. Raises `BadAddress`."""
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = Address(server.sender_name, addr_spec=server.sender)
    mail["To"] = Address(addr_spec=plain_address(to))
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{delivery}@{server.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, cte="quoted-printable")
    mail["Content-Language"] = message.language
    return mail


def plain_address(text: str) -> str:
    """`text` as an ASCII address, an international domain in its ASCII form. Raises `BadAddress`."""
    try:
        address = Address(addr_spec=text.strip())
        domain = address.domain.encode("idna").decode()
        if not (address.username and domain and address.username.isascii()):
            raise BadAddress("not an address that can be written to")
        return Address(username=address.username, domain=domain).addr_spec
    except (ValueError, MessageError, IndexError):
        raise BadAddress("not an address that can be written to") from None


@dataclass(slots=True)
class _Idle:
    connection: aiosmtplib.SMTP
    since: float
    used: int


class Mailer:
    """Hands mails to one server, each over a connection of its own while it lasts; safe to use from many tasks."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: list[_Idle] = []

    async def send(self, mail: EmailMessage, begin: Callable[[], Awaitable[None]]) -> Result:
        """Hand `mail` over. `begin` is awaited after the server took the envelope and before it gets the content; when it
        raises, nothing was handed over and its error is raised.
        """
        to = mail["To"].addresses[0].addr_spec
        try:
            async with asyncio.timeout(2 * self._server.timeout_s):
                lent = await self._with_envelope(to)
        except aiosmtplib.SMTPRecipientRefused as refusal:
            return _refused(refusal.code, Failure.RECIPIENT_REFUSED)
        except aiosmtplib.SMTPSenderRefused as refusal:
            return _refused(refusal.code, Failure.MESSAGE_REFUSED)
        except (aiosmtplib.SMTPException, *_LOST):
            return NotAccepted(Failure.SERVER_UNAVAILABLE, permanent=False)
        try:
            await begin()
        except BaseException:
            lent.connection.close()
            raise
        return await self._content(lent, bytes(mail))

    async def close(self) -> None:
        """End all idle connections."""
        idle, self._idle = self._idle, []
        for one in idle:
            await _quit(one.connection)

    async def _content(self, lent: _Idle, content: bytes) -> Result:
        try:
            async with asyncio.timeout(self._server.timeout_s):
                await lent.connection.data(content)
        except aiosmtplib.SMTPDataError as refusal:
            lent.connection.close()
            return _refused(refusal.code, Failure.MESSAGE_REFUSED)
        except (aiosmtplib.SMTPException, *_LOST):
            lent.connection.close()
            return Unknown()
        except BaseException:
            lent.connection.close()
            raise
        await self._give_back(lent)
        return Accepted()

    async def _with_envelope(self, to: str) -> _Idle:
        """A connection whose server has taken sender and recipient. One that had gone stale is replaced."""
        while self._idle:
            lent = self._idle.pop()
            if time.monotonic() - lent.since > _IDLE_S:
                await _quit(lent.connection)
                continue
            try:
                return await self._envelope(lent, to)
            except (*_LOST, aiosmtplib.SMTPSenderRefused):
                continue  # its server has closed it, or will take no more on it; a fresh one tells the truth
        connection = aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.user,
            password=self._server.password,
            local_hostname=self._server.domain,
            timeout=self._server.timeout_s,
            use_tls=self._server.security == "tls",
            start_tls=self._server.security == "starttls",
            tls_context=None if self._server.security == "none" else ssl.create_default_context(),
        )
        try:
            await connection.connect()
        except BaseException:
            connection.close()
            raise
        return await self._envelope(_Idle(connection, time.monotonic(), 0), to)

    async def _envelope(self, lent: _Idle, to: str) -> _Idle:
        try:
            await lent.connection.mail(self._server.sender)
            await lent.connection.rcpt(to)
        except BaseException:
            lent.connection.close()
            raise
        return lent

    async def _give_back(self, lent: _Idle) -> None:
        lent.used += 1
        lent.since = time.monotonic()
        if lent.used >= _MAILS_A_CONNECTION:
            await _quit(lent.connection)
        else:
            self._idle.append(lent)


async def _quit(connection: aiosmtplib.SMTP) -> None:
    """Say goodbye; a server that does not answer is left."""
    try:
        await connection.quit(timeout=1.0)
    except (aiosmtplib.SMTPException, *_LOST):
        connection.close()


def _refused(code: int, failure: Failure) -> NotAccepted:
    """RFC 5321, 4.2.1: 5yz is final, 4yz asks to come again."""
    permanent = 500 <= code < 600
    return NotAccepted(failure if permanent else Failure.SERVER_BUSY, permanent)
