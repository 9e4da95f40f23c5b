import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
import pytest
from litestar import Litestar, Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import ServerSentEvent
from litestar.testing import TestClient

from runtime.auth import requires
from runtime.openapi import openapi_document
from runtime.settings import Settings
from runtime.web import create_app

PROBLEM_JSON = "application/problem+json"


class Item(msgspec.Struct, forbid_unknown_fields=True):
    amount: Annotated[int, msgspec.Meta(ge=1)]
    tags: list[str] = []


@post("/items/{number:str}")
async def add(number: FromPath[str], data: JSONBody[Item], limit: Annotated[int, QueryParameter(ge=1)] = 5) -> Item:
    """Add an item."""
    return data


@get("/items/{number:str}")
async def item(number: FromPath[str]) -> Item:
    return Item(1)


@get("/secret", guards=[requires("officer")])
async def secret() -> Item:
    return Item(1)


@get("/boom")
async def boom() -> None:
    raise RuntimeError("the access code is K7Q2-WX9M")


@get("/away")
async def away() -> None:
    raise ConnectionRefusedError(111, "refused")


@get("/teapot")
async def teapot() -> None:
    raise HTTPException("no coffee", status_code=418)


@put("/upload", request_max_body_size=3_000_000)
async def upload(request: Request[Any, Any, Any]) -> int:
    return sum([len(chunk) async for chunk in request.stream()])


@get("/cached")
async def cached() -> Response[str]:
    return Response("x", headers={"Cache-Control": "private, max-age=5"})


@get("/stream")
async def stream(request: Request[Any, Any, Any]) -> ServerSentEvent:
    async def events() -> AsyncIterator[str]:
        yield "first"
        await request.app.state.shutdown_event.wait()

    return ServerSentEvent(events())


ROUTES = [add, item, secret, boom, away, teapot, upload, cached, stream]


@pytest.fixture
def app(settings: Settings) -> Litestar:
    return create_app(settings=settings, title="Depot", version="1.2.3", routes=ROUTES)


