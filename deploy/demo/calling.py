"""Calls to the services' HTTP APIs: a bounded number at once, every unexpected answer named."""

import asyncio
import secrets
from collections.abc import Collection
from typing import Any, Final

import httpx
from pydantic import SecretStr

from deploy.demo.place import DemoFailed
from runtime.client import open_client

AT_ONCE: Final = 24
"""So many calls are under way at the same time."""
_TIMEOUT: Final = httpx.Timeout(30.0)


class Gate:
    """Lets `at_once` calls through at the same time, over all services, and counts them."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = asyncio.Semaphore(at_once)
        self.calls = 0

    async def __aenter__(self) -> None:
        await self._places.acquire()
        self.calls += 1

    async def __aexit__(self, *_: object) -> None:
        self._places.release()


class Caller:
    """One service, called by somebody (`token`) or by applicants with credentials of their own."""

    def __init__(self, name: str, url: str, gate: Gate, token: str | None = None) -> None:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        transport = _Gated(httpx.AsyncHTTPTransport(limits=limits), gate)
        secret = SecretStr(token) if token else None
        self._name = name
        self._client = open_client(url, token=secret, timeout=_TIMEOUT, transport=transport)

    async def __aenter__(self) -> "Caller":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, path: str, *, also: Collection[int] = (), **more: Any) -> httpx.Response:
        """The answer to a GET. Raises `DemoFailed` unless it is a success or a status in `also`."""
        return await self._expect("GET", path, also, more)

    async def put(self, path: str, **more: Any) -> httpx.Response:
        """The answer to a PUT. Raises `DemoFailed` unless it is a success."""
        return await self._expect("PUT", path, (), more)

    async def post(self, path: str, *, also: Collection[int] = (), **more: Any) -> httpx.Response:
        """The answer to a POST, which is sent with a key of its own so that it may be repeated."""
        more["headers"] = {"Idempotency-Key": secrets.token_urlsafe(16), **more.get("headers", {})}
        return await self._expect("POST", path, also, more)

    async def _expect(self, method: str, path: str, also: Collection[int], more: dict[str, Any]) -> httpx.Response:
        try:
            response = await self._client.request(method, path, **more)
        except httpx.TransportError as error:
            raise DemoFailed(f"{self._name} does not answer: {method} {path}: {type(error).__name__}") from error
        if response.is_success or response.status_code in also:
            return response
        raise DemoFailed(f"{self._name} answers {response.status_code} to {method} {path}: {_said(response)}")


class _Gated(httpx.AsyncBaseTransport):
    """A transport behind the gate."""

    def __init__(self, inner: httpx.AsyncBaseTransport, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with self._gate:
            return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _said(response: httpx.Response) -> str:
    """The problem that an answer tells, in one line."""
    try:
        problem = response.json()
    except ValueError:
        return "(no problem details)"
    return f"{problem.get('title', '')}: {problem.get('detail', '')}".replace("\n", " ")[:400]
