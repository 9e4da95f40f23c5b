"""The vault: each applicant's key, wrapped, and the records sealed under it. Everything personal is here.

A row moved to another application, field or version cannot be opened; without the key row nothing of the applicant can.
"""

from typing import Final

from runtime.database import Pool
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
DELETE_RECORDS: Final = """
DELETE FROM sealed_records WHERE application = $1
"""
DELETE_KEY: Final = """
DELETE FROM applicant_keys WHERE application = $1
"""

APPLICANT_FIELD: Final = "applicant"
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
        return key

    async def key(self, application: str) -> ApplicantKey | None:
        """The key of an application; `None` where there is none (never was, or destroyed)."""
        row = await self._pool.fetchrow(SELECT_KEY, application)
        return None if row is None else self._master_keys.unwrap(WrappedKey(*row), application)

    async def enter(self, application: str, code: str) -> ApplicantKey:
        """The key of `application` for who knows its access code. Raises `AccessDenied`, always after the same work."""
        row = await self._pool.fetchrow(SELECT_KEY, application)
        wrapped, bound = (WrappedKey(*row), application) if row else (self._decoy, _NOBODY)
        key = self._master_keys.unwrap(wrapped, bound)
        if not codes_match(code, key.access_code()) or row is None:
            raise AccessDenied()
        return key

    async def applicant(self, application: str) -> Applicant | None:
        """The applicant's data, opened; `None` where there is none."""
        key = await self.key(application)
        row = await self._pool.fetchrow(SELECT_RECORD, application, APPLICANT_FIELD)
        if key is None or row is None:
            return None
        address = record_address(application, APPLICANT_FIELD, row["version"])
        return decode_applicant(key.unseal_record(row["sealed"], address))

    async def destroy(self, application: str) -> None:
        """Destroy the key, and the records with it: nothing sealed under it can ever be opened again."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(DELETE_RECORDS, application)
            await connection.execute(DELETE_KEY, application)
