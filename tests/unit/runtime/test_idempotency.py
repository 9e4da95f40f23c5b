import asyncio
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import msgspec
import pytest
from litestar import Request, Response, post
from litestar.params import FromPath, JSONBody, RawBody
from litestar.testing import TestClient

from runtime import problems
from runtime.answers import Claimed, Completed, InMemoryAnswers, OtherRequest, Running
from runtime.auth import requires
from runtime.idempotency import idempotent
from runtime.settings import Settings
from runtime.web import create_app


class Draft(msgspec.Struct):
    service: str


class Receipt(msgspec.Struct):
    number: int


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """What the handlers work with: an answer store, and how often something was really done."""

    def __init__(self, **options: Any) -> None:
        self.answers = InMemoryAnswers(**options)
        self.done = 0
        self.fails_with: list[Exception] = []
        self.seen: list[bytes] = []

    async def open_draft(self) -> Response[Receipt]:
        if self.fails_with:
            raise self.fails_with.pop(0)
        self.done += 1
        return Response(Receipt(self.done), headers={"Location": f"/drafts/{self.done}"})

    def seal(self, answer: bytes) -> bytes:
        self.seen.append(sealed := bytes(byte ^ 0xAA for byte in answer))
        return sealed

    def unseal(self, sealed: bytes) -> bytes:
        return bytes(byte ^ 0xAA for byte in sealed)


@post("/drafts")
async def open_draft(request: Request[Any, Any, Any], data: JSONBody[Draft]) -> Response[Receipt]:
    desk: Desk = request.app.state.desk
    return await idempotent(request, desk.answers, desk.open_draft)


@post("/drafts/{number:str}/submit")
async def submit(request: Request[Any, Any, Any], number: FromPath[str]) -> Response[Receipt]:
    desk: Desk = request.app.state.desk
    return await idempotent(request, desk.answers, desk.open_draft, required=False, caller=number)


@post("/sealed")
async def sealed(request: Request[Any, Any, Any]) -> Response[Receipt]:
    desk: Desk = request.app.state.desk
    return await idempotent(request, desk.answers, desk.open_draft, seal=desk.seal, unseal=desk.unseal)


@post("/uploads")
async def upload(request: Request[Any, Any, Any], body: RawBody) -> Response[Receipt]:
    desk: Desk = request.app.state.desk
    return await idempotent(request, desk.answers, desk.open_draft, fingerprint=b"always the same")


@post("/commands", guards=[requires("officer")])
async def command(request: Request[Any, Any, Any]) -> Response[Receipt]:
    desk: Desk = request.app.state.desk
    return await idempotent(request, desk.answers, desk.open_draft)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def client(settings: Settings, desk: Desk) -> Iterator[TestClient[Any]]:
    routes = [open_draft, submit, sealed, upload, command]
    app = create_app(settings=settings, title="t", version="1", routes=routes, state={"desk": desk})
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def key(value: str = "k-1") -> dict[str, str]:
    return {"Idempotency-Key": value}


BODY = {"service": "passport"}


def test_a_repeated_request_gets_the_first_answer_and_does_nothing(client: Any, desk: Desk) -> None:
    first = client.post("/drafts", json=BODY, headers=key())
    again = client.post("/drafts", json=BODY, headers=key())
    assert desk.done == 1
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, b'{"number":1}')
    assert again.headers["location"] == "/drafts/1"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


def test_another_key_is_another_request(client: Any, desk: Desk) -> None:
    client.post("/drafts", json=BODY, headers=key("a"))
    client.post("/drafts", json=BODY, headers=key("b"))
    assert desk.done == 2


def test_a_key_may_be_a_quoted_string(client: Any, desk: Desk) -> None:
    client.post("/drafts", json=BODY, headers=key('"k-1"'))
    client.post("/drafts", json=BODY, headers=key("k-1"))
    assert desk.done == 1


