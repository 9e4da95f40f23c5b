"""Expected times over a real projection: the model from its rows, the answers, and the running service."""

import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.envelope import encode_event, new_salt
from contracts.facts import (
    Actor,
    Decided,
    DocumentsRequested,
    Examined,
    Fact,
    FeeAssessed,
    FeePaid,
    Issued,
    Reason,
    RequestedDocument,
    Submitted,
    Withdrawn,
)
from deploy.local.database import temporary_database
from services.status.answering.lookups import Head, Lookups
from services.status.answering.views import Presenter
from services.status.expected.api import expected_routes
from services.status.expected.expected import Rules
from services.status.expected.expecting import Drawing, Expectations, Model, draw
from services.status.expected.views import Foreteller
from services.status.folding.procedure import procedures_of
from tests.system.projected import CATALOGUE, Projected, projected
from tests.system.status_process import APPLICANT, BEGAN, OFFICE, OFFICER, Status, status_process, wait_until

pytestmark = pytest.mark.system

PROCEDURES = procedures_of(CATALOGUE.services)
NOW = BEGAN + timedelta(days=120, minutes=7)
BILL = "820260302000001"
FINISHED = 60


def events(number: str, began: datetime, *told: tuple[float, Fact]) -> list[bytes]:
    """The bytes of facts, each so many hours after `began`."""
    return [
        encode_event(
            fact,
            id=f"{number}/{place}",
            source=f"{OFFICE}/processing",
            subject=number,
            time=began + timedelta(hours=after_h),
            salt=new_salt(bytes(32)),
        )
        for place, (after_h, fact) in enumerate(told)
    ]


def applied(service: str = "passport_new") -> Submitted:
    return Submitted(service=service, office="lebong", channel="internet", by=APPLICANT)


def assessed(began: datetime) -> FeeAssessed:
    return FeeAssessed(billing_code=BILL, amount=650_000, expires_at=began + timedelta(days=900), by=OFFICER)


def finished(number: str, began: datetime, days: int) -> list[bytes]:
    """Paid after a day of the applicant's; ready so many days of the office's later."""
    return events(
        number, began,
        (0, applied()),
        (0, assessed(began)),
        (24, FeePaid(billing_code=BILL, amount=650_000, by=Actor(role="treasury"))),
        (24 + 12 * days, Examined(examinations=["interview"], by=OFFICER)),
        (24 + 24 * days - 1, Decided(outcome="approved", by=OFFICER)),
        (24 + 24 * days, Issued(product="passport", by=OFFICER)),
    )  # fmt: skip


