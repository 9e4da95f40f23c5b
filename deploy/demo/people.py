"""Who acts in the demonstration: applicants, officers and the treasury, each over HTTP with what they would have."""

import asyncio
import json
import secrets
import string
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from standardwebhooks import Webhook

from contracts.facts import FeePaid
from deploy.demo.calling import Caller
from deploy.demo.ledger import Ledger
from deploy.demo.place import DemoFailed
from deploy.local.keys import TREASURY_SOURCE

PATIENCE_S: Final = 20.0
"""How long an officer waits for something that must arrive over the event log."""
_STALE: Final = 412
_ATTEMPTS: Final = 6
_RECEIPT_SYMBOLS: Final = string.ascii_uppercase + string.digits

Case = dict[str, Any]
"""A case as processing shows it (`services/processing/shapes.py`)."""


def document(content: str) -> bytes:
    """An artificial PDF, another one each time, that nobody could take for somebody's paper."""
    return f"%PDF-1.4\n% {content}, demonstration {secrets.token_hex(8)}\n{'%' * 900}\ntrailer<</Root 1 0 R>>\n%%EOF\n".encode()


class Applicant:
    """A person with an application: a tracking number and the access code that goes with it."""

    def __init__(self, intake: Caller, ledger: Ledger, number: str, code: str) -> None:
        self._intake = intake
        self._ledger = ledger
        self.number = number
        self._credentials = (number, code)

    @classmethod
    async def open_draft(
        cls, intake: Caller, ledger: Ledger, draft: dict[str, Any], desk: Caller | None = None
    ) -> "Applicant":
        """Begin an application; `draft` as `POST /drafts` takes it, or, where an officer does it at the `desk`, `POST /desk/drafts`."""
        asked = desk.post("/desk/drafts", json=draft) if desk else intake.post("/drafts", json=draft)
        opened = (await asked).json()
        return cls(intake, ledger, opened["number"], opened["access_code"])

    async def attach(self, requirement: str) -> None:
        """Upload the document for one requirement of the draft."""
        path = f"/drafts/{self.number}/documents/{requirement}"
        await self._intake.put(path, **self._upload(requirement))

    async def submit(self) -> None:
        """Hand the application in."""
        await self._intake.post(f"/drafts/{self.number}/submit", auth=self._credentials)
        self._ledger.acknowledge(self.number, "submitted")

    async def supply(self, requirement: str) -> None:
        """Upload a document that the office asked for, once the application's own page shows the request."""

        async def is_asked() -> bool:
            page = await self._intake.get(f"/drafts/{self.number}", auth=self._credentials)
            return requirement in page.json()["requested"]

        await until(is_asked, f"intake shows that {requirement} is asked for (application {self.number})")
        path = f"/applications/{self.number}/documents/{requirement}"
        await self._intake.post(path, **self._upload(requirement))
        self._ledger.acknowledge(self.number, "document_supplied")

    async def withdraw(self, reason: str) -> None:
        """Give the application up."""
        path = f"/applications/{self.number}/withdraw"
        await self._intake.post(path, auth=self._credentials, json={"reason": reason})
        self._ledger.acknowledge(self.number, "withdrawn")

    def _upload(self, requirement: str) -> dict[str, Any]:
        headers = {"Content-Type": "application/pdf"}
        return {"content": document(requirement), "headers": headers, "auth": self._credentials}


class Officer:
    """Somebody who works on cases; `processing` is called with their token."""

    def __init__(self, processing: Caller, ledger: Ledger) -> None:
        self._processing = processing
        self._ledger = ledger

    async def case(self, number: str, ready: Callable[[Case], bool], what: str) -> Case:
        """The case, once `ready` holds of it. Raises `DemoFailed`, saying `what` did not come."""
        found: Case = {}

        async def look() -> bool:
            answer = await self._processing.get(f"/cases/{number}", also={404})
            found.update(answer.json() if answer.is_success else {})
            return answer.is_success and ready(found)

        await until(look, f"{what} (case {number})")
        return found

    async def command(self, case: Case, name: str, fact: str, body: dict[str, Any] | None = None) -> Case:
        """Command something on the version of the case that was read; a version that went stale is read again."""
        number = case["number"]
        for _ in range(_ATTEMPTS):
            headers = {"If-Match": f'"{case["version"]}"'}
            answer = await self._processing.post(
                f"/cases/{number}/{name}", json=body or {}, headers=headers, also={_STALE}
            )
            if answer.status_code != _STALE:
                self._ledger.acknowledge(number, fact)
                changed: Case = answer.json()
                return changed
            case = (await self._processing.get(f"/cases/{number}")).json()
        raise DemoFailed(f"case {number} changed under {name} {_ATTEMPTS} times in a row")


class Treasury:
    """The state's treasury: reports payments as signed CloudEvents that name a billing code and no application."""

    def __init__(self, intake: Caller, ledger: Ledger, secret: str) -> None:
        self._intake = intake
        self._ledger = ledger
        self._signer = Webhook(secret)
        self.held = 0
        """How many reports came before intake knew the billing code; it admits them by itself once it does."""

    async def report(self, number: str, billing_code: str, amount: int, paid_at: datetime) -> None:
        """Report a payment made at `paid_at`. `number` is for the ledger only: the treasury does not know it."""
        body = _payment(billing_code, amount, paid_at)
        at, message = datetime.now(UTC), f"msg_{secrets.token_hex(8)}"
        headers = {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": message,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(message, at, body),
        }
        answer = (await self._intake.post("/events", content=body.encode(), headers=headers)).json()
        if answer["refused"]:
            raise DemoFailed(f"intake did not take in a payment for {number}: {answer}")
        self.held += answer["held"]
        self._ledger.acknowledge(number, "fee_paid")


def _payment(billing_code: str, amount: int, paid_at: datetime) -> str:
    receipt = "".join(secrets.choice(_RECEIPT_SYMBOLS) for _ in range(16))
    event = {
        "specversion": "1.0",
        "id": secrets.token_hex(12),
        "source": TREASURY_SOURCE,
        "type": FeePaid.TYPE,
        "time": paid_at.isoformat(),
        "datacontenttype": "application/json",
        "data": {"billing_code": billing_code, "amount": amount, "receipt": receipt, "by": {"role": "treasury"}},
    }
    return json.dumps(event)


async def until(holds: Callable[[], Awaitable[bool]], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return once `holds` does. Raises `DemoFailed` with `what` when patience ends."""
    ends, pause_s = time.monotonic() + patience_s, 0.02
    while not await holds():
        if time.monotonic() > ends:
            raise DemoFailed(f"waited {patience_s:.0f} s in vain until {what}")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.6, 0.5)
