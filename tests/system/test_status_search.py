"""Search by officers and auditors over the live projection in a real PostgreSQL."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from contracts.envelope import encode_event, new_salt
from contracts.facts import Actor, Decided, DocumentsVerified, Fact, FeeAssessed, Submitted, Withdrawn
from services.status.answering.views import Presenter
from services.status.clocks.clockwork import Clockwork, clock_rules
from services.status.folding.procedure import procedures_of
from services.status.staff.export_api import export_routes
from services.status.staff.search_api import search_routes
from services.status.statistics.settling import settling
from tests.system.projected import CATALOGUE, Projected, projected
from tests.system.status_process import APPLICANT, BEGAN, OFFICE

pytestmark = pytest.mark.system
NOW = BEGAN + timedelta(days=60)
PROCEDURES = procedures_of(CATALOGUE.services)
SETTLE = settling(Clockwork(clock_rules(CATALOGUE)))
COUNTER = Actor(role="officer", office="lebong", desk="counter")


@pytest.fixture
async def status(fresh_database: str, tmp_path: Path) -> AsyncIterator[Projected]:
    async with projected(fresh_database, tmp_path) as projection:
        yield projection


@pytest.fixture
async def client(status: Projected) -> AsyncIterator[httpx.AsyncClient]:
    given = status.pool, Presenter(CATALOGUE, PROCEDURES), PROCEDURES, SETTLE, lambda: NOW
    async with status.client(search_routes(*given), export_routes(*given)) as client:
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


@pytest.mark.parametrize("sort", ["submitted", "-submitted", "last_event", "-last_event", "due", "-due", "number"])
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
        ("counted=missed", "counted_from"),
        ("counted=missed&counted_from=2026-03-01T00:00:00Z", "counted_to"),
        ("counted_from=2026-03-01T00:00:00Z", "counted"),
        ("counted=all&counted_from=2026-03-01T00:00:00Z&counted_to=2026-04-01T00:00:00Z", "counted"),
        (
            "counted=met&counted_desk=x&counted_from=2026-03-01T00:00:00Z&counted_to=2026-04-01T00:00:00Z",
            "counted_desk",
        ),
        ("waiting_from=2026-03-02T12:00:00", "waiting_from"),
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


async def test_applications_are_found_by_how_long_someone_is_waited_on_and_when_they_ended(
    status: Projected, client: httpx.AsyncClient
) -> None:
    waiting = await told(status, applied(), assessed(), after_h=0)
    gone = await told(status, applied(), Withdrawn(by=APPLICANT), after_h=20)
    found = {
        "waiting_from=2026-03-02T03:00:00Z": [waiting],
        "waiting_to=2026-03-02T03:00:00Z": [],
        "ended_from=2026-03-02T23:00:00Z&ended_to=2026-03-02T23:00:01Z": [gone],
        "ended_to=2026-03-02T23:00:00Z": [],
    }
    assert {query: await numbers(client, query) for query in found} == found


async def test_what_is_behind_a_figure_is_found_and_pages_lead_on_through_what_is_not(
    status: Projected, client: httpx.AsyncClient
) -> None:
    decided = [
        await told(status, applied(), assessed(), Decided(outcome="approved", by=COUNTER), after_h=place)
        for place in range(5)
    ]
    for place in range(5):
        await told(status, applied(), assessed(), after_h=place)
    march = "counted_from=2026-03-01T00:00:00%2B07:00&counted_to=2026-04-01T00:00:00%2B07:00"
    april = march.replace("-04-", "-05-").replace("-03-", "-04-")
    assert sorted(await numbers(client, f"counted=approved&{march}")) == sorted(decided)
    assert await numbers(client, f"counted=approved&{april}") == []
    assert await numbers(client, f"counted=open&{april}&counted_stage=payment") == []
    seen: list[str] = []
    page: str | None = f"/search?counted=approved&{march}&limit=2&sort=number"
    while page:
        answer = await client.get(page)
        seen += [found["number"] for found in answer.json()["applications"]]
        page = answer.links.get("next", {}).get("url")
    assert seen == sorted(decided)


async def test_counts_say_how_many_a_search_finds_and_how_many_are_late(
    status: Projected, client: httpx.AsyncClient
) -> None:
    client.headers.update(status.bearer("supervisor"))
    late, odd, gone = [
        await told(status, applied(), *facts)
        for facts in ([assessed()], [Decided(outcome="approved", by=COUNTER)], [Withdrawn(by=APPLICANT)])
    ]
    for number in (late, gone):
        await status.pool.execute(
            "UPDATE g1_application SET due = $2 WHERE number = $1", number, NOW - timedelta(days=3)
        )
    counted = (await client.get("/search/counts?by=waits_for")).json()
    assert (counted["applications"], counted["overdue"]) == (3, 1)
    assert {part["code"]: (part["applications"], part["overdue"]) for part in counted["counts"]} == {
        "applicant": (1, 1), "office": (1, 0), "nobody": (1, 0),
    }  # fmt: skip
    by_deviation = (await client.get("/search/counts?by=deviation&state=open")).json()["counts"]
    for part in by_deviation:
        assert await numbers(client, f"deviation={part['code']}") == [odd]
    assert by_deviation


async def test_every_age_leads_to_as_many_cases_as_it_says(status: Projected, client: httpx.AsyncClient) -> None:
    client.headers.update(status.bearer("auditor"))
    for days in (0, 1, 7, 30, 53, 58, 59):
        await told(status, applied(), after_h=24 * days)
    await told(status, applied(), after_h=24 * 23)  # thirty-seven days old to the microsecond: still the older span
    ages = (await client.get("/search/counts?by=age&state=open")).json()["counts"]
    assert sum(age["applications"] for age in ages) == 8
    for age in ages:
        ends = {name: age[name] for name in ("submitted_from", "submitted_to") if age[name]}
        cases = (await client.get("/search", params={"state": "open"} | ends)).json()["applications"]
        assert len(cases) == age["applications"], age


async def test_an_export_has_what_a_search_finds_while_events_arrive(
    status: Projected, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.status.staff.export_api._PAGE", 7)
    known = [await told(status, applied(), assessed(), after_h=place) for place in range(40)]
    others = [await told(status, applied("itas"), after_h=place) for place in range(5)]
    writing = [*known[::3]]

    async def go_on_meanwhile() -> None:
        for place, number in enumerate(writing):
            await go_on(status, number, DocumentsVerified(by=COUNTER), after_h=400 + place)
            await told(status, applied("itas"), after_h=900 + place)

    meanwhile = asyncio.create_task(go_on_meanwhile())
    exported: list[str] = []
    async with client.stream("GET", "/export?service=passport_new", headers=status.bearer("auditor")) as answer:
        assert answer.headers["x-total"] == "40"
        assert answer.headers["content-type"] == "application/x-ndjson"
        async for line in answer.aiter_lines():
            exported.append(json.loads(line)["number"])
    await meanwhile
    assert exported == sorted(known)
    assert not set(exported) & set(others)


async def test_an_export_of_events_has_every_event_once_and_csv_has_as_many_rows(
    status: Projected, client: httpx.AsyncClient
) -> None:
    client.headers.update(status.bearer("supervisor"))
    odd = Actor(role="officer", office="lebong", desk="=1+1")
    known = [await told(status, applied(), assessed(), DocumentsVerified(by=odd), after_h=place) for place in range(6)]
    events = [json.loads(line) for line in (await client.get("/export?lines=events")).text.splitlines()]
    assert [(event["number"], event["n"]) for event in events] == [(one, n) for one in sorted(known) for n in (1, 2, 3)]
    assert events[2]["data"]["by"]["desk"] == "=1+1"
    answer = await client.get("/export?lines=events&format=csv")
    assert answer.headers["content-disposition"].endswith('.csv"')
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == 18
    rows = list(csv.DictReader(io.StringIO((await client.get("/export?format=csv")).text)))
    assert {row["desk"] for row in rows} == {"'=1+1"}


async def test_an_export_of_a_figure_says_its_total(status: Projected, client: httpx.AsyncClient) -> None:
    client.headers.update(status.bearer("auditor"))
    await told(status, applied(), assessed(), Decided(outcome="approved", by=COUNTER))
    await told(status, applied(), assessed())
    march = "counted_from=2026-03-01T00:00:00Z&counted_to=2026-04-01T00:00:00Z"
    answer = await client.get(f"/export?counted=approved&{march}")
    assert (answer.headers["x-total"], len(answer.text.splitlines())) == ("1", 1)


async def test_exports_and_counts_are_for_supervisors_and_auditors(
    status: Projected, client: httpx.AsyncClient
) -> None:
    for path in ("/export", "/search/counts"):
        for role, expected in (("supervisor", 200), ("auditor", 200), ("officer", 403), ("system", 403)):
            assert (await client.get(path, headers=status.bearer(role))).status_code == expected
        assert (await client.get(path, headers={"Authorization": ""})).status_code == 401
    answer = await client.get("/export?servis=itas", headers=status.bearer("auditor"))
    assert answer.json()["errors"][0]["parameter"] == "servis"