@dataclass
class Office:
    """A projection with finished passports, the answers over it, and the model."""

    status: Projected
    expectations: Expectations
    client: httpx.AsyncClient
    now: datetime = NOW

    async def tell(self, began: datetime, *told: tuple[float, Fact]) -> str:
        number = self.status.new_number()
        await self.status.take_in(number, *events(number, began, *told))
        return number

    async def draw(self, at: datetime = NOW, **options: Any) -> Model:
        async def at_once() -> None:
            pass

        drawing = Drawing(**options)
        self.expectations.model = await draw(self.status.pool, PROCEDURES, drawing, at, pause=at_once)
        return self.expectations.model

    async def expected(self, number: str) -> Any:
        answer = await self.client.get(f"/applications/{number}/expected")
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def office(fresh_database: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with projected(fresh_database, tmp_path) as status:
        for place in range(FINISHED):
            number = status.new_number()
            await status.take_in(number, *finished(number, BEGAN + timedelta(days=place), 3 + place % 10))
        expectations = Expectations(status.pool, PROCEDURES, Drawing(), 900)
        office = Office(status, expectations, httpx.AsyncClient())
        presenter, lookups = Presenter(CATALOGUE, PROCEDURES), Lookups(status.pool)
        routes = expected_routes(
            expectations, Foreteller(presenter, PROCEDURES, Drawing()), _find(lookups), version="v",
            now=lambda: office.now,
        )  # fmt: skip
        async with status.client(*routes) as office.client:
            yield office


def _find(lookups: Lookups) -> Any:
    async def find(request: Any, text: str) -> Head:
        head = await lookups.head(text)
        assert head is not None
        return head

    return find


async def test_until_the_model_is_drawn_for_the_first_time_the_caller_is_asked_to_come_back(office: Office) -> None:
    answer = await office.client.get("/expected")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_the_table_shows_ranges_by_service_and_stage_with_the_applications_behind_them(office: Office) -> None:
    await office.draw()
    answer = await office.client.get("/expected")
    table = answer.json()
    (passport,) = table["services"]
    assert (passport["service"]["code"], passport["state"]) == ("passport_new", "range")
    assert (passport["finished"], passport["open"], passport["unresolved"]) == (FINISHED, 0, 0.0)
    assert (passport["most"]["from_s"], passport["most"]["to_s"]) == (3 * 86_400, 11 * 86_400)
    stages = {stage["stage"]["code"]: stage for stage in passport["stages"]}
    assert stages["examination"]["most"]["to_s"] == 11 * 43_200
    assert stages["verification"]["state"] == "too_few"  # nobody was seen there
    assert passport["tests"]["at_submission"]["predictions"] >= 20
    assert passport["tests"]["at_submission"]["within_80"] >= 0.7
    assert answer.headers["cache-control"] == "public, max-age=60"
    again = await office.client.get("/expected", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_an_application_is_told_what_remains_in_both_languages(office: Office) -> None:
    began = NOW - timedelta(days=4)
    number = await office.tell(
        began, (0, applied()), (0, assessed(began)),
        (24, FeePaid(billing_code=BILL, amount=650_000, by=Actor(role="treasury"))),
    )  # fmt: skip
    await office.draw()
    shown = await office.expected(number)
    assert (shown["state"], shown["stands"], shown["like"]) == ("range", False, "stage")
    assert shown["waited_s"] == 3 * 86_400  # four days, of which one was the applicant's
    assert shown["most"]["from_s"] < shown["half"]["from_s"] < shown["half"]["to_s"] < shown["most"]["to_s"]
    assert datetime.fromisoformat(shown["most"]["to_at"]) - NOW == timedelta(seconds=shown["most"]["to_s"])
    assert str(shown["finished"]) in shown["text"]["id"]
    assert "delapan dari sepuluh" in shown["text"]["id"]
    assert "eight of ten" in shown["text"]["en"]


async def test_while_the_applicant_is_waited_on_no_day_is_named(office: Office) -> None:
    began = NOW - timedelta(days=40)
    number = await office.tell(began, (0, applied()), (1, assessed(began)))
    await office.draw()
    shown = await office.expected(number)
    assert (shown["state"], shown["stands"], shown["waited_s"]) == ("range", True, 3_600)
    assert "from_at" not in shown["most"] or shown["most"]["from_at"] is None
    assert "Once you have done what we asked for" in shown["text"]["en"]


async def test_whoever_waits_longer_than_nearly_all_is_told_so(office: Office) -> None:
    number = await office.tell(NOW - timedelta(days=30), (0, applied()))
    await office.draw()
    shown = await office.expected(number)
    assert (shown["state"], shown["most"]) == ("longer_than_most", None)
    assert "100 of 100" in shown["text"]["en"]


async def test_a_service_with_few_finished_applications_says_so(office: Office) -> None:
    number = await office.tell(NOW - timedelta(days=2), (0, applied("itas")))
    await office.draw()
    shown = await office.expected(number)
    assert (shown["state"], shown["most"], shown["finished"]) == ("too_few", None, None)


async def test_what_has_ended_has_nothing_to_expect(office: Office) -> None:
    number = await office.tell(NOW - timedelta(days=2), (0, applied()), (1, Withdrawn(by=APPLICANT)))
    await office.draw()
    assert (await office.expected(number))["state"] == "ended"


async def test_an_answer_is_kept_by_its_tag_until_something_happens_or_a_minute_passes(office: Office) -> None:
    began = NOW - timedelta(days=1)
    number = await office.tell(began, (0, applied()))
    await office.draw()
    path = f"/applications/{number}/expected"
    tag = (await office.client.get(path)).headers["etag"]
    office.now = NOW + timedelta(seconds=59)
    assert (await office.client.get(path, headers={"If-None-Match": tag})).status_code == 304
    office.now = NOW + timedelta(seconds=60)
    assert (await office.client.get(path, headers={"If-None-Match": tag})).status_code == 200
    office.now = NOW
    asked = DocumentsRequested(
        documents=[RequestedDocument(requirement="family_card", reason=Reason(code="unreadable"))], by=OFFICER
    )
    await office.status.take_in(number, events(number, began, (0, applied()), (2, asked))[1])
    answer = await office.client.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["stands"]) == (200, True)


async def test_the_same_rows_give_the_same_model(office: Office) -> None:
    await office.tell(NOW - timedelta(days=3), (0, applied()))
    assert await office.draw() == await office.draw()


async def test_of_a_service_with_very_many_applications_a_part_is_read_and_tells_the_same(office: Office) -> None:
    whole = (await office.draw(rules=Rules(200, 10))).services["passport_new"]
    part = (await office.draw(rules=Rules(200, 10), most=30)).services["passport_new"]
    assert len(whole.sample.cases) == FINISHED
    assert 10 <= len(part.sample.cases) <= 50
    assert {watched.case for watched in part.sample.cases} < {watched.case for watched in whole.sample.cases}


async def test_applications_of_long_ago_do_not_count(office: Office) -> None:
    model = await office.draw(NOW, history=timedelta(days=90))
    assert 0 < len(model.services["passport_new"].sample.cases) < FINISHED


@pytest.fixture(scope="module")
def service(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Status]:
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path_factory.mktemp("expected"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-expected-{secrets.token_hex(5)}",
        ) as status,
    ):
        status.start(JEJAK_EXPECTED_EVERY_S="1", JEJAK_LOOKUPS_PER_S="1", JEJAK_LOOKUPS_BURST="40")
        yield status


