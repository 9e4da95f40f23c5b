"""Logs: one JSON object a line on stderr, ours and the libraries', without personal data."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from runtime.trace import TraceContext, current_trace

SENSITIVE = frozenset({
    "authorization", "cookie", "set_cookie", "password", "secret", "token", "access_code", "name", "full_name",
    "applicant", "email", "e_mail", "phone", "telephone", "address", "nik", "passport_number", "birth_date",
    "date_of_birth", "headers", "body", "query", "query_string",
})  # fmt: skip
"""Keys whose values never reach a log, whoever logs them."""

_E_MAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
_NOISY = ("aiokafka", "faststream")
_FRAMES_MAX = 30
_CAUSES_MAX = 8
_BURST = 20
_WINDOW_S = 10.0


def configure_logging(*, service: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log of the process to `stream` (stderr) as JSON lines. Call once, when the process starts.

    Our own loggers write straight to the stream: a request must not pay for the standard library's records.
    """
    out = stream or sys.stderr
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _logger_name,
        _named(service),
    ]
    structlog.configure(
        processors=[*first, *_LAST],
        logger_factory=lambda *names: LineWriter(out, *names, service=service, level=level),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [library_handler([structlog.stdlib.add_logger_name, *first], out)]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    _route_libraries(level)


class LineWriter:
    """What structlog hands finished lines to: one write a line, so that lines of threads do not mix."""

    def __init__(
        self, stream: TextIO, name: str = "jejak", *_: object, service: str = "jejak", level: str = "info"
    ) -> None:
        self.name = name
        self.stream = stream
        self.service = service
        self.level = level

    def msg(self, line: str) -> None:
        """Write a line."""
        self.stream.write(line + "\n")
        self.stream.flush()

    debug = info = warning = warn = error = exception = critical = fatal = log = msg


class RequestLines:
    """Writes one line a request, as `logger.info("request", …)` would, at a tenth of its cost: what is in the line is
    known, so it needs no processors, and the lines of one turn of the loop are one write. Use within a running loop.
    """

    def __init__(self, writer: LineWriter) -> None:
        self._stream = writer.stream
        self._rest = {"event": "request", "level": "info", "logger": writer.name, "service": writer.service}
        self._levels = {"debug": ("info", "debug"), "info": ("info", None)}.get(writer.level, (None, None))
        self._waiting: list[bytes] = []

    def write(
        self, method: str, route: str, status: int, duration_ms: float, trace: TraceContext, *, quiet: bool
    ) -> None:
        """One request; a quiet one is logged at level debug only."""
        level = self._levels[quiet]
        if level is None:
            return
        line = {"method": method, "route": route, "status": status, "duration_ms": duration_ms}
        line |= self._rest | {"level": level, "trace_id": trace.trace_id, "span_id": trace.span_id}
        line["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(msgspec.json.encode(line))

    def _flush(self) -> None:
        lines, self._waiting = self._waiting, []
        self._stream.write(b"\n".join(lines).decode() + "\n")
        self._stream.flush()


def request_lines(logger: str) -> RequestLines:
    """The request log as `configure_logging` set it up; where it did not (tests), on stderr at level info."""
    configured = structlog.get_config()["logger_factory"](logger)
    if isinstance(configured, LineWriter):
        return RequestLines(configured)
    return RequestLines(LineWriter(sys.stderr, logger))


def library_handler(first: list[Processor], stream: TextIO) -> logging.Handler:
    """A handler for the standard library's loggers that writes the same lines; noisy loggers are held back."""
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[_suppressed, *first], processors=[remove, *_LAST])
    )
    handler.addFilter(Surge(_NOISY, burst=_BURST, window_s=_WINDOW_S))
    return handler


def _route_libraries(level: str) -> None:
    """Let the libraries' loggers reach the root handler and only it; our own request log replaces uvicorn's."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "faststream", "aiokafka", "litestar", "asyncio"):
        library = logging.getLogger(name)
        library.handlers[:] = []
        library.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("httpx", "httpcore", "aiokafka", "eventsourcing", "psycopg", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        structlog.stdlib.get_logger("jejak").critical("uncaught", exc_info=error)


class Surge(logging.Filter):
    """Lets at most `burst` records of each noisy logger through per `window_s`, then tells how many it held back."""

    def __init__(
        self,
        prefixes: tuple[str, ...],
        *,
        burst: int,
        window_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._prefixes = prefixes
        self._burst = burst
        self._window_s = window_s
        self._monotonic = monotonic
        self._windows: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is written; the first one of a new window carries the count of the suppressed."""
        if not record.name.startswith(self._prefixes):
            return True
        now = self._monotonic()
        began, seen = self._windows.get(record.name, (now, 0))
        if now - began >= self._window_s:
            if seen > self._burst:
                record.suppressed = seen - self._burst
            began, seen = now, 0
        self._windows[record.name] = (began, seen + 1)
        return seen < self._burst


def _named(service: str) -> Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add


def _logger_name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    if isinstance(logger, LineWriter):
        event["logger"] = logger.name
    return event


def _suppressed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """How many records of a noisy logger `Surge` held back before this one."""
    if count := getattr(event.get("_record"), "suppressed", 0):
        event["suppressed"] = count
    return event


def _with_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if trace := current_trace():
        event.setdefault("trace_id", trace.trace_id)
        event.setdefault("span_id", trace.span_id)
    return event


def without_sensitive(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Structlog processor: drop sensitive keys, in nested mappings too, and say which."""
    dropped = sorted(key for key in event if _is_sensitive(key))
    kept = {key: _clean(value) for key, value in event.items() if not _is_sensitive(key)}
    if dropped:
        kept["dropped"] = dropped
    return kept


def without_addresses(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Structlog processor: blank out e-mail addresses in texts, which libraries may have put together."""
    for key, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[key] = _E_MAIL.sub("<e-mail>", value)
    return event


@lru_cache(maxsize=1024)
def _is_sensitive(key: object) -> bool:
    return str(key).lower().replace("-", "_") in SENSITIVE


def _clean(value: object) -> object:
    if isinstance(value, dict):
        return {key: _clean(inner) for key, inner in value.items() if not _is_sensitive(key)}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def _exception_without_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace an exception by its types and places: its message may quote what an applicant wrote."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> list[dict[str, object]]:
    """An exception and its causes, outermost first: type and `file:line function` of each frame, no message."""
    chain: list[dict[str, object]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < _CAUSES_MAX:
        frames, traceback = [], current.__traceback__
        while traceback is not None:
            at = traceback.tb_frame.f_code
            frames.append(f"{at.co_filename}:{traceback.tb_lineno} {at.co_qualname}")
            traceback = traceback.tb_next
        place = {"type": f"{type(current).__module__}.{type(current).__qualname__}", "frames": frames[-_FRAMES_MAX:]}
        codes = {name: code for name in ("errno", "sqlstate") if (code := getattr(current, name, None)) is not None}
        chain.append(place | codes)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


def _to_json(event: EventDict, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


_LAST: list[Processor] = [
    _with_trace,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    _exception_without_values,
    without_sensitive,
    without_addresses,
    structlog.processors.JSONRenderer(serializer=_to_json),
]