def test_the_same_key_with_another_body_is_refused(client: Any, desk: Desk) -> None:
    client.post("/drafts", json=BODY, headers=key())
    answer = client.post("/drafts", json={"service": "visa"}, headers=key())
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/idempotency-key-reused")
    assert desk.done == 1


def test_a_missing_key_is_refused_where_one_is_needed(client: Any, desk: Desk) -> None:
    answer = client.post("/drafts", json=BODY)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/idempotency-key-missing")
    assert desk.done == 0


def test_without_a_key_an_optional_route_simply_runs(client: Any, desk: Desk) -> None:
    client.post("/drafts/1/submit")
    client.post("/drafts/1/submit")
    assert desk.done == 2


@pytest.mark.parametrize("bad", ["a b", "x" * 256, "é", '""'])
def test_a_key_that_cannot_be_used_is_refused(client: Any, bad: str) -> None:
    answer = client.post("/drafts", json=BODY, headers={"Idempotency-Key": bad.encode()})
    assert answer.json()["type"].endswith("/idempotency-key-invalid")


def test_a_key_belongs_to_its_caller_and_route(client: Any, desk: Desk, bearer: Callable[..., dict[str, str]]) -> None:
    client.post("/drafts", json=BODY, headers=key())
    client.post("/drafts/1/submit", headers=key())
    client.post("/drafts/2/submit", headers=key())
    client.post("/commands", headers=key() | bearer("officer", sub="a"))
    client.post("/commands", headers=key() | bearer("officer", sub="b"))
    assert desk.done == 5
    client.post("/commands", headers=key() | bearer("officer", sub="b"))
    assert desk.done == 5


def test_a_refusal_is_repeated_too(client: Any, desk: Desk) -> None:
    desk.fails_with = [problems.unprocessable("No such service.", slug="unknown-service", known=["a"])]
    first = client.post("/drafts", json=BODY, headers=key())
    again = client.post("/drafts", json=BODY, headers=key())
    assert first.status_code == again.status_code == 422
    assert first.json() == again.json()
    assert again.headers["content-type"] == "application/problem+json"
    assert desk.done == 0


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("x"),
        ConnectionRefusedError(111, "x"),
        problems.unavailable(),
        problems.conflict(),
        problems.too_many_requests(retry_after_s=1),
    ],
)
def test_what_may_pass_by_itself_is_not_kept(client: Any, desk: Desk, failure: Exception) -> None:
    desk.fails_with = [failure]
    assert client.post("/drafts", json=BODY, headers=key()).status_code in {409, 429, 500, 503}
    assert client.post("/drafts", json=BODY, headers=key()).status_code == 201


def test_a_kept_answer_may_be_sealed(client: Any, desk: Desk) -> None:
    first, again = (client.post("/sealed", headers=key()) for _ in range(2))
    assert first.content == again.content
    assert b"number" not in desk.seen[0]


def test_a_given_fingerprint_stands_for_the_body(client: Any, desk: Desk) -> None:
    client.post("/uploads", content=b"one", headers=key())
    assert client.post("/uploads", content=b"two", headers=key()).status_code == 201
    assert desk.done == 1


def request(app_key: str = "k", body: bytes = b"{}") -> Request[Any, Any, Any]:
    """A request as a handler sees it, for what needs two of them at once."""
    scope: Any = {
        "type": "http", "method": "POST", "path": "/drafts", "path_template": "/drafts", "query_string": b"",
        "headers": [(b"idempotency-key", app_key.encode())], "route_handler": open_draft, "state": {},
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive=receive)


async def test_a_second_request_waits_for_the_first_and_gets_its_answer() -> None:
    desk, go = Desk(), asyncio.Event()

    async def slow() -> Response[Receipt]:
        await go.wait()
        return await desk.open_draft()

    first = asyncio.create_task(idempotent(request(), desk.answers, slow))
    await asyncio.sleep(0)
    second = asyncio.create_task(idempotent(request(), desk.answers, desk.open_draft))
    await asyncio.sleep(0.1)
    assert not second.done()
    go.set()
    await first
    assert (await second).headers["Idempotent-Replayed"] == "true"
    assert desk.done == 1


