"""The blind index of e-mail addresses: which applications were made under an address, for who can read its mail.

An address is kept as HMAC-SHA-256 under a key that is derived from the master key and from nothing that is in the database:
whoever has only the database can neither read an address nor try one; what they can see is that two applications have the
same one. A sweep makes the digests anew that are of another key than the first, so
that a rotation loses nobody. The same sweep finds those that were admitted before there was an index.
"""

import asyncio
import unicodedata
from typing import Final

import asyncpg
import structlog

from runtime.database import Connection, Pool
from services.intake.applicant import Applicant, decode_applicant
from services.intake.keys import MasterKeys, SealBroken, WrappedKey, bound_to

log = structlog.get_logger()

UPSERT_MARK: Final = """
INSERT INTO address_marks (application, master_key, digest) VALUES ($1, $2, $3)
ON CONFLICT (application) DO UPDATE SET master_key = excluded.master_key, digest = excluded.digest
WHERE NOT address_marks.forgotten
"""
SELECT_APPLICATIONS: Final = """
SELECT application FROM address_marks WHERE digest = ANY($1::bytea[])
"""
SELECT_UNMARKED: Final = """
SELECT k.application, k.master_key, k.sealed, r.field, r.version, r.sealed AS record
FROM applicant_keys k
LEFT JOIN address_marks m ON m.application = k.application
JOIN LATERAL (
    SELECT field, version, sealed FROM sealed_records
    WHERE application = k.application AND field = 'applicant' ORDER BY version DESC LIMIT 1
) r ON true
WHERE k.application > $1 AND (m.application IS NULL OR (m.master_key <> $2 AND NOT m.forgotten))
ORDER BY k.application
LIMIT $3
"""
FORGET: Final = """
INSERT INTO address_marks (application, master_key, forgotten) VALUES ($1, '', true)
ON CONFLICT (application) DO UPDATE SET master_key = '', digest = NULL, forgotten = true
"""
DELETE_MARK: Final = "DELETE FROM address_marks WHERE application = $1 RETURNING digest"
SELECT_MARK: Final = "SELECT digest FROM address_marks WHERE application = $1"
DELETE_LINKS: Final = """
DELETE FROM links
WHERE application = $1
   OR (digest = $2::bytea AND NOT EXISTS (SELECT FROM address_marks WHERE digest = $2::bytea))
"""

_PURPOSE: Final = "address-index"
_BATCH: Final = 500
_EVERY_S: Final = 3600.0


def normal_address(address: str) -> str:
    """An address in the one form under which it is found: composed, in small letters, without space around it.

    The part before the @ may be case-sensitive (RFC 5321, 2.3.11); nobody's mailbox is, and people type as they like.
    """
    return unicodedata.normalize("NFC", address.strip()).casefold()


def digests(master_keys: MasterKeys, address: str) -> dict[str, bytes]:
    """What `address` is found under, by the id of the master key, that of the first key first."""
    return master_keys.blind(_PURPOSE, normal_address(address).encode())


async def mark(connection: Connection, master_keys: MasterKeys, application: str, applicant: Applicant) -> None:
    """Have `application` found under its applicant's address; again after the address has changed."""
    found = digests(master_keys, applicant.email) if applicant.email else {}
    await connection.execute(UPSERT_MARK, application, master_keys.current, found.get(master_keys.current))


async def unmark(connection: Connection, application: str) -> None:
    """The applicant's data is destroyed: nobody finds them any more, and no link to them is left."""
    digest = await connection.fetchval(DELETE_MARK, application)
    await connection.execute(DELETE_LINKS, application, digest)


async def forget(connection: Connection, application: str) -> None:
    """As `unmark`, for good: also where the sealed data is still here, the index does not find it again."""
    digest = await connection.fetchval(SELECT_MARK, application)
    await connection.execute(FORGET, application)
    await connection.execute(DELETE_LINKS, application, digest)


class AddressBook:
    """Finds applications by address, and keeps the index whole."""

    def __init__(self, pool: Pool, master_keys: MasterKeys) -> None:
        self._pool = pool
        self._master_keys = master_keys

    def current_digest(self, address: str) -> tuple[str, bytes]:
        """Under the first master key: its id and the digest. To be kept in place of the address."""
        return next(iter(digests(self._master_keys, address).items()))

    async def under(self, digest: bytes) -> list[str]:
        """The numbers found under one digest. After a rotation, those that the sweep has not reached are not among them."""
        rows = await self._pool.fetch(SELECT_APPLICATIONS, [digest])
        return [row["application"] for row in rows]

    async def keep_for_ever(self) -> None:
        """Sweep now and every hour."""
        while True:
            await self.sweep()
            await asyncio.sleep(_EVERY_S)

    async def sweep(self) -> int:
        """Index what is not, or is under another master key than the first; how many. Several processes may sweep at once."""
        place, done = "", 0
        while rows := await self._pool.fetch(SELECT_UNMARKED, place, self._master_keys.current, _BATCH):
            place = rows[-1]["application"]
            for row in rows:
                try:
                    applicant = self._opened(row)
                except SealBroken:
                    continue  # of a master key that is gone: it cannot be found, and cannot be read either
                async with self._pool.acquire() as connection:
                    await mark(connection, self._master_keys, row["application"], applicant)
                done += 1
        if done:
            log.info("address_marks_made", count=done)
        return done

    def _opened(self, row: asyncpg.Record) -> Applicant:
        application = row["application"]
        key = self._master_keys.unwrap(WrappedKey(row["master_key"], row["sealed"]), application)
        bound = bound_to("sealed_records", application, row["field"], str(row["version"]))
        return decode_applicant(key.unseal_record(row["record"], bound))
