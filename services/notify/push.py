"""Web Push: RFC 8030 (the request), RFC 8291 (the encryption, by pywebpush), RFC 8292 (VAPID, by py-vapid).

Only endpoints of push services that the settings name are written to: an endpoint comes from a browser, that is, from a
stranger, and must not make notify call whatever address they like.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.notify.domain import Accepted, Failure, NotAccepted, Result, Unknown
from services.notify.subscriptions import Browser

SERVICES: Final = "fcm.googleapis.com,*.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com"
KEPT_FOR_S: Final = 3 * 24 * 3600
"""How long a push service keeps a message for a browser that is off (RFC 8030, 5.2)."""
_ENDPOINT_LIMIT: Final = 1000
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class BadBrowser(ValueError):
    """No endpoint of a push service that is allowed, or no keys of a browser. The message says which."""


class VapidKeyError(ValueError):
    """The VAPID key setting cannot be used; the message never holds the key."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Whom may be written to: host names, `*.` for everything below one. `loopback`: also http on this machine, for tests."""

    hosts: Sequence[str]
    loopback: bool = False

    @classmethod
    def parse(cls, setting: str, *, loopback: bool) -> "Allowed":
        """Of host names separated by commas."""
        return cls([host.strip().lower() for host in setting.split(",") if host.strip()], loopback)

    def check(self, endpoint: str) -> None:
        """Raises `BadBrowser`."""
        try:
            parts = urlsplit(endpoint)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise BadBrowser("the endpoint is no address") from None
        plain = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint and "\\" not in endpoint
        if not plain or len(endpoint) > _ENDPOINT_LIMIT or parts.username or parts.password or parts.fragment:
            raise BadBrowser("the endpoint is no address of a push service")
        if self.loopback and host in _LOOPBACK:
            return
        if parts.scheme != "https" or port not in (None, 443) or not any(_fits(host, one) for one in self.hosts):
            raise BadBrowser("the endpoint is of no push service that we know")


def _fits(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) and len(host) > len(allowed) - 1 if allowed.startswith("*.") else host == allowed


def check_browser(browser: Browser, allowed: Allowed) -> None:
    """Raises `BadBrowser`: for an endpoint that may not be written to, or keys that are none."""
    allowed.check(browser.endpoint)
    try:
        point, secret = _bytes(browser.p256dh), _bytes(browser.auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise BadBrowser("p256dh is no public key on P-256") from None
    if len(point) != 65 or len(secret) != 16:
        raise BadBrowser("p256dh is 65 bytes and auth 16, in base64url")


@dataclass(frozen=True, slots=True)
class VapidKey:
    """The key that tells push services who we are."""

    private: ec.EllipticCurvePrivateKey = field(repr=False)
    subject: str

    @classmethod
    def parse(cls, setting: str, subject: str) -> "VapidKey":
        """Of 32 bytes in base64url, the number of a private key on P-256. Raises `VapidKeyError`."""
        try:
            number = _bytes(setting)
            if len(number) != 32:
                raise ValueError
            return cls(ec.derive_private_key(int.from_bytes(number), ec.SECP256R1()), subject)
        except ValueError:
            raise VapidKeyError("JEJAK_VAPID_PRIVATE_KEY is not 32 bytes in base64url") from None

    @property
    def public(self) -> str:
        """As browsers want it (`applicationServerKey`): the point, uncompressed, in base64url."""
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    @property
    def secret(self) -> bytes:
        """The private number: only to derive keys from."""
        return self.private.private_numbers().private_value.to_bytes(32)


class Pusher:
    """Hands messages to push services; safe to use from many tasks. `client` follows no redirects."""

    def __init__(self, client: httpx.AsyncClient, key: VapidKey, allowed: Allowed) -> None:
        self._client = client
        self._key = key
        self._allowed = allowed

    async def send(
        self, browser: Browser, payload: bytes, *, topic: str, begin: Callable[[], Awaitable[None]]
    ) -> Result:
        """Hand `payload` over, encrypted for `browser` only. `begin` is awaited before anything is sent; when it raises, nothing
        was, and its error is raised.
        """
        try:
            check_browser(browser, self._allowed)
        except BadBrowser:
            return NotAccepted(Failure.PUSH_REFUSED, permanent=True)
        body, signed = await asyncio.to_thread(self._encrypted, browser, payload)
        headers = {
            **signed,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_FOR_S),
            "Urgency": "normal",
            "Topic": topic,
        }
        await begin()
        try:
            async with self._client.stream("POST", browser.endpoint, content=body, headers=headers) as answer:
                return outcome_of(answer.status_code)
        except _NEVER_SENT:
            return NotAccepted(Failure.PUSH_UNAVAILABLE, permanent=False)
        except httpx.HTTPError:
            return Unknown()

    def _encrypted(self, browser: Browser, payload: bytes) -> tuple[bytes, dict[str, str]]:
        # Only now, and in a thread: they bring two HTTP clients along, 10 MiB, and most offices send few pushes or none
        from py_vapid import Vapid02  # type: ignore[import-untyped] # noqa: PLC0415
        from pywebpush import WebPusher  # type: ignore[import-untyped] # noqa: PLC0415

        keys = {"p256dh": browser.p256dh, "auth": browser.auth}
        encoded: Any = WebPusher({"endpoint": browser.endpoint, "keys": keys}).encode(payload)
        parts = urlsplit(browser.endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "sub": self._key.subject}
        return cast(bytes, encoded["body"]), dict(Vapid02(self._key.private).sign(claims))


def outcome_of(status: int) -> Result:
    """What a push service's answer means (RFC 8030, 5 and 7.3; 403 of a service that does not take our key is final)."""
    if 200 <= status < 300:
        return Accepted()
    if status in (404, 410):
        return NotAccepted(Failure.PUSH_GONE, permanent=True)
    if status == 429 or status >= 500:
        return NotAccepted(Failure.PUSH_BUSY, permanent=False)
    return NotAccepted(Failure.PUSH_REFUSED, permanent=True)


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
