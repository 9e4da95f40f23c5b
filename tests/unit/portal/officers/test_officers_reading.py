"""What an officer's page of a case asks of the other services, and as whom."""

from types import SimpleNamespace
from typing import Any

import httpx
from pydantic import SecretStr

from services.portal.officers.reading import read_file
from services.portal.session import Staff
from services.portal.upstream import Upstream

OFFICER = Staff(subject="o", name="O", roles=["officer"], access_token="officer-token", expires_at=0)
VISIT: Any = SimpleNamespace(address="203.0.113.7", language="id", staff=OFFICER)
CASE = {"number": "LBG-0041-0G20-G508-M0G9-Q", "office": "lebong"}


async def test_everything_is_asked_as_the_officer_so_that_nothing_counts_as_shown_to_the_applicant() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = CASE if request.url.path == f"/cases/{CASE['number']}" else {"entries": [], "needs": []}
        return httpx.Response(200, json=body)

    def service(name: str) -> Upstream:
        transport = httpx.MockTransport(answer)
        return Upstream(name, f"http://{name}/", SecretStr("portal-token"), timeout_s=1, transport=transport)

    portal: Any = SimpleNamespace(**{name: service(name) for name in ("intake", "processing", "status")})
    file = await read_file(portal, VISIT, CASE["number"])
    assert file.timeline == []
    assert {request.url.host for request in asked} == {"intake", "processing", "status"}
    assert {request.headers.get("Authorization") for request in asked} == {"Bearer officer-token"}