async def test_many_racing_requests_are_done_once() -> None:
    desk = Desk()
    answers = await asyncio.gather(*(idempotent(request(), desk.answers, desk.open_draft) for _ in range(50)))
    assert desk.done == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 49


async def test_a_first_request_that_takes_too_long_is_a_conflict_for_the_second() -> None:
    desk, go = Desk(), asyncio.Event()

    async def slow() -> Response[Receipt]:
        await go.wait()
        return await desk.open_draft()

    first = asyncio.create_task(idempotent(request(), desk.answers, slow))
    await asyncio.sleep(0)
    with pytest.raises(problems.Problem) as refusal:
        await idempotent(request(), desk.answers, desk.open_draft, wait_s=0)
    assert refusal.value.status == 409
    assert 1 <= int(refusal.value.headers["Retry-After"]) <= 5
    go.set()
    await first


async def test_a_claim_lasts_as_long_as_its_request_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.idempotency._EXTEND_S", 0.0)
    clock = Clock()
    desk, go, extended = Desk(lock_s=10, monotonic=clock), asyncio.Event(), asyncio.Event()
    extend = desk.answers.extend

    async def noted(id: bytes, claim: uuid.UUID) -> None:
        await extend(id, claim)
        extended.set()

    monkeypatch.setattr(desk.answers, "extend", noted)

    async def slow() -> Response[Receipt]:
        await go.wait()
        return await desk.open_draft()

    first = asyncio.create_task(idempotent(request(), desk.answers, slow))
    for clock.now in (9.0, 18.0, 27.0):
        extended.clear()
        await extended.wait()
    clock.now = 36.0
    with pytest.raises(problems.Problem) as refusal:
        await idempotent(request(), desk.answers, desk.open_draft, wait_s=0)
    assert refusal.value.status == 409
    go.set()
    assert (await first).content == Receipt(1)


async def test_a_cancelled_request_leaves_its_key_free() -> None:
    desk = Desk()

    async def never() -> Response[Receipt]:
        await asyncio.Event().wait()
        raise AssertionError

    first = asyncio.create_task(idempotent(request(), desk.answers, never))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await idempotent(request(), desk.answers, desk.open_draft)).content == Receipt(1)


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same() -> None:
    class Dying(InMemoryAnswers):
        async def complete(self, id: bytes, claim: uuid.UUID, answer: bytes) -> None:
            raise asyncpg.ConnectionDoesNotExistError("gone")

    desk = Desk()
    assert (await idempotent(request(), Dying(), desk.open_draft)).content == Receipt(1)


async def test_the_claim_of_a_process_that_died_ends_by_itself() -> None:
    clock = Clock()
    answers = InMemoryAnswers(lock_s=60, monotonic=clock)
    first = await answers.claim(b"k", b"f")
    assert isinstance(first, Claimed)
    assert await answers.claim(b"k", b"f") == Running(60.0)
    clock.now = 61.0
    second = await answers.claim(b"k", b"f")
    assert isinstance(second, Claimed)
    await answers.complete(b"k", first.claim, b"late")  # the first one lived after all: too late
    assert isinstance(await answers.claim(b"k", b"f"), Running)
    await answers.complete(b"k", second.claim, b"answer")
    assert await answers.claim(b"k", b"f") == Completed(b"answer")
    assert await answers.claim(b"k", b"other") == OtherRequest()


async def test_an_answer_is_kept_for_two_days() -> None:
    clock = Clock()
    answers = InMemoryAnswers(monotonic=clock)
    claimed = await answers.claim(b"k", b"f")
    assert isinstance(claimed, Claimed)
    await answers.complete(b"k", claimed.claim, b"answer")
    clock.now = 47 * 3600.0
    assert await answers.claim(b"k", b"f") == Completed(b"answer")
    clock.now = 49 * 3600.0
    assert isinstance(await answers.claim(b"k", b"f"), Claimed)
