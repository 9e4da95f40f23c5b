"""Links by e-mail: back to a draft (`return`), or to everything that was begun under an address (`mine`).

A link is asked for, told by notify and redeemed once. Between, the database has no address and no token: for `mine` a digest
of the address, for `return` the application; a token is random, made anew for every mail that is handed to the mail server,
and kept as its SHA-256. What is stored when a link is asked for, and how long that takes, does not depend on whether anybody
is known under the address: only the mail that comes, or does not come, tells.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID, uuid4

import asyncpg

from runtime.database import Pool
from services.intake.addresses import AddressBook, digests
from services.intake.applicant import Applicant
from services.intake.keys import MasterKeys
from services.intake.refusals import Refused
from services.intake.vault import Vault

Purpose = Literal["mine", "return"]
Language = Literal["id", "en"]

VALID_FOR: Final[dict[Purpose, timedelta]] = {"mine": timedelta(minutes=30), "return": timedelta(days=7)}
AT_MOST: Final = 3
WITHIN: Final = timedelta(hours=1)
"""No mailbox gets more links than `AT_MOST` in `WITHIN`, whoever asks."""
KEPT_AFTER_EXPIRY: Final = timedelta(days=7)
"""How long it can still be said of a link that it was used or came too late."""
_TOKEN_BYTES: Final = 32
_PREFIXES: Final[dict[Purpose, str]] = {"mine": "s", "return": "d"}
"""How a token begins: what it leads to can be said before it is used up."""

INSERT_LINK: Final = """
INSERT INTO links (id, purpose, application, digest, master_key, language, created_at, expires_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8
WHERE (
    SELECT count(*) FROM links
    WHERE created_at > $9 AND CASE WHEN $3::text IS NULL THEN digest = $4::bytea ELSE application = $3::text END
) < $10
"""
SELECT_WAITING: Final = """
SELECT id FROM links WHERE taken_at IS NULL AND expires_at > $1 ORDER BY created_at, id LIMIT $2
"""
TAKE: Final = "UPDATE links SET taken_at = $2 WHERE id = ANY($1::uuid[]) AND taken_at IS NULL"
SELECT_OPEN: Final = "SELECT * FROM links WHERE id = $1 AND used_at IS NULL AND expires_at > $2"
INSERT_HASH: Final = "INSERT INTO link_tokens (hash, link) SELECT $1, id FROM links WHERE id = $2 AND used_at IS NULL"
USE: Final = """
UPDATE links SET used_at = $3
WHERE id = (SELECT link FROM link_tokens WHERE hash = $1) AND purpose = $2 AND used_at IS NULL AND expires_at > $3
RETURNING *
"""
SELECT_USE: Final = """
SELECT l.purpose, l.used_at FROM link_tokens t JOIN links l ON l.id = t.link WHERE t.hash = $1
"""
DELETE_OLD: Final = "DELETE FROM links WHERE expires_at < $1"


class UnknownLink(Refused):
    """No link has this token or id, or it is for another purpose, or nobody is known there any more."""

    slug = "unknown-link"


class LinkUsed(Refused):
    """Somebody has opened it already. Parameters: used_at."""

    slug = "link-used"


class LinkExpired(Refused):
    """It came too late."""

    slug = "link-expired"


class NoEmail(Refused):
    """The application has no e-mail address that a link could be sent to."""

    slug = "no-email"


class Message(NamedTuple):
    """What notify needs for one mail; not to be kept."""

    purpose: Purpose
    address: str
    name: str
    language: Language
    token: str
    expires_at: datetime
    number: str | None


class Redeemed(NamedTuple):
    """What a link leads to: for `return` one number, for `mine` those under the address."""

    purpose: Purpose
    numbers: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A link to be written down."""

    purpose: Purpose
    application: str | None
    digest: bytes | None
    master_key: str | None


def new_token(purpose: Purpose) -> str:
    """A token: what it is for, and 256 random bits."""
    return _PREFIXES[purpose] + secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """Under which a token is kept. It is random, so that nothing slower is needed."""
    return hashlib.sha256(b"jejak/intake/v1/link" + token.encode()).digest()


class Links:
    """The links of one intake."""

    def __init__(
        self, pool: Pool, *, vault: Vault, master_keys: MasterKeys, book: AddressBook, clock: Callable[[], datetime]
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._master_keys = master_keys
        self._book = book
        self._clock = clock

    async def ask_for_mine(self, address: str, language: Language) -> None:
        """Note that whoever reads the mail of `address` wants to see their applications. Nothing tells whether there are any."""
        master_key, digest = self._book.current_digest(address)
        await self._write(_Wanted("mine", None, digest, master_key), language)

    async def ask_to_return(self, application: str, language: Language) -> bool:
        """Note that the applicant, who has proven to be it, wants a link to their draft. False: they had `AT_MOST` already.

        Raises `NoEmail`.
        """
        applicant = await self._vault.applicant(application)
        if applicant is None or not applicant.email:
            raise NoEmail()
        return await self._write(_Wanted("return", application, None, None), language)

    async def waiting(self, limit: int = 100) -> list[UUID]:
        """Links that notify has not taken over yet, the oldest first."""
        return [row["id"] for row in await self._pool.fetch(SELECT_WAITING, self._clock(), limit)]

    async def take(self, links: Sequence[UUID]) -> None:
        """Notify has written them down and sees to them. Again: no difference."""
        await self._pool.execute(TAKE, list(links), self._clock())

    async def message(self, link: UUID) -> Message:
        """What a mail with this link says, with a token that is made now. Raises `UnknownLink` where no mail is to be sent."""
        row = await self._pool.fetchrow(SELECT_OPEN, link, self._clock())
        if row is None:
            raise UnknownLink()
        applicant = await self._whom(row)
        token = new_token(row["purpose"])
        if applicant is None or not applicant.email:
            raise UnknownLink()
        if await self._pool.execute(INSERT_HASH, token_hash(token), link) != "INSERT 0 1":
            raise UnknownLink()
        return Message(
            purpose=row["purpose"],
            address=applicant.email,
            name=applicant.name,
            language=row["language"],
            token=token,
            expires_at=row["expires_at"],
            number=row["application"],
        )

    async def redeem(self, token: str, purpose: Purpose) -> Redeemed:
        """Use a link up, which of two at once only one can. Raises `UnknownLink`, `LinkUsed`, `LinkExpired`."""
        hashed = token_hash(token)
        row = await self._pool.fetchrow(USE, hashed, purpose, self._clock())
        if row is None:
            raise await self._why_not(hashed, purpose)
        if row["purpose"] == "return":
            return Redeemed("return", [row["application"]])
        return Redeemed("mine", await self._book.under(row["digest"]))

    async def sweep(self) -> None:
        """Forget what expired long ago."""
        await self._pool.execute(DELETE_OLD, self._clock() - KEPT_AFTER_EXPIRY)

    async def _write(self, wanted: _Wanted, language: Language) -> bool:
        at = self._clock()
        done = await self._pool.execute(
            INSERT_LINK, uuid4(), wanted.purpose, wanted.application, wanted.digest, wanted.master_key,
            language, at, at + VALID_FOR[wanted.purpose], at - WITHIN, AT_MOST,
        )  # fmt: skip
        return bool(done == "INSERT 0 1")

    async def _whom(self, link: asyncpg.Record) -> Applicant | None:
        """To whom the mail goes: what they have stated themselves is written to, never what somebody typed."""
        if link["purpose"] == "return":
            of_draft: Applicant | None = await self._vault.applicant(link["application"])
            return of_draft
        for application in await self._book.under(link["digest"]):
            applicant = await self._vault.applicant(application)
            if applicant and applicant.email and self._is_found_under(applicant.email, link):
                return applicant
        return None

    def _is_found_under(self, address: str, link: asyncpg.Record) -> bool:
        return bool(digests(self._master_keys, address).get(link["master_key"]) == link["digest"])

    async def _why_not(self, hashed: bytes, purpose: Purpose) -> Refused:
        row = await self._pool.fetchrow(SELECT_USE, hashed)
        if row is None or row["purpose"] != purpose:
            return UnknownLink()
        return LinkUsed(used_at=row["used_at"]) if row["used_at"] else LinkExpired()
