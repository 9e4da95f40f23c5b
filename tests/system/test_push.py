"""Web Push from a real notify to a push service of our own: signed, encrypted, once, and forgotten when it should be."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from contracts import catalogue
from contracts.facts import NotificationFailed, NotificationSent, PersonalDataErased, Reason
from tests.system.push_service import BrowserInTest, PushService, new_vapid_key
from tests.system.test_notify import (
    ADDRESS,
    APPROVED,
    NAME,
    OFFICER,
    SUBMITTED,
    VERIFIED,
    Stage,
    new_number,
    notify,
    process,
    stage,  # noqa: F401
    until,
)

pytestmark = pytest.mark.system
SERVICE = catalogue.load().services["passport_new"].labels


class Pushing:
    """A stage with a push service."""

    def __init__(self, stage: Stage, service: PushService, key: str) -> None:  # noqa: F811
        self.stage = stage
        self.service = service
        self.settings: dict[str, object] = {
            "vapid_private_key": key,
            "vapid_subject": "mailto:kontak@example.org",
            "push_loopback": "true",
            "push_timeout_s": 1,
        }

    @asynccontextmanager
    async def notify(self, **more: object) -> AsyncIterator[None]:
        async with notify(self.stage, **{**self.settings, **more}):
            yield

    async def post(self, path: str, body: dict[str, Any], role: str = "system") -> httpx.Response:
        assert self.stage.app is not None
        transport = httpx.ASGITransport(app=self.stage.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as client:
            headers = {"Authorization": f"Bearer {self.stage.issuer.token(role)}"}
            return await client.post(f"/subscriptions{path}", json=body, headers=headers)

    async def subscribed(
        self, number: str, language: str = "id", browser: BrowserInTest | None = None
    ) -> BrowserInTest:
        browser = browser or BrowserInTest(self.service)
        answer = await self.post("", {"number": number, "language": language, **browser.subscription()})
        assert answer.status_code == 204, answer.text
        return browser

    async def pushes(self, number: str) -> list[tuple[str, str, str | None]]:
        rows = await self.stage.reader.fetch(
            "SELECT template, state, reason FROM notify.deliveries WHERE number = $1 AND channel = 'push' ORDER BY sequence",
            number,
        )
        return [tuple(row) for row in rows]

    async def pushed(self, number: str, *expected: tuple[str, str, str | None]) -> None:
        async def are() -> bool:
            return await self.pushes(number) == list(expected)

        await until(are, lambda: self.pushes(number))

    async def outcomes(self, number: str, pushes: int) -> list[NotificationSent | NotificationFailed]:
        """The outcomes of pushes on the timeline, the mails' left out; there is one mail an event, sent at once."""
        wanted = pushes
        while True:
            found = [one for one in await self.stage.outcomes(number, wanted) if one.channel == "push"]
            if len(found) >= pushes:
                return found
            wanted += 1


@pytest.fixture
async def pushing(stage: Stage) -> AsyncIterator[Pushing]:  # noqa: F811
    key, public = new_vapid_key()
    service = PushService(public)
    await service.open()
    yield Pushing(stage, service, key)
    await service.close()


async def test_a_browser_hears_in_its_language_what_the_page_of_the_number_says_and_nothing_else(
    pushing: Pushing,
) -> None:
    number = new_number()
    async with pushing.notify():
        english = await pushing.subscribed(number, "en")
        indonesian = await pushing.subscribed(number)
        await pushing.stage.happens(number, SUBMITTED)
        await pushing.pushed(number, ("submitted", "sent", None), ("submitted", "sent", None))
        facts = await pushing.outcomes(number, 2)
    assert english.messages == [
        {
            "number": number,
            "title": SERVICE.en,
            "text": "We have received your application",
            "language": "en",
            "path": f"/en/lacak/{number}",
        }
    ]
    (message,) = indonesian.messages
    assert (message["text"], message["path"]) == ("Permohonan Anda sudah kami terima", f"/lacak/{number}")
    for said in (*english.messages, message):
        assert ADDRESS not in json.dumps(said)
        assert NAME not in json.dumps(said)
    (headers,) = english.headers
    assert (headers["content-encoding"], headers["ttl"]) == ("aes128gcm", "259200")
    assert number not in headers["topic"]
    assert {(fact.channel, fact.attempt) for fact in facts} == {("push", 1)}
    assert all(isinstance(fact, NotificationSent) for fact in facts)
    assert {fact.language for fact in facts if isinstance(fact, NotificationSent)} == {"id", "en"}


