"""W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/): one trace id through HTTP, events and logs.

`traceparent` is `00-<trace id, 32 hex>-<span id, 16 hex>-<flags, 2 hex>`. A request continues the caller's trace with
a span of its own, or begins a trace. What cannot be read is replaced, never passed on.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01


class TraceContext(NamedTuple):
    """A place in a trace: this span (`span_id`) of the trace `trace_id`."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        """The header's value for calls made from this span."""
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.sampled else 0:02x}"

    def child(self) -> TraceContext:
        """A new span of the same trace."""
        return self._replace(span_id=secrets.token_hex(8))


_current: ContextVar[TraceContext | None] = ContextVar("jejak_trace", default=None)


def begin_trace() -> TraceContext:
    """A new trace with its first span."""
    drawn = secrets.token_hex(24)
    return TraceContext(drawn[:32], drawn[32:])


def parse_traceparent(header: str | None) -> TraceContext | None:
    """Read a `traceparent`; `None` where it is absent or invalid (all-zero ids, version ff, upper case, wrong length).

    A future version is read by the rules of version 00, as the recommendation asks; only version 00 has a fixed end.
    """
    match = _TRACEPARENT.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def current_trace() -> TraceContext | None:
    """The span being worked on, if any."""
    return _current.get()


def current_traceparent() -> str | None:
    """The `traceparent` to put on an event or a call made now; `None` outside any trace."""
    trace = _current.get()
    return trace.traceparent if trace else None


@contextmanager
def span(traceparent: str | None = None) -> Iterator[TraceContext]:
    """Work inside a child span of `traceparent`, else of the current span, else of a new trace."""
    parent = parse_traceparent(traceparent) or _current.get()
    trace = parent.child() if parent else begin_trace()
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)
