"""The look-up in front of the framework answers as the framework's own routes do: the same bytes, the same headers."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar

from runtime.settings import Settings
from runtime.web import create_app
from services.status.answering.answers import Answers
from services.status.answering.bodies import Bodies
from services.status.answering.hot import in_front
from services.status.answering.limits import RateLimit
from services.status.answering.reads import Reads
from services.status.answering.streams import Streams
from services.status.answering.views import Presenter
from services.status.api import Public
from services.status.folding.fold import encode_progress
from tests.unit.status.story import CATALOGUE, NUMBER, PROCEDURES, Story, submitted
from tests.unit.status.test_reads import Database

Shown = list[tuple[str, int]]
Said = tuple[int, list[tuple[bytes, bytes]], bytes]


async def is_staff(authorization: str) -> bool:
    return authorization == "Bearer staff"


class Twins:
    """Two applications with the same parts, one of which has the hot routes in front."""

    def __init__(self, story: Story, *, lookups_per_s: float = 0.0) -> None:
        self.database = Database()
        self.now = datetime(2026, 3, 2, tzinfo=UTC)
        self.shown: Shown = []
        self.set_row(story)
        self.hot, self.framework = (self._app(is_hot, lookups_per_s) for is_hot in (True, False))

    def set_row(self, story: Story, due: datetime | None = None) -> None:
        progress = story.progress
        self.database.rows = {NUMBER: (progress.n, "2-a", due, encode_progress(progress))}

    def _app(self, is_hot: bool, lookups_per_s: float) -> Litestar:
        answers = Answers(
            Reads(self.database),  # type: ignore[arg-type]
            Presenter(CATALOGUE, PROCEDURES),
            Bodies(10_000),
            RateLimit(lookups_per_s, 1),
            version="presented",
            note=lambda number, n: self.shown.append((number, n)),
            is_staff=is_staff,
            now=lambda: self.now,
        )

        async def nothing(number: str, after: int, limit: int) -> list[Any]:
            return []

        streams = Streams("", "status", nothing, limit=1, heartbeat_s=60)
        nobody: Any = None
        public = Public(answers, nobody, nobody, nobody, streams, past=nobody)
        return create_app(
            settings=Settings(kafka="", database=""), title="t", version="1", routes=[public.routes()],
            front=in_front(answers, streams) if is_hot else None,
        )  # fmt: skip

    async def ask(self, path: str, **headers: str) -> Said:
        """What both say, which is the same."""
        hot, framework = [await _ask(app, path, headers) for app in (self.hot, self.framework)]
        assert hot == framework
        return hot


async def _ask(app: Litestar, path: str, headers: dict[str, str], method: str = "GET") -> Said:
    said: list[Any] = []
    asked = False

    async def receive() -> Any:
        nonlocal asked
        if asked:
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path.partition("?")[0], "raw_path": path.partition("?")[0].encode("utf-8", "replace"), "root_path": "",
        "query_string": path.partition("?")[2].encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1"))
            for name, value in ({"host": "status:80"} | headers).items()
        ],
        "state": {},
    }  # fmt: skip
    await app(scope, receive, send)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    start = next(message for message in said if message["type"] == "http.response.start")
    fixed = sorted((name, value) for name, value in start["headers"] if name != b"traceparent")
    return start["status"], fixed, b"".join(message.get("body", b"") for message in said)


@pytest.fixture
def twins(story: Story) -> Twins:
    return Twins(story.tell(submitted()))


async def test_an_application_is_shown_the_same(twins: Twins) -> None:
    status, headers, body = await twins.ask(f"/applications/{NUMBER}")
    assert status == 200
    assert dict(headers)[b"etag"] == b'"1-2-a-presented"'
    assert NUMBER.encode() in body
    assert await twins.ask(f"/applications/{NUMBER.lower().replace('-', ' ')}") == (status, headers, body)


async def test_a_conditional_look_up_is_answered_the_same_and_reads_no_state(twins: Twins) -> None:
    for condition in ('"1-2-a-presented"', 'W/"1-2-a-presented"', '"x", "1-2-a-presented"', "*"):
        status, headers, body = await twins.ask(f"/applications/{NUMBER}", if_none_match=condition)
        assert (status, body) == (304, b"")
        assert dict(headers)[b"etag"] == b'"1-2-a-presented"'
    for condition in ('"0-2-a-presented"', '"1-1-a-presented"', '"1-2-a-else"', "nonsense", ""):
        assert (await twins.ask(f"/applications/{NUMBER}", if_none_match=condition))[0] == 200


async def test_what_is_shown_changes_its_tag_when_the_deadline_passes(twins: Twins, story: Story) -> None:
    twins.set_row(story, due=twins.now + timedelta(seconds=1))
    before = await twins.ask(f"/applications/{NUMBER}")
    twins.now += timedelta(seconds=1)
    after = await twins.ask(f"/applications/{NUMBER}", if_none_match=dict(before[1])[b"etag"].decode())
    assert after[0] == 200
    assert dict(after[1])[b"etag"] != dict(before[1])[b"etag"]
    assert (await twins.ask(f"/applications/{NUMBER}", if_none_match=dict(after[1])[b"etag"].decode()))[0] == 304


async def test_a_new_event_is_shown_at_once(twins: Twins, story: Story) -> None:
    before = await twins.ask(f"/applications/{NUMBER}")
    twins.set_row(story.tell(submitted()))
    after = await twins.ask(f"/applications/{NUMBER}", if_none_match=dict(before[1])[b"etag"].decode())
    assert after[0] == 200
    assert after[2] != before[2]


@pytest.mark.parametrize(
    "text", ["LBG-0000-0000-0000-0000-0", "LBG-0000-0000-0000-0000-1", "nonsense", "\x00", "é", "x" * 300]
)
@pytest.mark.parametrize("more", ["", "/events"])
async def test_every_number_that_nobody_has_is_refused_the_same_and_is_asked_for(
    twins: Twins, text: str, more: str
) -> None:
    status, _headers, body = await twins.ask(f"/applications/{text}{more}")
    assert status == 404
    assert b"unknown-number" in body
    assert len(twins.database.asked) == 2
    assert twins.shown == []


@pytest.mark.parametrize(
    "path",
    [
        "/applications",
        "/applications/",
        f"/applications/{NUMBER}/",
        f"/applications/{NUMBER}/x",
        "/applications/a/b/c",
        f"//applications/{NUMBER}",
    ],
)
async def test_what_is_no_hot_route_is_left_to_the_framework(twins: Twins, path: str) -> None:
    await twins.ask(path)


@pytest.mark.parametrize(
    ("host", "status"), [("jejak.example", 200), ("[::1]:8080", 200), ("a_b", 200), ("a b", 400), ("ä", 400)]
)
async def test_a_host_is_taken_or_refused_the_same(twins: Twins, host: str, status: int) -> None:
    assert (await twins.ask(f"/applications/{NUMBER}", host=host))[0] == status


async def test_a_database_that_is_away_is_told_the_same(twins: Twins) -> None:
    twins.database.away = True
    status, headers, _body = await twins.ask(f"/applications/{NUMBER}")
    assert status == 503
    assert b"retry-after" in dict(headers)


async def test_too_many_look_ups_are_refused_the_same(story: Story) -> None:
    twins = Twins(story.tell(submitted()), lookups_per_s=0.001)
    assert (await twins.ask(f"/applications/{NUMBER}"))[0] == 200
    assert (await twins.ask(f"/applications/{NUMBER}/events"))[0] == 429


async def test_a_stream_begins_the_same(twins: Twins) -> None:
    status, headers, _body = await twins.ask(f"/applications/{NUMBER}/events")
    assert status == 200
    assert dict(headers)[b"content-type"] == b"text/event-stream; charset=utf-8"


async def test_head_has_the_headers_of_get(twins: Twins) -> None:
    for more in ("", "/events"):
        got = await twins.ask(f"/applications/{NUMBER}{more}")
        for app in (twins.hot, twins.framework):
            assert await _ask(app, f"/applications/{NUMBER}{more}", {}, "HEAD") == (got[0], got[1], b"")


async def test_what_staff_are_shown_is_not_noted(twins: Twins) -> None:
    await twins.ask(f"/applications/{NUMBER}", authorization="Bearer staff")
    assert twins.shown == []
    await twins.ask(f"/applications/{NUMBER}")
    await twins.ask(f"/applications/{NUMBER}", if_none_match='"1-2-a-presented"')
    assert twins.shown == [(NUMBER, 1)] * 4


@pytest.mark.parametrize("authorization", ["Bearer forged", "Basic eDp5", "", "\xff"])
async def test_what_proves_nothing_is_answered_and_noted_as_the_applicants(twins: Twins, authorization: str) -> None:
    assert (await twins.ask(f"/applications/{NUMBER}", authorization=authorization))[0] == 200
    assert twins.shown == [(NUMBER, 1)] * 2