async def test_a_browser_that_is_gone_is_forgotten_for_all_its_applications(pushing: Pushing) -> None:
    number, other = new_number(), new_number()
    async with pushing.notify():
        browser = await pushing.subscribed(number)
        await pushing.subscribed(other, browser=browser)
        pushing.service.answers.append(410)
        await pushing.stage.happens(number, SUBMITTED)
        await pushing.pushed(number, ("submitted", "failed", "push_subscription_gone"))
        await pushing.stage.happens(number, VERIFIED)
        await pushing.stage.happens(other, SUBMITTED)
        await pushing.stage.settled(other, ("submitted", "sent", None))
        (failed,) = await pushing.outcomes(number, 1)
        assert await pushing.stage.reader.fetchval("SELECT count(*) FROM notify.subscriptions") == 0
    assert isinstance(failed, NotificationFailed)
    assert (failed.final, failed.reason.code) == (True, "push_subscription_gone")
    assert pushing.service.asked == 1


async def test_a_push_service_in_trouble_is_tried_again_and_mails_do_not_wait_for_it(pushing: Pushing) -> None:
    number = new_number()
    pushing.service.answers.extend([503, 429])
    async with pushing.notify():
        browser = await pushing.subscribed(number)
        await pushing.stage.happens(number, SUBMITTED, VERIFIED)
        await pushing.pushed(number, ("submitted", "sent", None), ("documents_verified", "sent", None))
        first, second, third, _ = await pushing.outcomes(number, 4)
    assert [one["text"] for one in browser.messages] == ["Permohonan Anda sudah kami terima", "Dokumen Anda lengkap"]
    assert isinstance(first, NotificationFailed)
    assert (first.reason.code, first.final) == ("push_service_busy", False)
    assert isinstance(second, NotificationFailed)
    assert isinstance(third, NotificationSent)
    assert (third.attempt, third.repeated) == (3, False)
    assert len(pushing.stage.post.received) == 2


async def test_a_push_service_that_is_away_is_tried_again_until_it_is_back(pushing: Pushing) -> None:
    number = new_number()
    async with pushing.notify():
        browser = await pushing.subscribed(number)
        await pushing.service.close()
        await pushing.stage.happens(number, SUBMITTED)
        await pushing.pushed(number, ("submitted", "waiting", "push_service_unavailable"))
        await pushing.service.open()
        await pushing.pushed(number, ("submitted", "sent", None))
    assert len(browser.messages) == 1


async def test_a_message_whose_answer_was_lost_is_sent_once_more_and_never_a_third_time(pushing: Pushing) -> None:
    number = new_number()
    pushing.service.answers.extend([None, None, None])
    async with pushing.notify():
        browser = await pushing.subscribed(number)
        await pushing.stage.happens(number, SUBMITTED)
        await pushing.pushed(number, ("submitted", "failed", "push_outcome_unknown"))
    assert len(browser.messages) == 2


async def test_killed_while_a_push_is_on_its_way_there_is_at_most_one_repeat(pushing: Pushing) -> None:
    number = new_number()
    async with pushing.notify():
        browser = await pushing.subscribed(number)
    async with process(pushing.stage, **pushing.settings) as victim:

        async def kill() -> None:
            pushing.service.before_answer = None
            victim.kill()
            await victim.wait()

        pushing.service.before_answer = kill
        await pushing.stage.happens(number, SUBMITTED)
        await victim.wait()
    assert len(browser.messages) == 1
    async with pushing.notify():
        await pushing.pushed(number, ("submitted", "sent", None))
        lost, sent = await pushing.outcomes(number, 2)
    assert len(browser.messages) == 2
    assert isinstance(lost, NotificationFailed)
    assert lost.reason.code == "push_outcome_unknown"
    assert isinstance(sent, NotificationSent)
    assert sent.repeated


async def test_who_unsubscribed_hears_nothing_more_of_that_application_only(pushing: Pushing) -> None:
    number, other = new_number(), new_number()
    async with pushing.notify():
        browser = await pushing.subscribed(number)
        await pushing.subscribed(other, browser=browser)
        endpoint = browser.subscription()["endpoint"]
        assert set((await pushing.post("/heard", {"endpoint": endpoint})).json()["numbers"]) == {number, other}
        for _ in range(2):
            assert (await pushing.post("/remove", {"endpoint": endpoint, "number": number})).status_code == 204
        assert (await pushing.post("/heard", {"endpoint": endpoint, "number": number})).json() == {"numbers": []}
        await pushing.stage.happens(number, SUBMITTED)
        await pushing.stage.happens(other, SUBMITTED)
        await pushing.pushed(other, ("submitted", "sent", None))
        assert await pushing.pushes(number) == []
    assert [one["number"] for one in browser.messages] == [other]


