"""Brings applications into the states that pages show: as an applicant, an officer and the treasury would, over HTTP."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
from standardwebhooks import Webhook

from contracts.number import RANDOM_BYTES, format_number
from deploy.demo.people import _payment as payment
from deploy.demo.people import document
from deploy.local.remote import RunningSystem

PATIENCE_S = 20.0


class Application(NamedTuple):
    """A tracking number and the access code that goes with it."""

    number: str
    code: str


class People:
    """Everybody who acts."""

    def __init__(self, jejak: RunningSystem) -> None:
        self._jejak = jejak
        self._client = httpx.Client(timeout=20)

    def __enter__(self) -> "People":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def draft(self, service: str = "passport_new", *, email: str | None = None, language: str = "id") -> Application:
        """Open a draft for somebody made up."""
        email = email or f"pemohon-{secrets.token_hex(4)}@example.org"
        body = {"service": service, "applicant": {"name": "Pemohon Percobaan", "email": email, "language": language}}
        opened = self._intake("POST", "/drafts", json=body).json()
        return Application(opened["number"], opened["access_code"])

    def attach(self, one: Application, requirement: str) -> None:
        """Upload something for a requirement of a draft."""
        self._intake(
            "PUT",
            f"/drafts/{one.number}/documents/{requirement}",
            auth=one,
            content=document(requirement),
            headers={"Content-Type": "application/pdf"},
        )

    def submit(self, service: str = "passport_new", *, fees: Sequence[str] = (), **more: Any) -> Application:
        """An application handed in with all that is needed, once the status service shows it and officers have its case.
        `fees`: which of each group the applicant chooses."""
        one = self.draft(service, **more)
        if fees:
            self._intake("PUT", f"/drafts/{one.number}/fees", auth=one, json={"fees": list(fees)})
        for requirement in self._intake("GET", f"/drafts/{one.number}", auth=one).json()["missing"]:
            self.attach(one, requirement)
        self._intake("POST", f"/drafts/{one.number}/submit", auth=one)
        self.wait_fact(one.number, 1)
        self.wait_case(one.number)
        return one

    def wait_case(self, number: str) -> None:
        """Until officers have the case."""
        token = {"Authorization": f"Bearer {self._jejak.tokens['officer']}"}
        ends = time.monotonic() + PATIENCE_S
        while not self._client.get(f"{self._jejak.urls['processing']}/cases/{number}", headers=token).is_success:
            assert time.monotonic() < ends, f"waited in vain for the case {number}"
            time.sleep(0.05)

    def command(self, number: str, name: str, body: dict[str, Any] | None = None, *, role: str = "officer") -> Any:
        """An officer's command on the newest version of the case; the case afterwards."""
        base, token = self._jejak.urls["processing"], {"Authorization": f"Bearer {self._jejak.tokens[role]}"}
        ends = time.monotonic() + PATIENCE_S
        while True:
            found = self._client.get(f"{base}/cases/{number}", headers=token)
            if found.is_success:
                headers = token | {"If-Match": found.headers["ETag"]}
                done = self._client.post(f"{base}/cases/{number}/{name}", json=body or {}, headers=headers)
                if done.status_code not in (409, 412):
                    assert done.is_success, done.text
                    return done.json()
            assert time.monotonic() < ends, found.text
            time.sleep(0.1)

    def case(self, number: str, *, role: str = "officer") -> dict[str, Any]:
        """The case as processing shows it."""
        token = {"Authorization": f"Bearer {self._jejak.tokens[role]}"}
        answer = self._client.get(f"{self._jejak.urls['processing']}/cases/{number}", headers=token)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def pay(self, case: dict[str, Any], *, amount: int | None = None, paid_at: datetime | None = None) -> None:
        """The treasury reports that the latest fee was paid."""
        fee = case["assessments"][-1]
        body = payment(fee["billing_code"], amount or fee["amount"], paid_at or datetime.now(UTC))
        at, message = datetime.now(UTC), f"msg_{secrets.token_hex(8)}"
        signer = Webhook(self._jejak.environment["JEJAK_PUBLISHER_SECRET_TREASURY"])
        headers = {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": message,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signer.sign(message, at, body),
        }
        self._intake("POST", "/events", content=body.encode(), headers=headers)

    def history(self, *facts: tuple[str, datetime, dict[str, Any]]) -> str:
        """An application with this history, as another system reports it; its number, once the status service shows it."""
        number = format_number("LBG", secrets.token_bytes(RANDOM_BYTES))
        batch = [
            {
                "specversion": "1.0", "id": secrets.token_hex(8), "source": "//lebong.imigrasi.go.id/history/tests",
                "subject": number, "type": f"id.jejak.application.{fact}.v1", "time": at.isoformat(), "data": data,
            }
            for fact, at, data in facts
        ]  # fmt: skip
        headers = {
            "Content-Type": "application/cloudevents-batch+json",
            "Authorization": f"Bearer {self._jejak.tokens['system']}",
        }
        answer = self._intake("POST", "/events", content=json.dumps(batch).encode(), headers=headers).json()
        assert not answer["refused"], answer
        self.wait_fact(number, len(batch))
        return number

    def status(self, number: str) -> dict[str, Any]:
        """What the status service says."""
        answer = self._client.get(f"{self._jejak.urls['status']}/applications/{number}")
        return answer.json() if answer.is_success else {}

    def wait_fact(self, number: str, events: int) -> dict[str, Any]:
        """The status, once it shows at least so many events."""
        return self.wait(number, lambda status: status.get("events", 0) >= events)

    def wait(self, number: str, ready: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The status, once `ready` holds of it."""
        ends = time.monotonic() + PATIENCE_S
        while not ready(found := self.status(number)):
            assert time.monotonic() < ends, f"waited in vain for {number}: {found}"
            time.sleep(0.05)
        return found

    def _intake(self, method: str, path: str, *, auth: Application | None = None, **more: Any) -> httpx.Response:
        basic = httpx.BasicAuth(*auth) if auth else None
        headers = {"Idempotency-Key": secrets.token_urlsafe(16)} if method == "POST" else {}
        headers |= more.pop("headers", {})
        answer = self._client.request(
            method, self._jejak.urls["intake"] + path, auth=basic, headers=headers, **more
        )  # fmt: skip
        assert answer.is_success, answer.text
        return answer
