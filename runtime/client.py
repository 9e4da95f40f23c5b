"""Calls from one service to another: time limits, repetition where that is safe, trace and token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

import httpx
from pydantic import SecretStr

from runtime.pauses import backoff, retry_after_s
from runtime.trace import begin_trace, current_trace

TIMEOUT = httpx.Timeout(10.0, connect=2.0)
ATTEMPTS = 4
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
LATER = frozenset({429, 503})


def open_client(
    base_url: str,
    *,
    token: SecretStr | None = None,
    timeout: httpx.Timeout = TIMEOUT,
    attempts: int = ATTEMPTS,
    again_on: Collection[int] = LATER,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client for the service at `base_url`, to be closed by the caller (`async with`).

    A call is repeated when no connection could be made, and, where repetition is safe (idempotent method or
    `Idempotency-Key`), when the connection broke or the answer is one of `again_on`: 429 and 503, unless told. `Retry-After` is honoured up to five
    seconds; otherwise pauses double from 50 ms. Redirects are not followed: they would carry the token elsewhere.
    """
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers,
        timeout=timeout,
        follow_redirects=False,
        transport=RepeatingTransport(transport or httpx.AsyncHTTPTransport(), attempts=attempts, again_on=again_on),
        event_hooks={"request": [_trace]},
    )


async def _trace(request: httpx.Request) -> None:
    here = current_trace()
    request.headers["traceparent"] = (here.child() if here else begin_trace()).traceparent


class RepeatingTransport(httpx.AsyncBaseTransport):
    """Sends a request again as long as that is safe and may help, `attempts` times in all."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        attempts: int = ATTEMPTS,
        again_on: Collection[int] = LATER,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._inner = inner
        self._attempts = attempts
        self._again_on = again_on
        self._sleep = sleep

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`; the last answer or error is the caller's."""
        replayable = isinstance(request.stream, httpx.ByteStream)
        safe = replayable and (request.method in _SAFE or "Idempotency-Key" in request.headers)
        delays = backoff()
        for _ in range(self._attempts - 1):
            try:
                response = await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if not replayable:
                    raise
                await self._sleep(next(delays))
                continue
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                if not safe:
                    raise
                await self._sleep(next(delays))
                continue
            if not safe or response.status_code not in self._again_on:
                return response
            await response.aclose()
            await self._sleep(retry_after_s(response.headers.get("Retry-After"), otherwise_s=next(delays)))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()
