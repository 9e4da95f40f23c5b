"""Browsers that want to hear of an application: kept sealed, forgotten when they leave, when they are gone, at erasure.

An endpoint with its keys is the address of a person's browser: it is treated as contact data. The sealing key is derived
from the VAPID key: a subscription is of no use under another one (RFC 8292, 4), so that both end together.
"""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime.database import Pool
from services.notify.domain import Language

AT_MOST: Final = 5
"""So many browsers hear of one application; the oldest makes room."""
KEPT: Final = timedelta(days=400)
_NONCE_BYTES: Final = 12

INSERT: Final = """
INSERT INTO subscriptions (id, number, mark, sealed, language, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (number, mark) DO UPDATE SET language = excluded.language, created_at = excluded.created_at
"""
MAKE_ROOM: Final = """
DELETE FROM subscriptions WHERE id IN (
    SELECT id FROM subscriptions WHERE number = $1 ORDER BY created_at DESC, id OFFSET $2
)
"""
SELECT_ONE: Final = "SELECT id, mark, sealed, language FROM subscriptions WHERE id = $1"
DELETE_OF_NUMBER: Final = "DELETE FROM subscriptions WHERE mark = $1 AND number = $2"
DELETE_BROWSER: Final = "DELETE FROM subscriptions WHERE mark = $1"
DELETE_ONE_BROWSER: Final = """
DELETE FROM subscriptions WHERE mark = (SELECT mark FROM subscriptions WHERE id = $1)
"""
SELECT_NUMBERS: Final = "SELECT number FROM subscriptions WHERE mark = $1"
DELETE_OLD: Final = "DELETE FROM subscriptions WHERE created_at < $1"


class Browser(msgspec.Struct, frozen=True):
    """Where a browser can be reached, and with which keys (RFC 8291). Never logged: its text form is empty."""

    endpoint: str
    p256dh: str
    auth: str

    def __repr__(self) -> str:
        return "Browser(…)"


class Subscription(msgspec.Struct, frozen=True):
    """One browser that listens."""

    id: UUID
    browser: Browser
    language: Language


class Subscriptions:
    """The table. `secret`: what the sealing keys are derived from."""

    def __init__(self, pool: Pool, secret: bytes) -> None:
        self._pool = pool
        derived = HKDF(SHA256(), 64, None, b"jejak/notify/v1/subscriptions").derive(secret)
        self._seal, self._marking = AESGCM(derived[:32]), derived[32:]

    async def add(self, number: str, browser: Browser, language: Language, now: datetime) -> None:
        """Let `browser` hear of `number`; again: in another language perhaps."""
        mark = self.mark(browser.endpoint)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._seal.encrypt(nonce, msgspec.json.encode(browser), mark)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(INSERT, uuid4(), number, mark, sealed, language, now)
            await connection.execute(MAKE_ROOM, number, AT_MOST)

    async def remove(self, endpoint: str, number: str | None = None) -> None:
        """The browser wants to hear no more of `number`, or of anything."""
        mark = self.mark(endpoint)
        if number is None:
            await self._pool.execute(DELETE_BROWSER, mark)
        else:
            await self._pool.execute(DELETE_OF_NUMBER, mark, number)

    async def numbers(self, endpoint: str) -> Sequence[str]:
        """Of which applications the browser hears."""
        return [row["number"] for row in await self._pool.fetch(SELECT_NUMBERS, self.mark(endpoint))]

    async def find(self, id: UUID) -> Subscription | None:
        """`None` where it was removed, or cannot be read under this key."""
        row = await self._pool.fetchrow(SELECT_ONE, id)
        if row is None:
            return None
        try:
            opened = self._seal.decrypt(row["sealed"][:_NONCE_BYTES], row["sealed"][_NONCE_BYTES:], row["mark"])
        except InvalidTag:
            return None
        return Subscription(id, msgspec.json.decode(opened, type=Browser), row["language"])

    async def gone(self, id: UUID) -> None:
        """The push service knows the browser no more: it hears of nothing any longer."""
        await self._pool.execute(DELETE_ONE_BROWSER, id)

    async def forget(self, now: datetime) -> None:
        """Remove what nobody renewed for long."""
        await self._pool.execute(DELETE_OLD, now - KEPT)

    def mark(self, endpoint: str) -> bytes:
        """What a browser is recognised by; tells nobody its endpoint."""
        return hmac.digest(self._marking, endpoint.encode(), "sha256")

    def topic(self, number: str) -> str:
        """What later messages about `number` replace earlier ones by, at the push service (RFC 8030, 5.4)."""
        return hmac.digest(self._marking, b"topic" + number.encode(), "sha256").hex()[:32]
