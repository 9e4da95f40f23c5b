"""Place and fee of an application over the live projection in a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Request

from contracts.envelope import encode_event, new_salt
from contracts.facts import Actor, Examined, Fact, FeeAssessed, FeeLine, FeePaid, Submitted
from services.status.answering.answers import unknown_number
from services.status.answering.entries import Entries
from services.status.answering.lookups import Head, Lookups
from services.status.answering.timelines import Timelines
from services.status.answering.views import Presenter
from services.status.fee.api import fee_routes
from services.status.folding.procedure import procedures_of
from services.status.place.api import place_routes
from services.status.place.places import SELECT_GROUP, Places
from tests.system.projected import CATALOGUE, Projected, projected
from tests.system.status_process import APPLICANT, BEGAN, OFFICE, OFFICER

pytestmark = pytest.mark.system
NOW = BEGAN + timedelta(days=2)
BILL = "820260302000001"


@pytest.fixture
async def status(fresh_database: str, tmp_path: Path) -> AsyncIterator[Projected]:
    async with projected(fresh_database, tmp_path) as projection:
        yield projection


@pytest.fixture
async def client(status: Projected) -> AsyncIterator[httpx.AsyncClient]:
    presenter, lookups = Presenter(CATALOGUE, procedures_of(CATALOGUE.services)), Lookups(status.pool)

    async def find(_: Request[Any, Any, Any], number: str) -> Head:
        if (head := await lookups.head(number)) is None:
            raise unknown_number()
        return head

    timelines = Timelines(lookups, Entries(presenter))
    routes = [
        place_routes(Places(status.pool, fresh_s=0), presenter, find, now=lambda: NOW),
        fee_routes(timelines, presenter, find, version="words", now=lambda: NOW),
    ]
    async with status.client(*routes) as client:
        yield client


async def told(status: Projected, *facts: Fact, after_h: float = 0) -> str:
    """An application with facts an hour apart; its number."""
    number = status.new_number()
    events = [
        encode_event(
            fact,
            id=f"{number}/{place}",
            source=f"{OFFICE}/processing",
            subject=number,
            time=BEGAN + timedelta(hours=after_h + place),
            salt=new_salt(bytes(32)),
        )
        for place, fact in enumerate(facts)
    ]
    await status.take_in(number, *events)
    return number


def applied() -> Submitted:
    return Submitted(service="passport_new", office="lebong", channel="internet", by=APPLICANT)


def assessed() -> FeeAssessed:
    lines = [FeeLine(fee="book_electronic_10y", amount=650_000, legal_basis="PP 45/2024")]
    expires = BEGAN + timedelta(days=9)
    return FeeAssessed(billing_code=BILL, amount=650_000, expires_at=expires, by=OFFICER, lines=lines)


def paid() -> FeePaid:
    return FeePaid(billing_code=BILL, amount=650_000, by=Actor(role="treasury"))


def examined() -> Examined:
    return Examined(examinations=["interview", "biometrics"], by=OFFICER)


async def place(client: httpx.AsyncClient, number: str) -> Any:
    answer = await client.get(f"/applications/{number}/place")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_those_that_wait_at_the_same_stage_are_placed_by_deadline(
    status: Projected, client: httpx.AsyncClient
) -> None:
    later = await told(status, applied(), assessed(), paid(), examined(), after_h=30)
    first = await told(status, applied(), assessed(), paid(), examined())
    await told(status, applied(), assessed())  # waits for its applicant
    await told(status, applied())  # waits elsewhere
    assert [
        (one["state"], one["ahead"], one["waiting"]) for one in [await place(client, n) for n in (first, later)]
    ] == [
        ("placed", 0, 2),
        ("placed", 1, 2),
    ]


async def test_who_waits_for_the_applicant_has_no_place(status: Projected, client: httpx.AsyncClient) -> None:
    found = await place(client, await told(status, applied(), assessed()))
    assert (found["state"], found["ahead"], found["stage"]) == ("not_waiting", None, None)


async def test_an_unknown_number_has_neither_place_nor_fee(client: httpx.AsyncClient) -> None:
    for what in ("place", "fee"):
        assert (await client.get(f"/applications/LBG-0000/{what}")).status_code == 404


async def test_the_group_is_read_by_its_index(status: Projected) -> None:
    await told(status, applied())
    async with status.pool.acquire() as connection:
        await connection.execute("SET enable_seqscan = off")
        plan = await connection.fetch(f"EXPLAIN {SELECT_GROUP}", "passport_new", "lebong", "application", 10)
    text = "\n".join(row[0] for row in plan)
    assert "Index Only Scan" in text
    assert "Sort  (" not in text


async def test_the_fee_is_told_with_its_lines_and_revalidated(status: Projected, client: httpx.AsyncClient) -> None:
    number = await told(status, applied(), assessed())
    answer = await client.get(f"/applications/{number}/fee")
    fee = answer.json()
    assert (fee["state"], fee["billing_code"], fee["amount"]) == ("due", BILL, 650_000)
    assert [line["legal_basis"] for line in fee["lines"]] == ["PP 45/2024"]
    again = await client.get(f"/applications/{number}/fee", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
