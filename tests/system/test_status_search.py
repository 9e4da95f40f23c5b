"""Search by officers and auditors over the live projection in a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from contracts.envelope import encode_event, new_salt
from contracts.facts import Actor, Decided, DocumentsVerified, Fact, FeeAssessed, Submitted, Withdrawn
from services.status.answering.views import Presenter
from services.status.folding.procedure import procedures_of
from services.status.staff.search_api import search_routes
from tests.system.projected import CATALOGUE, Projected, projected
from tests.system.status_process import APPLICANT, BEGAN, OFFICE

pytestmark = pytest.mark.system
NOW = BEGAN + timedelta(days=60)
COUNTER = Actor(role="officer", office="lebong", desk="counter")


@pytest.fixture
async def status(fresh_database: str, tmp_path: Path) -> AsyncIterator[Projected]:
    async with projected(fresh_database, tmp_path) as projection:
        yield projection


@pytest.fixture
async def client(status: Projected) -> AsyncIterator[httpx.AsyncClient]:
    routes = search_routes(status.pool, Presenter(CATALOGUE, procedures_of(CATALOGUE.services)), now=lambda: NOW)
    async with status.client(routes) as client:
        client.headers.update(status.bearer("officer"))
        yield client


def applied(service: str = "passport_new") -> Submitted:
    return Submitted(service=service, office="lebong", channel="internet", by=APPLICANT)


def assessed() -> FeeAssessed:
    return FeeAssessed(billing_code="820260302000001", amount=650_000, expires_at=BEGAN + timedelta(days=9), by=COUNTER)


async def told(status: Projected, *facts: Fact, after_h: float = 0) -> str:
    """An application with facts an hour apart; its number."""
    number = status.new_number()
    await go_on(status, number, *facts, after_h=after_h)
    return number


async def go_on(status: Projected, number: str, *facts: Fact, after_h: float) -> None:
    await status.take_in(
        number,
        *[
            encode_event(
                fact,
                id=f"{number}/{after_h}/{place}",
                source=f"{OFFICE}/processing",
                subject=number,
                time=BEGAN + timedelta(hours=after_h + place),
                salt=new_salt(bytes(32)),
            )
            for place, fact in enumerate(facts)
        ],
    )


async def numbers(client: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await client.get(f"/search?{query}")
    assert answer.status_code == 200, answer.text
    return [found["number"] for found in answer.json()["applications"]]


async def test_applications_are_found_by_what_they_are_and_where_they_stand(
    status: Projected, client: httpx.AsyncClient
) -> None:
    waiting = await told(status, applied(), assessed(), after_h=0)
    at_office = await told(status, applied("itas"), DocumentsVerified(by=COUNTER), after_h=10)
    gone = await told(status, applied(), Withdrawn(by=APPLICANT), after_h=20)
    found = {
        "": [gone, at_office, waiting],
        "service=itas": [at_office],
        "service=unheard_of": [],
        "waits_for=applicant": [waiting],
        "situation=fee_due": [waiting],
        "stage=billing": [waiting],
        "state=closed": [gone],
        "state=open&office=lebong": [at_office, waiting],
        "desk=counter": [at_office, waiting],
        "submitted_from=2026-03-02T12:00:00Z&submitted_to=2026-03-02T22:00:00Z": [at_office],
        "last_event_from=2026-03-02T20:00:00Z": [gone],
        "sort=last_event": [waiting, at_office, gone],
        "sort=-submitted": [gone, at_office, waiting],
    }
    assert {query: await numbers(client, query) for query in found} == found


async def test_a_row_says_who_is_waited_on_and_what_it_means_in_two_languages(
    status: Projected, client: httpx.AsyncClient
) -> None:
    number = await told(status, applied(), assessed())
    (row,) = (await client.get("/search")).json()["applications"]
    assert row["number"] == number
    assert row["waiting"]["party"] == "applicant"
    assert row["waiting"]["since"] == "2026-03-02T03:00:00Z"
    assert row["situation"] == "fee_due"
    assert row["stage"]["labels"].keys() == row["service"]["labels"].keys() == row["headline"].keys() == {"id", "en"}
    assert (row["desk"], row["submitted_at"], row["last_event_at"]) == (
        "counter", "2026-03-02T02:00:00Z", "2026-03-02T03:00:00Z",
    )  # fmt: skip


async def test_applications_are_found_by_their_deviations(status: Projected, client: httpx.AsyncClient) -> None:
    await told(status, applied(), assessed())
    odd = await told(status, applied(), assessed(), Decided(outcome="approved", by=COUNTER))
    assert await numbers(client, "deviation=any") == [odd]
    assert await numbers(client, "deviation=ahead_of:payment") == [odd]
    assert await numbers(client, "deviation=ahead_of:application") == []
    (row,) = (await client.get("/search?deviation=any")).json()["applications"]
    assert "ahead_of:payment" in {deviation["code"] for deviation in row["deviations"]}


async def test_applications_are_found_by_their_deadline(status: Projected, client: httpx.AsyncClient) -> None:
    late, soon, ended, without = [await told(status, applied(), assessed(), after_h=place) for place in range(4)]
    await go_on(status, ended, Withdrawn(by=APPLICANT), after_h=30)
    for number, days in ((late, -3), (soon, 2), (ended, -5)):
        await status.pool.execute(
            "UPDATE g1_application SET due = $2 WHERE number = $1", number, NOW + timedelta(days=days)
        )
    await status.pool.execute("UPDATE g1_application SET due = NULL WHERE number = $1", without)
    assert await numbers(client, "overdue=true") == [late]
    assert await numbers(client, "sort=due&state=open") == [late, soon, without]
    assert await numbers(client, "sort=-due") == [soon, late, ended, without]
    assert await numbers(client, "due_from=2026-05-01T00:00:00Z&due_to=2026-06-01T00:00:00%2B07:00") == [soon]
    assert [
        (row["number"], row["overdue"]) for row in (await client.get("/search?sort=due")).json()["applications"]
    ] == [(ended, False), (late, True), (soon, False), (without, False)]


@pytest.mark.parametrize("sort", ["submitted", "-submitted", "last_event", "-last_event", "due", "-due"])
async def test_pages_show_every_application_once_while_others_change(
    status: Projected, client: httpx.AsyncClient, sort: str
) -> None:
    known = [await told(status, applied(), assessed(), after_h=place // 3) for place in range(23)]  # equal times too
    for place, number in enumerate(known[::2]):
        await status.pool.execute(
            "UPDATE g1_application SET due = $2 WHERE number = $1", number, NOW + timedelta(days=place // 3)
        )
    seen: list[str] = []
    page: str | None = f"/search?sort={sort}&limit=4&service=passport_new"
    while page:
        answer = await client.get(page)
        shown = [found["number"] for found in answer.json()["applications"]]
        seen += shown
        page = answer.links.get("next", {}).get("url")
        await _write_before_the_place(status, shown[0], sort, len(seen))
    assert sorted(number for number in seen if number in known) == sorted(known)
    assert len(seen) == len(set(seen))


async def _write_before_the_place(status: Projected, shown: str, sort: str, count: int) -> None:
    """A new application, and something new of one that was shown, neither of them after the place in the order."""
    early = sort in ("submitted", "last_event")
    new = await told(status, applied(), after_h=-20 if early else 500)
    if sort.endswith("due"):
        due = NOW + timedelta(days=-90 if sort == "due" else 900)
        await status.pool.execute("UPDATE g1_application SET due = $2 WHERE number = $1", new, due)
    elif sort != "last_event":  # with a later last event it would come once more, at the end
        await go_on(status, shown, DocumentsVerified(by=COUNTER), after_h=400 + count)


async def test_search_is_for_staff(client: httpx.AsyncClient, status: Projected) -> None:
    for role, expected in (("officer", 200), ("supervisor", 200), ("auditor", 200), ("system", 403)):
        assert (await client.get("/search", headers=status.bearer(role))).status_code == expected
    assert (await client.get("/search", headers={"Authorization": ""})).status_code == 401


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("waits_for=someone", "waits_for"),
        ("sort=name", "sort"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("state=half", "state"),
        ("submitted_from=yesterday", "submitted_from"),
        ("submitted_from=2026-03-02T12:00:00", "submitted_from"),
        ("due_from=2026-03-02T12:00:00Z&due_to=2026-03-01T12:00:00Z", "due_to"),
        ("servis=itas", "servis"),
        ("overdue=true&state=closed", "overdue"),
        ("service=", "service"),
        ("desk=%00", "desk"),
        ("deviation=%00", "deviation"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_named(client: httpx.AsyncClient, query: str, parameter: str) -> None:
    answer = await client.get(f"/search?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert parameter in {error["parameter"] for error in answer.json()["errors"]}


async def test_a_cursor_belongs_to_its_order(status: Projected, client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await told(status, applied())
    following = (await client.get("/search?limit=2&sort=submitted")).links["next"]["url"]
    assert (await client.get(following)).status_code == 200
    assert (await client.get(following.replace("sort=submitted", "sort=due"))).status_code == 400
    assert (await client.get("/search?cursor=nonsense")).status_code == 400
