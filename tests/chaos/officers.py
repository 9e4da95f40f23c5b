"""Officers who work on what came in, and the treasury that reports payments; they repeat like good clients too."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from standardwebhooks import Webhook

from deploy.local.keys import TREASURY_SOURCE
from tests.chaos.patience import Ledger, Patient, Refused

NOT_YET = frozenset({404})
"""The case opens when the submission has come through the log."""
CHANGED = 412
FEE = "book_non_electronic_5y"
STRUCTURED = "application/cloudevents+json"


class Officer:
    """Verifies documents and assesses the fee of one application; its payment is reported afterwards."""

    def __init__(
        self, processing: Patient, intake: Patient, ledger: Ledger, chance: random.Random, *, token: str, secret: str
    ) -> None:
        self._processing = processing
        self._intake = intake
        self._ledger = ledger
        self._chance = chance
        self._officer = {"Authorization": f"Bearer {token}"}
        self._secret = secret

    async def work(self, number: str) -> None:
        """Raises `GaveUp` or `Refused`."""
        await self._command(number, "verify-documents", {}, lambda case: case["verified_at"] is not None)
        self._done(number, "documents_verified")
        case = await self._command(number, "assess-fee", {"fees": [FEE]}, lambda case: bool(case["assessments"]))
        self._done(number, "fee_assessed")
        await self._pay(case["assessments"][-1])
        self._done(number, "fee_paid")

    def _done(self, number: str, fact: str) -> None:
        self._ledger.done.setdefault(number, []).append(fact)

    async def _command(self, number: str, name: str, body: dict[str, Any], is_done: Callable[[Any], bool]) -> Any:
        """The case, once the command is done. 412: an answer was lost, or another was first; what is there decides."""
        path = f"/cases/{number}"
        while True:
            read = await self._processing.ask("GET", path, 200, again=NOT_YET, headers=self._officer)
            if is_done(read.json()):
                return read.json()
            conditions = {"If-Match": read.headers["ETag"], "Idempotency-Key": self._uuid()}
            done = await self._processing.ask(
                "POST", f"{path}/{name}", 200, CHANGED, json=body, headers=self._officer | conditions
            )
            if done.status_code != CHANGED:
                return done.json()

    async def _pay(self, assessment: Any) -> None:
        """Report the payment as the treasury does: it knows the billing code, not the application."""
        at = datetime.now(UTC)
        event = {
            "specversion": "1.0",
            "id": self._uuid(),
            "source": TREASURY_SOURCE,
            "type": "id.jejak.application.fee_paid.v1",
            "time": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}",
            "data": {
                "billing_code": assessment["billing_code"],
                "amount": assessment["amount"],
                "by": {"role": "treasury"},
            },
        }
        body = msgspec.json.encode(event)
        message = f"msg_{event['id']}"
        signed = {
            "webhook-id": message,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(self._secret).sign(message, at, body.decode()),
        }
        answer = await self._intake.ask(
            "POST", "/events", 202, content=body, headers=signed | {"Content-Type": STRUCTURED}
        )
        if answer.json()["refused"]:
            raise Refused(f"POST /events refused a payment: {answer.text[:300]}")

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