@pytest.fixture
def client(app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def refused(answer: Any, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM_JSON
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"https://jejak.example/problems/{slug}"
    assert body["status"] == status
    return body


def test_an_unknown_address_is_a_problem(client: Any) -> None:
    assert refused(client.get("/nowhere é?name=siti"), 404, "not-found")["instance"] == "/nowhere%20%C3%A9"


def test_a_wrong_method_names_the_right_ones(client: Any) -> None:
    answer = client.delete("/boom")
    refused(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]


def test_a_wrong_body_is_pointed_at(client: Any) -> None:
    body = refused(client.post("/items/1", json={"amount": "x"}), 400, "validation")
    assert body["errors"] == [{"pointer": "#/amount", "detail": "Expected `int`, got `str`"}]
    body = refused(client.post("/items/1", json={"amount": 1, "tags": ["a", 2]}), 400, "validation")
    assert body["errors"][0]["pointer"] == "#/tags/1"


def test_missing_and_unknown_members_are_said(client: Any) -> None:
    body = refused(client.post("/items/1", json={}), 400, "validation")
    assert "amount" in body["errors"][0]["detail"]
    body = refused(client.post("/items/1", json={"amount": 1, "more": 1}), 400, "validation")
    assert "more" in body["errors"][0]["detail"]


def test_a_wrong_parameter_is_named_with_its_place(client: Any) -> None:
    body = refused(client.post("/items/1?limit=0", json={"amount": 1}), 400, "validation")
    assert body["errors"][0] == {"parameter": "limit", "in": "query", "detail": "Expected `int` >= 1"}


def test_a_body_that_is_no_json_is_refused(client: Any) -> None:
    refused(client.post("/items/1", content=b'{"amount": '), 400, "bad-request")


def test_a_body_of_another_type_is_refused(client: Any) -> None:
    answer = client.post("/items/1", content=b"<x/>", headers={"Content-Type": "application/xml"})
    assert answer.status_code in {400, 415}
    assert answer.headers["content-type"] == PROBLEM_JSON


def test_a_body_too_large_is_refused_announced_or_not(client: Any) -> None:
    refused(client.post("/items/1", content=b" " * 1_000_001), 413, "payload-too-large")
    chunks = (b" " * 100_000 for _ in range(11))
    refused(client.post("/items/1", content=chunks), 413, "payload-too-large")


def test_a_route_may_take_more_and_still_has_a_limit(client: Any) -> None:
    assert client.put("/upload", content=b"x" * 2_000_000).json() == 2_000_000
    refused(client.put("/upload", content=b"x" * 3_000_001), 413, "payload-too-large")


def test_an_unexpected_error_shows_only_its_trace(client: Any) -> None:
    answer = client.get("/boom")
    body = refused(answer, 500, "internal")
    assert "K7Q2" not in answer.text
    assert body["trace_id"] == answer.headers["traceparent"].split("-")[1]


def test_a_database_that_is_away_is_503_with_retry_after(client: Any) -> None:
    answer = client.get("/away")
    refused(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_other_refusals_of_the_framework_are_problems_too(client: Any) -> None:
    assert refused(client.get("/teapot"), 418, "http-418")["title"] == "no coffee"


def test_head_is_get_without_a_body(client: Any) -> None:
    whole, head = client.get("/items/1"), client.head("/items/1")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert client.head("/nowhere").status_code == 404


def test_head_of_an_event_stream_ends(client: Any) -> None:
    head = client.head("/stream")
    assert head.headers["content-type"].startswith("text/event-stream")
    assert head.content == b""


def test_answers_carry_headers_that_hold_browsers_back(client: Any) -> None:
    for path in ("/items/1", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_what_was_asked_with_credentials_is_not_stored(client: Any) -> None:
    assert "cache-control" not in client.get("/items/1").headers
    assert client.get("/items/1", auth=("a", "b")).headers["cache-control"] == "no-store"
    assert client.get("/cached", auth=("a", "b")).headers["cache-control"] == "private, max-age=5"


def test_liveness_needs_nothing(client: Any) -> None:
    assert client.get("/health/live").json() == {"status": "live"}


async def fine() -> None: ...


async def broken() -> None:
    raise OSError("postgresql://user:password@host")


async def stuck() -> None:
    await asyncio.Event().wait()


def test_readiness_names_each_check(settings: Settings) -> None:
    app = create_app(settings=settings, title="t", version="1", routes=[], ready={"database": fine, "log": fine})
    with TestClient(app) as client:
        answer = client.get("/health/ready")
        assert answer.json() == {"status": "ready", "checks": {"database": "ok", "log": "ok"}}


def test_one_failing_check_makes_the_service_unready_without_telling_secrets(settings: Settings) -> None:
    checks = {"database": broken, "log": fine, "store": stuck}
    with TestClient(create_app(settings=settings, title="t", version="1", routes=[], ready=checks)) as client:
        answer = client.get("/health/ready")
        body = refused(answer, 503, "not-ready")
        assert body["checks"] == {"database": "OSError", "log": "ok", "store": "timeout"}
        assert "password" not in answer.text
        assert client.get("/health/live").status_code == 200


def test_metrics_have_route_templates_and_never_paths(client: Any) -> None:
    client.get("/items/LBG-SECRET")
    client.get("/nowhere-at-all")
    client.request("BREW", "/items/1")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert (
        'jejak_http_request_duration_seconds_count{method="GET",route="/items/{number}",status="200"} 1.0'
        in answer.text
    )
    assert 'method="GET",route="(none)",status="404"' in answer.text
    assert 'method="OTHER"' in answer.text
    assert "LBG-SECRET" not in answer.text
    assert "nowhere-at-all" not in answer.text


def test_two_applications_keep_their_own_metrics(settings: Settings) -> None:
    first, second = (create_app(settings=settings, title="t", version="1", routes=[item]) for _ in "ab")
    with TestClient(first) as one, TestClient(second) as other:
        one.get("/items/1")
        assert "/items" not in other.get("/metrics").text


def test_the_document_is_openapi_3_1_with_roles_and_problems(client: Any, app: Litestar) -> None:
    answer = client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json"
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Depot"
    assert document["paths"]["/secret"]["get"]["security"] == [{"bearer": ["officer"]}]
    assert "security" not in document["paths"]["/items/{number}"]["get"]
    responses = document["paths"]["/items/{number}"]["post"]["responses"]
    assert responses["default"] == {"$ref": "#/components/responses/Problem"}
    assert "400" not in responses
    assert document["paths"]["/items/{number}"]["post"]["description"] == "Add an item."
    assert set(document["components"]["securitySchemes"]) == {"bearer", "applicant"}
    assert not {"/health/live", "/metrics", "/openapi.json"} & set(document["paths"])
    assert json.loads(json.dumps(openapi_document(app), default=str)) == document


def test_there_is_no_page_that_loads_from_the_network(client: Any) -> None:
    for path in ("/", "/schema", "/docs", "/swagger", "/redoc"):
        assert client.get(path).status_code == 404


def test_state_dependencies_and_lifespan_reach_the_handlers(settings: Settings) -> None:
    order: list[str] = []

    @asynccontextmanager
    async def pool(app: Litestar) -> AsyncIterator[None]:
        order.append("open")
        app.state.opened = True
        yield
        order.append("closed")

    @get("/")
    async def show(request: Request[Any, Any, Any], greeting: NamedDependency[str]) -> list[Any]:
        return [request.app.state.shop, request.app.state.opened, greeting]

    shop = {"a": [1]}
    app = create_app(
        settings=settings, title="t", version="1", routes=[show], state={"shop": shop},
        dependencies={"greeting": "selamat"}, lifespan=[pool],
    )  # fmt: skip
    with TestClient(app) as client:
        assert client.get("/").json() == [{"a": [1]}, True, "selamat"]
        assert app.state.shop is shop
    assert order == ["open", "closed"]


def test_the_token_of_a_guarded_route_opens_it(client: Any, bearer: Callable[..., dict[str, str]]) -> None:
    assert client.get("/secret", headers=bearer("officer")).status_code == 200
    refused(client.get("/secret"), 401, "unauthorized")
