"""The vault: each applicant's key, wrapped, and the records sealed under it. Everything personal is here.

A row moved to another application, field or version cannot be opened; without the key row nothing of the applicant can.
"""

from collections.abc import Callable
from typing import Final

from runtime.database import Pool
from services.intake import addresses
from services.intake.access import AccessDenied, codes_match
from services.intake.applicant import Applicant, decode_applicant, encode_applicant
from services.intake.keys import ApplicantKey, MasterKeys, WrappedKey, bound_to

INSERT_KEY: Final = """
INSERT INTO applicant_keys (application, master_key, sealed) VALUES ($1, $2, $3)
"""
SELECT_KEY: Final = """
SELECT master_key, sealed FROM applicant_keys WHERE application = $1
"""
INSERT_RECORD: Final = """
INSERT INTO sealed_records (application, field, version, sealed) VALUES ($1, $2, $3, $4)
"""
SELECT_RECORD: Final = """
SELECT version, sealed FROM sealed_records WHERE application = $1 AND field = $2 ORDER BY version DESC LIMIT 1
"""
LOCK_KEY: Final = """
SELECT master_key, sealed FROM applicant_keys WHERE application = $1 FOR UPDATE
"""
DELETE_OLDER_RECORDS: Final = """
DELETE FROM sealed_records WHERE application = $1 AND field = $2 AND version < $3
"""
DELETE_RECORDS: Final = """
DELETE FROM sealed_records WHERE application = $1
"""
DELETE_KEY: Final = """
DELETE FROM applicant_keys WHERE application = $1
"""

APPLICANT_FIELD: Final = "applicant"
FORM_FIELD: Final = "form"
_NOBODY: Final = "nobody"


def record_address(application: str, field: str, version: int) -> bytes:
    """What a sealed record is bound to."""
    return bound_to("sealed_records", application, field, str(version))


class Vault:
    """Keys and sealed records, by asyncpg."""

    def __init__(self, pool: Pool, master_keys: MasterKeys) -> None:
        self._pool = pool
        self._master_keys = master_keys
        # Unwrapped in place of the key of a number that does not exist, so that it costs the same.
        self._decoy = master_keys.wrap(ApplicantKey.new(), _NOBODY)

    async def admit(self, application: str, applicant: Applicant) -> ApplicantKey:
        """Make the key of a new application and seal its applicant's data, in one transaction."""
        key = ApplicantKey.new()
        wrapped = self._master_keys.wrap(key, application)
        sealed = key.seal_record(encode_applicant(applicant), record_address(application, APPLICANT_FIELD, 1))
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(INSERT_KEY, application, wrapped.master_key, wrapped.sealed)
            await connection.execute(INSERT_RECORD, application, APPLICANT_FIELD, 1, sealed)
            await addresses.mark(connection, self._master_keys, application, applicant)
        return key

    async def key(self, application: str) -> ApplicantKey | None:
        """The key of an application; `None` where there is none (never was, or destroyed)."""
        row = await self._pool.fetchrow(SELECT_KEY, application)
        return None if row is None else self._master_keys.unwrap(WrappedKey(*row), application)

    async def enter(self, application: str, code: str, grant: str = "", now: int = 0) -> ApplicantKey:
        """The key of `application` for who knows its access code, or has a grant that holds at `now` (Unix time).

        Raises `AccessDenied`, always after the same work.
        """
        row = await self._pool.fetchrow(SELECT_KEY, application)
        wrapped, bound = (WrappedKey(*row), application) if row else (self._decoy, _NOBODY)
        key = self._master_keys.unwrap(wrapped, bound)
        fits, granted = codes_match(code, key.access_code()), key.grants(application, grant, now)
        if not (fits or granted) or row is None:
            raise AccessDenied()
        return key

    async def applicant(self, application: str) -> Applicant | None:
        """The applicant's data, opened; `None` where there is none."""
        plaintext = await self.record(application, APPLICANT_FIELD)
        return None if plaintext is None else decode_applicant(plaintext)

    async def record(self, application: str, field: str) -> bytes | None:
        """A sealed record, opened; `None` where there is none."""
        key = await self.key(application)
        row = await self._pool.fetchrow(SELECT_RECORD, application, field)
        if key is None or row is None:
            return None
        return key.unseal_record(row["sealed"], record_address(application, field, row["version"]))

    async def change(self, application: str, field: str, change: Callable[[bytes | None], bytes]) -> bool:
        """Replace a record by what `change` makes of it; nothing of the old one stays. False: nobody is there any more.

        Changes of one application follow each other, so that none of two at once is lost.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(LOCK_KEY, application)
            if row is None:
                return False
            key = self._master_keys.unwrap(WrappedKey(*row), application)
            old = await connection.fetchrow(SELECT_RECORD, application, field)
            before, version = None, 1
            if old is not None:
                before = key.unseal_record(old["sealed"], record_address(application, field, old["version"]))
                version = old["version"] + 1
            after = change(before)
            sealed = key.seal_record(after, record_address(application, field, version))
            await connection.execute(INSERT_RECORD, application, field, version, sealed)
            if field == APPLICANT_FIELD:
                await addresses.mark(connection, self._master_keys, application, decode_applicant(after))
            await connection.execute(DELETE_OLDER_RECORDS, application, field, version)
        return True

    async def destroy(self, application: str) -> None:
        """Destroy the key, and the records with it: nothing sealed under it can ever be opened again."""
        async with self._pool.acquire() as connection, connection.transaction():
            await addresses.unmark(connection, application)
            await connection.execute(DELETE_RECORDS, application)
            await connection.execute(DELETE_KEY, application)
