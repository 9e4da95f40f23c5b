import pytest
from litestar import get
from litestar.testing import TestClient

from runtime.settings import Settings
from runtime.trace import begin_trace, current_trace, current_traceparent, parse_traceparent, span
from runtime.web import create_app

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_the_example_of_the_recommendation_is_read() -> None:
    context = parse_traceparent(PARENT)
    assert context is not None
    assert (context.trace_id, context.span_id, context.sampled) == (TRACE, "00f067aa0ba902b7", True)
    assert context.traceparent == PARENT


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + "-more",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_what_is_no_traceparent_is_not_taken(header: str | None) -> None:
    assert parse_traceparent(header) is None


def test_a_later_version_is_read_by_its_known_beginning() -> None:
    context = parse_traceparent(f"01-{TRACE}-00f067aa0ba902b7-00-future")
    assert context is not None
    assert context.trace_id == TRACE
    assert not context.sampled


def test_a_span_continues_the_trace_under_an_id_of_its_own() -> None:
    with span(PARENT) as outer:
        assert outer.trace_id == TRACE
        assert outer.span_id != "00f067aa0ba902b7"
        with span() as inner:
            assert inner.trace_id == TRACE
            assert current_traceparent() == inner.traceparent
        assert current_trace() == outer
    assert current_traceparent() is None


def test_traces_begin_with_different_ids() -> None:
    assert begin_trace() != begin_trace()


@get("/where")
async def where() -> str:
    return current_traceparent() or ""


def test_a_request_continues_the_callers_trace_and_says_so(settings: Settings) -> None:
    app = create_app(settings=settings, title="t", version="1", routes=[where])
    with TestClient(app) as client:
        answer = client.get("/where", headers={"traceparent": PARENT})
        assert answer.text == answer.headers["traceparent"]
        assert answer.text.split("-")[1] == TRACE
        assert answer.text != PARENT


def test_an_unreadable_traceparent_is_replaced_by_a_new_trace(settings: Settings) -> None:
    app = create_app(settings=settings, title="t", version="1", routes=[where])
    with TestClient(app) as client:
        answer = client.get("/where", headers={"traceparent": f"00-{'0' * 32}-1-1"})
        assert parse_traceparent(answer.headers["traceparent"])
