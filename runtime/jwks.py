"""The issuer's public keys: a JSON Web Key Set (RFC 7517) fetched, kept, and fetched again when a key is unknown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_log = structlog.stdlib.get_logger("jejak.auth")
_RSA_BITS_MIN = 2048
_JWKS_LIMIT_BYTES = 1_000_000
_FETCH_TIMEOUT_S = 3.0


class KeysUnavailable(Exception):
    """The keys have never been fetched and cannot be now."""


class KeySet:
    """Keys by `kid`, from an http(s):// or file:// address.

    Fetched at first use, when a `kid` is unknown, and in the background after `max_age_s`; never more often than every
    `refresh_floor_s`, so that forged key ids do not make us hammer the issuer. While the issuer is away the last good
    keys stay in use.
    """

    def __init__(
        self,
        url: str,
        *,
        max_age_s: float = 300.0,
        refresh_floor_s: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._max_age_s = max_age_s
        self._refresh_floor_s = refresh_floor_s
        self._monotonic = monotonic
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    async def find(self, key_id: str, algorithm: str) -> jwt.PyJWK | None:
        """The key `key_id` if it is one for `algorithm`, else `None`. Raises `KeysUnavailable`."""
        if key_id not in self._keys:
            await self._refresh(lambda: key_id not in self._keys)
        elif self._is_old() and (self._renewing is None or self._renewing.done()):
            # a known key is used at once: a slow issuer must not slow down every request
            self._renewing = asyncio.create_task(self._refresh(self._is_old), name="renew issuer's keys")
        if self._fetched_at is None:
            raise KeysUnavailable(self._url)
        key = self._keys.get(key_id)
        return key if key is not None and key.algorithm_name == algorithm else None

    def _is_old(self) -> bool:
        return self._fetched_at is None or self._monotonic() - self._fetched_at > self._max_age_s

    async def _refresh(self, is_needed: Callable[[], bool]) -> None:
        async with self._fetching:
            if not is_needed():
                return  # fetched for another request while this one waited
            if self._tried_at is not None and self._monotonic() - self._tried_at < self._refresh_floor_s:
                return
            try:
                self._keys = read_keys(await _fetch(self._url))
                self._fetched_at = self._monotonic()
            except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
                _log.warning("keys of the issuer cannot be fetched", url=self._url, error=type(error).__name__)
            finally:
                self._tried_at = self._monotonic()


def read_keys(document: bytes) -> dict[str, jwt.PyJWK]:
    """The usable keys of a JWKS document by `kid`: Ed25519, P-256 and RSA of at least 2048 bits, for signatures.

    Others are left out: a key set may hold keys for other uses. Raises `ValueError` where it is no JWKS at all.
    """
    entries = msgspec.json.decode(document, type=dict[str, Any]).get("keys")
    if not isinstance(entries, list):
        raise ValueError("not a JSON Web Key Set: no list of keys")
    return {entry["kid"]: key for entry in entries if (key := _usable(entry)) is not None}


def _usable(entry: object) -> jwt.PyJWK | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig":
        return None
    algorithm = {"OKP": "EdDSA", "EC": "ES256", "RSA": "RS256"}.get(str(entry.get("kty")))
    named = (algorithm, "Ed25519") if algorithm == "EdDSA" else (algorithm,)
    if algorithm is None or entry.get("alg", algorithm) not in named:
        return None
    try:
        key = jwt.PyJWK(entry, algorithm=algorithm)
    except jwt.PyJWTError:
        return None
    return key if _is_strong(key.key) else None


def _is_strong(key: object) -> bool:
    match key:
        case Ed25519PublicKey():
            return True
        case EllipticCurvePublicKey():
            return isinstance(key.curve, SECP256R1)  # ES256 is this curve only (RFC 7518, 3.4)
        case RSAPublicKey():
            return key.key_size >= _RSA_BITS_MIN
    return False


async def _fetch(url: str) -> bytes:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return await asyncio.to_thread(Path(unquote(parts.path)).read_bytes)
    async with httpx.AsyncClient(timeout=_FETCH_TIMEOUT_S, follow_redirects=False) as client:
        response = await client.get(url, headers={"Accept": "application/jwk-set+json, application/json"})
        response.raise_for_status()
        if len(response.content) > _JWKS_LIMIT_BYTES:
            raise ValueError("the key set is too large")
        return response.content
