"""A good client: what is not answered is asked again, with the same bytes and key, until patience ends."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

LATER = frozenset({429, 503})
BUSY = 409
"""With `Retry-After`: the first request of this key still runs, or others were faster each time."""
TIMEOUT = httpx.Timeout(20.0, connect=2.0)
LONGEST_WAIT_S = 2.0


class GaveUp(Exception):
    """The client's patience ended before it had an answer."""


class Refused(Exception):
    """An answer that a good client should never get; the message says what, to which request."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An application that intake has taken, as its receipt says."""

    number: str
    access_code: str
    submitted_at: str


@dataclass
class Ledger:
    """What applicants, officers and treasury know in the end."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    done: dict[str, list[str]] = field(default_factory=dict)
    """By number: the facts that officers and treasury were told are so. Each must be on the timeline, once."""
    begun: int = 0
    repeated: int = 0
    """Requests that were sent again."""
    given_up: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def numbers(self) -> list[str]:
        """The tracking numbers that were acknowledged."""
        return [one.number for one in self.acknowledged]


class Patient:
    """Asks one service. `patience_s` is how long one request is repeated."""

    def __init__(self, http: httpx.AsyncClient, ledger: Ledger, patience_s: float) -> None:
        self._http = http
        self._ledger = ledger
        self._patience_s = patience_s

    async def ask(
        self, method: str, path: str, *expected: int, again: frozenset[int] = frozenset(), **more: Any
    ) -> httpx.Response:
        """An answer with one of the `expected` statuses; those in `again` mean to ask once more, like 503.

        Raises `GaveUp` or `Refused`.
        """
        until = time.monotonic() + self._patience_s
        wait_s = 0.1
        while True:
            try:
                response = await self._http.request(method, path, **more)
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code in expected:
                return response
            if response is not None and response.status_code not in again and not _is_later(response):
                raise Refused(f"{method} {path} was answered {response.status_code}: {response.text[:300]}")
            if time.monotonic() > until:
                raise GaveUp(f"{method} {path}")
            asked_s = float(response.headers.get("Retry-After", 0)) if response is not None else 0.0
            await asyncio.sleep(min(max(wait_s, asked_s), LONGEST_WAIT_S))
            wait_s *= 2
            self._ledger.repeated += 1


def _is_later(response: httpx.Response) -> bool:
    if response.status_code in LATER:
        return True
    return response.status_code == BUSY and "Retry-After" in response.headers
