"""What the portal tells other services about its visitor, and what it makes of their refusals."""

import base64
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest
from pydantic import SecretStr

from services.portal.session import Staff
from services.portal.upstream import STAFF, SYSTEM, Away, Code, Refused, Upstream

OFFICER = Staff(subject="o", name="O", roles=["officer"], access_token="officer-token", expires_at=0)
VISIT = SimpleNamespace(address="203.0.113.7", language="en", staff=OFFICER)


def upstream(answer: Callable[[httpx.Request], httpx.Response]) -> Upstream:
    return Upstream(
        "intake", "http://intake/", SecretStr("system-token"), timeout_s=1, transport=httpx.MockTransport(answer)
    )


async def sent(**more: object) -> httpx.Request:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"a": 1})

    await upstream(answer).get("/x", VISIT, **more)  # type: ignore[arg-type]
    return seen[0]


async def test_limits_count_the_visitor_and_answers_are_in_the_visitors_language() -> None:
    request = await sent()
    assert request.headers["X-Forwarded-For"] == "203.0.113.7"
    assert request.headers["Accept-Language"] == "en"
    assert "Authorization" not in request.headers


async def test_each_call_is_made_as_somebody_and_as_nobody_else() -> None:
    assert (await sent(auth=STAFF)).headers["Authorization"] == "Bearer officer-token"
    assert (await sent(auth=SYSTEM)).headers["Authorization"] == "Bearer system-token"
    basic = base64.b64encode(b"LBG-1:code").decode()
    assert (await sent(auth=Code("LBG-1", "code"))).headers["Authorization"] == f"Basic {basic}"


@pytest.mark.parametrize("path", ["/services/..", "/drafts/LBG-1/documents/..", "/uploads/./x"])
async def test_what_came_in_an_address_does_not_lead_a_call_elsewhere(path: str) -> None:
    asked: list[httpx.Request] = []
    with pytest.raises(Refused) as refused:
        await upstream(lambda request: asked.append(request) or httpx.Response(200)).get(path, VISIT)  # type: ignore[arg-type, func-returns-value]
    assert refused.value.status == 404
    assert asked == []


async def test_a_refusal_says_what_was_wrong_in_the_language_that_the_service_has() -> None:
    problem = {"type": "https://jejak.example/problems/too-late", "title": "Too late", "words": {"id": "Terlambat."}}
    with pytest.raises(Refused) as refused:
        await upstream(lambda _: httpx.Response(409, json=problem)).post("/x", VISIT, json={})
    assert (refused.value.status, refused.value.slug) == (409, "too-late")
    assert (refused.value.words("id"), refused.value.words("en")) == ("Terlambat.", "Too late")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[]"])
async def test_a_refusal_without_readable_words_is_still_one(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        await upstream(lambda _: httpx.Response(403, content=body)).post("/x", VISIT)
    assert refused.value.status == 403


async def test_a_limit_is_said_at_once_and_not_run_into_again() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(429, headers={"Retry-After": "29"}, json={"type": "https://x/too-many-attempts"})

    with pytest.raises(Refused) as refused:
        await upstream(answer).get("/x", VISIT)
    assert (refused.value.status, refused.value.slug) == (429, "too-many-attempts")
    assert refused.value.headers["Retry-After"] == "29"
    assert len(asked) == 1


async def test_a_service_that_fails_is_away_and_may_say_until_when() -> None:
    with pytest.raises(Away) as away:
        await upstream(lambda _: httpx.Response(500, headers={"Retry-After": "7"})).post("/x", VISIT)
    assert (away.value.service, away.value.retry_after_s) == ("intake", 7)


async def test_a_connection_that_breaks_is_a_service_that_is_away() -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone")

    with pytest.raises(Away):
        await upstream(broken).post("/x", VISIT)
