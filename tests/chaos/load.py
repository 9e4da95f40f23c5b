"""Applicants, officers and the treasury at work, over HTTP.

An application counts as acknowledged once intake answered its submission with 201; from then on it must be on a timeline
exactly once, whatever happens. The same holds for what officers and the treasury were told is done.
"""

import asyncio
import random
import uuid
from contextlib import AsyncExitStack
from typing import Any

import httpx

from deploy.local.remote import RunningSystem
from tests.chaos.officers import Officer
from tests.chaos.patience import TIMEOUT, Acknowledged, GaveUp, Ledger, Patient, Refused

PDF = b"%PDF-1.7\n" + b"1 0 obj\n<< /Type /Catalog >>\nendobj\n" * 40 + b"trailer\n<< >>\nstartxref\n0\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(1500) + b"\xff\xd9"
PAPERS = (("application/pdf", PDF), ("image/jpeg", JPEG))
SERVICES = ("passport_new", "passport_replacement", "passport_child")
CONNECTIONS = httpx.Limits(max_connections=64, max_keepalive_connections=32)


class Load:
    """Applications at a steady rate, whether or not earlier ones are through; at most `at_once` at the same time.

    A share of them, `worked_on`, is verified, assessed and paid. What is chosen (service, papers, keys) follows from `seed`.
    """

    def __init__(
        self,
        system: RunningSystem,
        *,
        seed: int,
        rate_per_s: float,
        count: int | None = None,
        worked_on: float = 0.0,
        at_once: int = 24,
        patience_s: float = 120.0,
    ) -> None:
        self.ledger = Ledger()
        self._system = system
        self._seed = seed
        self._interval_s = 1 / rate_per_s
        self._count = count
        self._worked_on = worked_on
        self._room = asyncio.Semaphore(at_once)
        self._patience_s = patience_s
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Begin no more applications; those begun are still brought to their end."""
        self._ended.set()

    async def run(self) -> None:
        """Return when all applications are through (or `end` was called and those begun are)."""
        urls = self._system.urls
        async with AsyncExitStack() as open_clients:
            intake, processing = [
                await open_clients.enter_async_context(
                    httpx.AsyncClient(base_url=urls[name], timeout=TIMEOUT, limits=CONNECTIONS)
                )
                for name in ("intake", "processing")
            ]
            async with asyncio.TaskGroup() as group:
                while not self._ended.is_set() and self.ledger.begun != self._count:
                    await self._room.acquire()
                    group.create_task(self._story(intake, processing, self.ledger.begun))
                    self.ledger.begun += 1
                    await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._interval_s):
                await self._ended.wait()
        except TimeoutError:
            return

    async def _story(self, intake: httpx.AsyncClient, processing: httpx.AsyncClient, index: int) -> None:
        """One application from draft to receipt, perhaps to payment."""
        chance = random.Random(f"{self._seed}/{index}")
        ask_intake = Patient(intake, self.ledger, self._patience_s)
        ask_processing = Patient(processing, self.ledger, self._patience_s)
        try:
            receipt = await Applicant(ask_intake, chance).apply(f"pemohon-{index}@example.org")
            self.ledger.acknowledged.append(receipt)
            if chance.random() < self._worked_on:
                token = self._system.tokens["officer"]
                secret = self._system.environment["JEJAK_PUBLISHER_SECRET_TREASURY"]
                officer = Officer(ask_processing, ask_intake, self.ledger, chance, token=token, secret=secret)
                await officer.work(receipt.number)
        except GaveUp:
            self.ledger.given_up += 1
        except Refused as refusal:
            self.ledger.complaints.append(str(refusal))
        finally:
            self._room.release()


class Applicant:
    """One application, from draft to receipt."""

    def __init__(self, intake: Patient, chance: random.Random) -> None:
        self._intake = intake
        self._chance = chance

    async def apply(self, email: str) -> Acknowledged:
        """Raises `GaveUp` or `Refused`."""
        service = self._chance.choice(SERVICES)
        draft = {"service": service, "applicant": {"name": "Pemohon Contoh", "email": email}}
        opened = await self._post("/drafts", self._key(), json=draft)
        number, code = opened["number"], opened["access_code"]
        path, auth = f"/drafts/{number}", (number, code)
        for requirement in (await self._intake.ask("GET", path, 200, auth=auth)).json()["missing"]:
            media_type, content = self._chance.choice(PAPERS)
            kind = {"Content-Type": media_type}
            await self._intake.ask(
                "PUT", f"{path}/documents/{requirement}", 200, auth=auth, content=content, headers=kind
            )
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
        return (await self._intake.ask("POST", path, 201, headers={"Idempotency-Key": key}, **more)).json()
