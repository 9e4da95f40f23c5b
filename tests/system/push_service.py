"""A push service and a browser that subscribed at it, for tests: RFC 8030 over HTTP on loopback."""

import asyncio
import base64
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def new_vapid_key() -> tuple[str, str]:
    """A private key as the setting has it, and its public point."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64url(key.private_numbers().private_value.to_bytes(32)), base64url(point)


class BrowserInTest:
    """What a browser that subscribed has: an endpoint, and keys to read what arrives there."""

    def __init__(self, service: "PushService") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = secrets.token_bytes(16)
        self.path = f"/push/{secrets.token_hex(8)}"
        self.service = service
        service.browsers[self.path] = self
        self.messages: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    def subscription(self) -> dict[str, Any]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": f"{self.service.url}{self.path}",
            "keys": {"p256dh": base64url(point), "auth": base64url(self.auth)},
        }

    def read(self, body: bytes) -> dict[str, Any]:
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return dict(json.loads(plain))


class PushService:
    """Takes messages for browsers. `answers` are given in turn, then 201; None: it hangs up without one.

    A message whose VAPID token is not of `public`, for this service and in time is answered with 403.
    """

    def __init__(self, public: str) -> None:
        self.public = public
        self.browsers: dict[str, BrowserInTest] = {}
        self.answers: deque[int | None] = deque()
        self.before_answer: Callable[[], Awaitable[None]] | None = None
        self.asked = 0
        self.url = ""
        self._port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.lower(): value
            for name, value in (line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked += 1
        status = await self._handle(head.split()[1], headers, body)
        if status is not None:
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    async def _handle(self, path: str, headers: dict[str, str], body: bytes) -> int | None:
        answer = self.answers.popleft() if self.answers else 201
        if not self._is_signed(headers.get("authorization", "")):
            return 403
        if (browser := self.browsers.get(path)) is None:
            return 404
        if answer is None or answer == 201:
            browser.messages.append(browser.read(body))
            browser.headers.append(headers)
        if self.before_answer is not None:
            await self.before_answer()
        return answer

    def _is_signed(self, authorization: str) -> bool:
        scheme, _, rest = authorization.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme.lower() != "vapid" or parts.get("k") != self.public:
            return False
        point = base64.urlsafe_b64decode(self.public + "=" * (-len(self.public) % 4))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(
            parts["t"], key, algorithms=["ES256"], audience=self.url, options={"require": ["exp", "sub"]}
        )
        return str(claims["sub"]).startswith("mailto:")
