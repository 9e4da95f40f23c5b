"""Applicants as good clients: they apply over HTTP, repeat what was not answered with the same keys, and keep the receipts.

An application counts as acknowledged once intake answered its submission with 201; from then on it must be on a timeline
exactly once, whatever happens. Every answer that a good client should never get is a complaint.
"""

import asyncio
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

PDF = b"%PDF-1.7\n" + b"1 0 obj\n<< /Type /Catalog >>\nendobj\n" * 40 + b"trailer\n<< >>\nstartxref\n0\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(1500) + b"\xff\xd9"
PAPERS = (("application/pdf", PDF), ("image/jpeg", JPEG))
SERVICES = ("passport_new", "passport_replacement", "passport_child")

LATER = frozenset({429, 503})
KEY_IN_USE = 409
TIMEOUT = httpx.Timeout(20.0, connect=2.0)
LONGEST_WAIT_S = 2.0


class GaveUp(Exception):
    """The client's patience ended before it had an answer."""


class Refused(Exception):
    """Intake answered what a good client should never get; the message says what, to which request."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An application that intake has taken, as its receipt says."""

    number: str
    access_code: str
    submitted_at: str


@dataclass
class Ledger:
    """What the applicants know in the end."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    begun: int = 0
    repeated: int = 0
    """Requests that were sent again."""
    given_up: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def numbers(self) -> list[str]:
        """The tracking numbers that were acknowledged."""
        return [one.number for one in self.acknowledged]


class Load:
    """Applications at a steady rate, whether or not earlier ones are through; at most `at_once` at the same time.

    `patience_s` is how long one request is repeated. What is chosen (service, papers, keys) follows from `seed`.
    """

    def __init__(
        self,
        intake_url: str,
        *,
        seed: int,
        rate_per_s: float,
        count: int | None = None,
        at_once: int = 24,
        patience_s: float = 120.0,
    ) -> None:
        self.ledger = Ledger()
        self._url = intake_url
        self._seed = seed
        self._interval_s = 1 / rate_per_s
        self._count = count
        self._room = asyncio.Semaphore(at_once)
        self._patience_s = patience_s
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Begin no more applications; those begun are still brought to their end."""
        self._ended.set()

    async def run(self) -> None:
        """Return when all applications are through (or `end` was called and those begun are)."""
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
        async with (
            httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT, limits=limits) as http,
            asyncio.TaskGroup() as group,
        ):
            while not self._ended.is_set() and self.ledger.begun != self._count:
                await self._room.acquire()
                group.create_task(self._apply(http, self.ledger.begun))
                self.ledger.begun += 1
                await self._pause()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._ended.wait(), self._interval_s)
        except TimeoutError:
            return

    async def _apply(self, http: httpx.AsyncClient, index: int) -> None:
        chance = random.Random(f"{self._seed}/{index}")
        applicant = Applicant(http, self.ledger, chance, self._patience_s)
        try:
            receipt = await applicant.apply(f"pemohon-{index}@example.org")
        except GaveUp:
            self.ledger.given_up += 1
            return
        except Refused as refusal:
            self.ledger.complaints.append(str(refusal))
            return
        finally:
            self._room.release()
        self.ledger.acknowledged.append(receipt)


class Applicant:
    """One application, from draft to receipt."""

    def __init__(self, http: httpx.AsyncClient, ledger: Ledger, chance: random.Random, patience_s: float) -> None:
        self._http = http
        self._ledger = ledger
        self._chance = chance
        self._patience_s = patience_s

    async def apply(self, email: str) -> Acknowledged:
        """Raises `GaveUp` or `Refused`."""
        service = self._chance.choice(SERVICES)
        draft = {"service": service, "applicant": {"name": "Pemohon Contoh", "email": email}}
        opened = await self._post("/drafts", self._key(), json=draft)
        number, code = opened["number"], opened["access_code"]
        path, auth = f"/drafts/{number}", (number, code)
        for requirement in (await self._ask("GET", path, 200, auth=auth))["missing"]:
            media_type, content = self._chance.choice(PAPERS)
            kind = {"Content-Type": media_type}
            place = f"{path}/documents/{requirement}"
            await self._ask("PUT", place, 200, auth=auth, content=content, headers=kind)
        key = self._key()
        receipt = await self._post(f"{path}/submit", key, auth=auth)
        if self._chance.random() < 0.3:
            again = key if self._chance.random() < 0.7 else self._key()
            if await self._post(f"{path}/submit", again, auth=auth) != receipt:
                raise Refused(f"{number}: the submission repeated gave another receipt")
        if receipt["number"] != number:
            raise Refused(f"{number}: the receipt is for {receipt['number']}")
        return Acknowledged(number, code, receipt["submitted_at"])

    def _key(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    async def _post(self, path: str, key: str, **more: Any) -> Any:
        return await self._ask("POST", path, 201, headers={"Idempotency-Key": key}, **more)

    async def _ask(self, method: str, path: str, expected: int, **more: Any) -> Any:
        """The answer, repeated with the same bytes and key while intake is away or asks to come again."""
        until = time.monotonic() + self._patience_s
        wait_s = 0.1
        while True:
            try:
                response = await self._http.request(method, path, **more)
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code == expected:
                return response.json()
            if response is not None and not self._may_repeat(response):
                raise Refused(f"{method} {path} was answered {response.status_code}: {response.text[:300]}")
            if time.monotonic() > until:
                raise GaveUp(f"{method} {path}")
            asked_s = float(response.headers.get("Retry-After", 0)) if response is not None else 0.0
            await asyncio.sleep(min(max(wait_s, asked_s), LONGEST_WAIT_S))
            wait_s *= 2
            self._ledger.repeated += 1

    @staticmethod
    def _may_repeat(response: httpx.Response) -> bool:
        if response.status_code in LATER:
            return True
        return response.status_code == KEY_IN_USE and "Retry-After" in response.headers
