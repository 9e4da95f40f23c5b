from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from runtime.client import RepeatingTransport, open_client
from runtime.pauses import retry_after_s
from runtime.trace import parse_traceparent, span

Step = Exception | int | httpx.Response


class Script(httpx.AsyncBaseTransport):
    """A server that does what the script says, one step a request, and remembers what it was asked."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        match self.steps.pop(0):
            case Exception() as error:
                raise error
            case int(status):
                return httpx.Response(status)
            case httpx.Response() as response:
                return response


class Sleep:
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


async def ask(script: Script, method: str = "GET", **options: Any) -> tuple[int, list[float]]:
    sleep = Sleep()
    transport = RepeatingTransport(script, attempts=4, sleep=sleep)
    async with httpx.AsyncClient(transport=transport, base_url="http://x.example") as client:
        return (await client.request(method, "/", **options)).status_code, sleep.slept


async def test_a_refused_connection_is_tried_again_whatever_the_method() -> None:
    status, slept = await ask(Script(httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), 201), "POST", json={})
    assert status == 201
    assert len(slept) == 2


@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("PUT", {}), ("POST", {"Idempotency-Key": "k"})])
async def test_a_broken_answer_is_asked_for_again_where_that_is_safe(method: str, headers: dict[str, str]) -> None:
    status, _ = await ask(Script(httpx.RemoteProtocolError("gone"), 503, 200), method, headers=headers)
    assert status == 200


@pytest.mark.parametrize("step", [httpx.ReadError("gone"), httpx.RemoteProtocolError("gone")])
async def test_a_post_without_a_key_is_never_sent_twice(step: Exception) -> None:
    script = Script(step, 200)
    with pytest.raises(type(step)):
        await ask(script, "POST", json={})
    assert len(script.asked) == 1
    script = Script(503, 200)
    assert (await ask(script, "POST", json={}))[0] == 503


async def test_a_streamed_body_is_never_sent_twice() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"

    script = Script(httpx.ConnectError("refused"), 200)
    with pytest.raises(httpx.ConnectError):
        await ask(script, "PUT", content=body())
    assert len(script.asked) == 1


async def test_retry_after_is_honoured_within_limits() -> None:
    def later(value: str) -> httpx.Response:
        return httpx.Response(503, headers={"Retry-After": value})

    _, slept = await ask(Script(later("1"), later("3600"), later("soon"), 200))
    assert slept[:2] == [1.0, 5.0]
    assert slept[2] < 1


async def test_after_the_last_attempt_the_answer_or_error_is_the_callers() -> None:
    assert (await ask(Script(503, 503, 503, 503)))[0] == 503
    with pytest.raises(httpx.ConnectError):
        await ask(Script(*(httpx.ConnectError("refused") for _ in range(4))))


@pytest.mark.parametrize("status", [200, 304, 401, 404, 409, 500])
async def test_other_answers_are_given_at_once(status: int) -> None:
    assert await ask(Script(status)) == (status, [])


async def test_calls_carry_the_token_and_the_trace() -> None:
    script = Script(200, 200)
    async with open_client("http://intake.example", token=SecretStr("t-1"), transport=script) as client:
        with span() as here:
            await client.get("/x")
        await client.get("/x")
    inside, outside = (parse_traceparent(request.headers["traceparent"]) for request in script.asked)
    assert inside is not None
    assert outside is not None
    assert inside.trace_id == here.trace_id != outside.trace_id
    assert inside.span_id != here.span_id
    assert script.asked[0].headers["authorization"] == "Bearer t-1"


async def test_redirects_are_not_followed_with_the_token() -> None:
    away = httpx.Response(307, headers={"Location": "http://elsewhere.example/"})
    async with open_client("http://intake.example", token=SecretStr("t"), transport=Script(away)) as client:
        assert (await client.get("/x")).status_code == 307


async def test_a_port_where_nobody_listens_is_an_error_in_the_end() -> None:
    async with open_client("http://127.0.0.1:1", attempts=2) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (lambda: None, 0.3),
        (lambda: "2", 2.0),
        (lambda: "-1", 0.3),
        (lambda: "nonsense", 0.3),
        (lambda: format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0.0),
        (lambda: format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 5.0),
    ],
)
def test_retry_after_is_read_in_both_forms(header: Callable[[], str | None], seconds: float) -> None:
    assert retry_after_s(header(), otherwise_s=0.3) == seconds