def test_the_running_service_and_the_command_show_the_same_table(service: Status) -> None:
    began = datetime.now(UTC) - timedelta(days=200)
    for place in range(40):
        number = service.new_number()
        service.publish([(number, event) for event in finished(number, began + timedelta(days=place), 3 + place % 10)])
    service.wait_for_all()

    def table() -> Any:
        return httpx.get(f"{service.url}/expected").json()

    wait_until(lambda: [one["finished"] for one in table().get("services", [])] == [40], "the model is drawn")
    (passport,) = table()["services"]
    assert (passport["most"]["from_s"], passport["most"]["to_s"]) == (3 * 86_400, 11 * 86_400)
    shown = httpx.get(f"{service.url}/applications/{number}").json()
    assert httpx.get(f"{service.url}{shown['links']['expected']}").json()["state"] == "ended"
    printed = subprocess.run(
        [sys.executable, "-m", "deploy.local.cli", "expected", "--backtest", "--language", "en"],
        env=service.environment | {"COLUMNS": "160"}, capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert "3 days – 11 days" in printed
    assert "passport_new 0" in printed


def test_the_command_says_in_one_line_what_is_wrong(service: Status) -> None:
    for options, code, words in (
        (["--service", "none"], 2, "there is no service none"),
        (["--language", "nl"], 2, "id or en"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local.cli", "expected", *options],
            env=service.environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr.count("\n")) == (code, 1)
        assert words in done.stderr


def test_unknown_numbers_look_as_they_do_elsewhere_and_look_ups_are_limited(service: Status) -> None:
    with service.client() as client:
        answers = [
            client.get(f"/applications/{text}{path}")
            for text in (service.new_number(), "nonsense")
            for path in ("/expected", "/timeline")
        ]
        bodies = [{key: value for key, value in answer.json().items() if key != "instance"} for answer in answers]
        assert [answer.status_code for answer in answers] == [404] * 4
        assert all(body == bodies[0] for body in bodies)
        asked = [client.get("/applications/nonsense/expected") for _ in range(45)]
    assert {answer.status_code for answer in asked} == {404, 429}
    assert "retry-after" in asked[-1].headers
