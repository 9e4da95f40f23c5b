from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from litestar.testing import TestClient

from runtime.quarantine import NotInQuarantine, NotReleasable, QuarantinedRecord
from runtime.quarantine_api import quarantine_routes
from runtime.settings import Settings
from runtime.web import create_app

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Bearer = Callable[..., dict[str, str]]


class InMemoryQuarantine:
    """Records 1 to 5, of which the even ones wait behind the one before; notes what was decided."""

    def __init__(self) -> None:
        self.decided: list[tuple[Any, ...]] = []
        self.records = {n: self.record(n) for n in range(1, 6)}

    @staticmethod
    def record(n: int) -> QuarantinedRecord:
        return QuarantinedRecord(
            id=n, consumer="status", topic="applications.v1@g", partition=0, offset=n, key="LBG-1", size_bytes=9,
            state="failed" if n % 2 else "behind", error="MalformedEvent", attempts=3, arrived_at=NOON,
            changed_at=NOON, reason=None,
        )  # fmt: skip

    async def list(self, *, after: int | None, limit: int, state: str | None) -> list[QuarantinedRecord]:
        found = [r for r in self.records.values() if r.id > (after or 0) and state in (None, r.state)]
        return found[:limit]

    async def release(self, id: int, by: str, at: datetime) -> None:
        if id not in self.records:
            raise NotInQuarantine
        if self.records[id].state == "behind":
            raise NotReleasable
        self.decided.append(("release", id, by, at))

    async def discard(self, id: int, reason: str, by: str, at: datetime) -> None:
        if id not in self.records:
            raise NotInQuarantine
        self.decided.append(("discard", id, reason, by, at))


@pytest.fixture
def quarantine() -> InMemoryQuarantine:
    return InMemoryQuarantine()


@pytest.fixture
def client(settings: Settings, quarantine: Any) -> Iterator[TestClient[Any]]:
    routes = [quarantine_routes(quarantine, now=lambda: NOON)]
    with TestClient(create_app(settings=settings, title="t", version="1", routes=routes)) as client:
        yield client


@pytest.mark.parametrize("role", ["officer", "supervisor", "auditor", "system"])
def test_only_operators_may_see_or_decide(client: Any, bearer: Bearer, role: str) -> None:
    assert client.get("/quarantine").status_code == 401
    for method, path in (("GET", "/quarantine"), ("POST", "/quarantine/1/release"), ("POST", "/quarantine/1/discard")):
        assert client.request(method, path, headers=bearer(role)).status_code == 403


def test_records_come_in_pages_in_order_of_arrival(client: Any, bearer: Bearer) -> None:
    seen, path = [], "/quarantine?limit=2"
    while path:
        answer = client.get(path, headers=bearer("operator"))
        seen += [record["id"] for record in answer.json()["records"]]
        path = answer.headers.get("link", "")[1:].partition(">")[0]
    assert seen == [1, 2, 3, 4, 5]


def test_records_are_found_by_state(client: Any, bearer: Bearer) -> None:
    answer = client.get("/quarantine?state=behind", headers=bearer("operator"))
    assert [record["id"] for record in answer.json()["records"]] == [2, 4]
    assert answer.json()["records"][0]["error"] == "MalformedEvent"


@pytest.mark.parametrize("query", ["state=lost", "limit=0", "limit=201", "cursor=x", "limit=many"])
def test_a_wrong_question_is_refused(client: Any, bearer: Bearer, query: str) -> None:
    assert client.get(f"/quarantine?{query}", headers=bearer("operator")).status_code == 400


def test_a_release_is_noted_with_who_and_when(client: Any, bearer: Bearer, quarantine: InMemoryQuarantine) -> None:
    assert client.post("/quarantine/1/release", headers=bearer("operator", sub="op-1")).status_code == 204
    assert quarantine.decided == [("release", 1, "op-1", NOON)]


def test_a_record_behind_another_cannot_be_released_before_it(client: Any, bearer: Bearer) -> None:
    answer = client.post("/quarantine/2/release", headers=bearer("operator"))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "waits-behind")


def test_a_discard_needs_a_reason_code(client: Any, bearer: Bearer, quarantine: InMemoryQuarantine) -> None:
    headers = bearer("operator", sub="op-1")
    for body in ({}, {"reason": ""}, {"reason": "Siti asked for it"}, {"reason": "x", "note": "y"}):
        assert client.post("/quarantine/1/discard", json=body, headers=headers).status_code == 400
    assert quarantine.decided == []
    assert client.post("/quarantine/1/discard", json={"reason": "not_an_event"}, headers=headers).status_code == 204
    assert quarantine.decided == [("discard", 1, "not_an_event", "op-1", NOON)]


@pytest.mark.parametrize("path", ["/quarantine/99/release", "/quarantine/99/discard", "/quarantine/x/release"])
def test_what_is_not_there_is_not_found(client: Any, bearer: Bearer, path: str) -> None:
    assert client.post(path, json={"reason": "x"}, headers=bearer("operator")).status_code == 404


def test_the_document_says_that_operators_are_asked_for(client: Any) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    assert len(operations) == 3
    assert all(operation["security"] == [{"bearer": ["operator"]}] for operation in operations)