async def test_erasure_removes_the_subscriptions_and_what_still_waits(pushing: Pushing) -> None:
    number = new_number()
    erasure = PersonalDataErased(reason=Reason(code="erasure_requested"), legal_basis="UU 27/2022", by=OFFICER)
    async with pushing.notify(first_delay_s=60):
        await pushing.subscribed(number)
        pushing.service.answers.append(503)
        await pushing.stage.happens(number, SUBMITTED)
        await pushing.pushed(number, ("submitted", "waiting", "push_service_busy"))
        await pushing.stage.happens(number, erasure, APPROVED)
        await pushing.pushed(number, ("submitted", "skipped", "erased"))
        assert await pushing.stage.reader.fetchval("SELECT count(*) FROM notify.subscriptions") == 0
    assert pushing.service.asked == 1


async def test_a_sixth_browser_takes_the_place_of_the_first(pushing: Pushing) -> None:
    number = new_number()
    async with pushing.notify():
        browsers = [await pushing.subscribed(number) for _ in range(6)]
        await pushing.subscribed(number, browser=browsers[5])
        await pushing.stage.happens(number, SUBMITTED)
        await pushing.pushed(number, *[("submitted", "sent", None)] * 5)
    assert [len(browser.messages) for browser in browsers] == [0, 1, 1, 1, 1, 1]


async def test_no_table_of_notify_shows_where_a_browser_can_be_reached(pushing: Pushing) -> None:
    number = new_number()
    async with pushing.notify():
        browser = await pushing.subscribed(number)
        await pushing.stage.happens(number, SUBMITTED)
        await pushing.pushed(number, ("submitted", "sent", None))
    wanted = browser.subscription()
    reader = pushing.stage.reader
    for (table,) in await reader.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'notify'"):
        dump = str(await reader.fetch(f"SELECT t::text FROM notify.{table} t"))
        for secret in (browser.path, wanted["keys"]["p256dh"], wanted["keys"]["auth"]):
            assert secret not in dump
            assert secret.encode().hex() not in dump


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example/push", "http://fcm.googleapis.com/x", "https://fcm.googleapis.com.evil.example/x",
        "https://fcm.googleapis.com:8443/x", "https://user@fcm.googleapis.com/x", "https://fcm.googleapis.com\\@evil.example/",
        "https://127.0.0.1/x", "http://127.0.0.1:8000/x", "http://169.254.169.254/latest", "file:///etc/passwd", "nothing",
        "https://notify.windows.com/x", "https://push.apple.com/x",
    ],
)  # fmt: skip
async def test_only_push_services_that_are_known_are_written_to(pushing: Pushing, endpoint: str) -> None:
    body = {"number": new_number(), **BrowserInTest(pushing.service).subscription(), "endpoint": endpoint}
    async with pushing.notify(push_loopback="false"):
        answer = await pushing.post("", body)
        for host in ("fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"):
            assert (await pushing.post("", body | {"endpoint": f"https://{host}/x"})).status_code == 204
    assert answer.status_code == 422
    assert "surel" in answer.json()["words"]["id"]


async def test_keys_that_are_none_other_roles_and_a_notify_without_push_are_refused(pushing: Pushing) -> None:
    body = {"number": new_number(), **BrowserInTest(pushing.service).subscription()}
    async with pushing.notify():
        for wrong in (
            {"p256dh": "AAAA", "auth": "AAAA"},
            {**body["keys"], "auth": "AAAA"},
            {**body["keys"], "p256dh": "é"},
        ):
            assert (await pushing.post("", body | {"keys": wrong})).status_code == 422
        assert (await pushing.post("", body | {"number": "LBG-1"})).status_code == 422
        for role in ("officer", "operator", "auditor"):
            assert (await pushing.post("", body, role)).status_code == 403
        key = (await pushing.stage.get("/subscriptions/key", role="system")).json()["public_key"]
        assert key == pushing.service.public
    async with pushing.notify(vapid_private_key=""):
        off = await pushing.post("", body)
        assert (off.status_code, off.json()["type"].rpartition("/")[2]) == (404, "push-off")
