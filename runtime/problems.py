"""Errors over HTTP: RFC 9457 problem details, `application/problem+json`, with a stable `type`.

    Problem                       any refusal a handler wants to answer with
    ├── not_found, conflict, …    makers of the common ones
    └── from_exception            what the framework, the database and the unexpected are turned into

Nothing internal leaves: an unexpected error is answered with its trace id only, the rest is in the log.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.serialization import decode_json

from runtime import addresses
from runtime.trace import current_trace

PROBLEM_JSON = "application/problem+json"
TYPE_BASE = "https://jejak.example/problems/"
RETRY_AFTER_S = 2

_log = structlog.stdlib.get_logger("jejak.http")


class Problem(Exception):
    """A refusal, answered as problem details. `slug` names the kind for ever; `detail` is for this occurrence.

    `extensions` become members of the answer's body and must be JSON-encodable by msgspec.
    """

    def __init__(
        self,
        slug: str,
        status: int,
        title: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(f"{status} {slug}: {detail or title}")
        self.slug = slug
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.extensions = extensions

    @property
    def type(self) -> str:
        """The stable URI of this kind of problem."""
        return TYPE_BASE + self.slug

    def body(self, instance: str | None = None) -> bytes:
        """The answer's JSON; `instance` is the path of the request that met the problem."""
        members: dict[str, object] = {"type": self.type, "title": self.title, "status": self.status}
        if self.detail:
            members["detail"] = self.detail
        if instance:
            members["instance"] = instance
        return msgspec.json.encode(members | self.extensions)


def bad_request(detail: str = "", *, slug: str = "bad-request", title: str = "Bad request", **more: Any) -> Problem:
    """400: the request cannot be understood."""
    return Problem(slug, 400, title, detail, **more)


def unauthorized(
    detail: str = "", *, challenge: str, slug: str = "unauthorized", title: str = "Authentication needed"
) -> Problem:
    """401: no valid credentials; `challenge` is the `WWW-Authenticate` header."""
    return Problem(slug, 401, title, detail, headers={"WWW-Authenticate": challenge})


def forbidden(detail: str = "", *, slug: str = "forbidden", title: str = "Not allowed", **more: Any) -> Problem:
    """403: known, but not allowed."""
    return Problem(slug, 403, title, detail, **more)


def not_found(detail: str = "", *, slug: str = "not-found", title: str = "Not found", **more: Any) -> Problem:
    """404: there is no such thing, or none that the asker may know of."""
    return Problem(slug, 404, title, detail, **more)


def conflict(detail: str = "", *, slug: str = "conflict", title: str = "Conflict", **more: Any) -> Problem:
    """409: not possible in the present state."""
    return Problem(slug, 409, title, detail, **more)


def precondition_failed(
    detail: str = "", *, slug: str = "precondition-failed", title: str = "Changed in the meantime", **more: Any
) -> Problem:
    """412: `If-Match` names another version than the present one."""
    return Problem(slug, 412, title, detail, **more)


def payload_too_large(
    detail: str = "", *, slug: str = "payload-too-large", title: str = "Too large", **more: Any
) -> Problem:
    """413: more bytes than are taken."""
    return Problem(slug, 413, title, detail, **more)


def unsupported_media_type(
    detail: str = "", *, slug: str = "unsupported-media-type", title: str = "Unsupported media type", **more: Any
) -> Problem:
    """415: a kind of content that is not taken here."""
    return Problem(slug, 415, title, detail, **more)


def unprocessable(
    detail: str = "", *, slug: str = "unprocessable", title: str = "Cannot be processed", **more: Any
) -> Problem:
    """422: well-formed, but refused by a rule."""
    return Problem(slug, 422, title, detail, **more)


def precondition_required(
    detail: str = "", *, slug: str = "precondition-required", title: str = "A condition is needed", **more: Any
) -> Problem:
    """428: the request must say which version it means (`If-Match`)."""
    return Problem(slug, 428, title, detail, **more)


def too_many_requests(detail: str = "", *, retry_after_s: int, slug: str = "too-many-requests") -> Problem:
    """429: asked too often; `retry_after_s` whole seconds until the next try makes sense."""
    return Problem(slug, 429, "Too many requests", detail, headers={"Retry-After": str(retry_after_s)})


def unavailable(detail: str = "", *, retry_after_s: int = RETRY_AFTER_S, slug: str = "unavailable") -> Problem:
    """503: something this service needs is away; nothing was done."""
    return Problem(slug, 503, "Temporarily unavailable", detail, headers={"Retry-After": str(retry_after_s)})


_FRAMEWORK: Mapping[int, Callable[[str], Problem]] = {
    400: bad_request,
    401: lambda detail: unauthorized(detail, challenge='Bearer realm="jejak"'),
    403: forbidden,
    404: lambda _: not_found("There is nothing at this address."),
    405: lambda _: Problem("method-not-allowed", 405, "Method not allowed", "See the Allow header for what is."),
    413: lambda _: payload_too_large("The body is larger than this address takes."),
    415: unsupported_media_type,
    429: lambda detail: too_many_requests(detail, retry_after_s=RETRY_AFTER_S),
    503: lambda _: unavailable(),
}

_SOCKET_ERRORS = (
    None,
    errno.ENOENT,
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ETIMEDOUT,
    errno.EAGAIN,
)

_DRIVERS = ("asyncpg", "psycopg", "aiokafka")


def from_exception(error: BaseException) -> Problem:
    """The problem that answers `error`: the framework's refusals, a database that is away, and the unexpected (500)."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return _from_framework(error)
    if _is_version_conflict(error):
        retry = {"Retry-After": "1"}
        return Problem("busy", 409, "Changed by others", "Others were faster each time. Try again.", headers=retry)
    if _is_unreadable_body(error):
        return bad_request("The body is not JSON in UTF-8, or nested too deeply.", slug="unreadable-body")
    if is_disk_full(error):
        return Problem("storage-full", 507, "Storage is full", headers={"Retry-After": "60"})
    away = "A part that this service needs cannot be reached. Nothing was changed; try again."
    return unavailable(away) if is_away(error) else _internal()


def _is_unreadable_body(error: BaseException) -> bool:
    """What the framework's JSON decoder lets through as it is: text that is not UTF-8, nesting without end."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    decoder = decode_json.__module__
    return (
        isinstance(error, UnicodeDecodeError | RecursionError)
        and place is not None
        and place.tb_frame.f_globals.get("__name__") == decoder
    )


def is_away(error: BaseException) -> bool:
    """Whether `error` says that the database or another server cannot be reached, or is busy, just now."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if (drivers := _driver_errors()) and drivers.is_away(error):
        return True
    # a missing Unix socket, or several refused addresses: unlike a file's, an error of a socket has no file name
    return isinstance(error, OSError) and error.filename is None and error.errno in _SOCKET_ERRORS


def is_disk_full(error: BaseException) -> bool:
    """Whether `error` says that there is no room left, here or at the database."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    drivers = _driver_errors()
    return drivers is not None and bool(drivers.is_disk_full(error))


def _is_version_conflict(error: BaseException) -> bool:
    eventstore = sys.modules.get("runtime.eventstore")
    return eventstore is not None and isinstance(error, eventstore.VersionConflict)


def _driver_errors() -> ModuleType | None:
    """What drivers raise; None where none was imported, since then none can have raised anything. The portal has neither
    a database nor a broker, and the drivers would be a fifth of its memory.
    """
    if not any(name in sys.modules for name in _DRIVERS):
        return None
    from runtime import driver_errors  # noqa: PLC0415 - it imports all of them

    return driver_errors


def _internal() -> Problem:
    trace = current_trace()
    more: dict[str, Any] = {"trace_id": trace.trace_id} if trace else {}
    return Problem("internal", 500, "Internal error", "The cause is in the log of this service.", **more)


def _from_framework(error: HTTPException) -> Problem:
    if str(error.detail) == "client disconnected prematurely":
        return bad_request("The connection was closed before the whole body had arrived.", slug="incomplete-body")
    if error.status_code >= 500 and error.status_code != 503:
        return _internal()
    make = _FRAMEWORK.get(error.status_code)
    problem = make(error.detail) if make else Problem(f"http-{error.status_code}", error.status_code, error.detail)
    if error.status_code == 400 and isinstance(error.extra, list):
        problem = _validation(error.extra)
    problem.headers |= error.headers or {}
    return problem


def _validation(issues: list[Any]) -> Problem:
    errors = [_pointed(issue) for issue in issues if isinstance(issue, dict)]
    return bad_request("See `errors`.", slug="validation", title="The request is not valid", errors=errors)


def _pointed(issue: Mapping[str, str]) -> dict[str, str]:
    """One issue with the place it is at: a JSON pointer into the body, or the name of a parameter."""
    key, source = issue.get("key", ""), issue.get("source", "")
    if source == "body" or not source:
        path = key.removeprefix("data").replace("[", ".").replace("]", "")
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path.split(".") if part)
        return {"pointer": f"#{pointer}", "detail": issue.get("message", "")}
    return {"parameter": key, "in": str(getattr(source, "value", source)), "detail": issue.get("message", "")}


def instance_of(request: Request[Any, Any, Any]) -> str:
    """The `instance` of a problem met by `request`: its path, without the query."""
    return addresses.path(request.scope["path"])


def answer(path: str, error: Exception) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a request for `path` that ended in `error`.

    The body is `PROBLEM_JSON`. What is unexpected is logged with its traceback.
    """
    problem = from_exception(error)
    if problem.status >= 500 and not isinstance(error, Problem):
        _log.error(
            "request failed", problem=problem.slug, error=type(error).__name__,
            exc_info=error if problem.slug == "internal" else None,
        )  # fmt: skip
    return (
        problem.status,
        {"Cache-Control": "no-store"} | problem.headers,
        problem.body(addresses.path(path)),
    )


def render(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar exception handler for every error of an application."""
    status, headers, body = answer(request.scope["path"], error)
    return Response(body, status_code=status, media_type=PROBLEM_JSON, headers=headers)


def exception_handlers() -> dict[int | type[Exception], Callable[[Request[Any, Any, Any], Exception], Response[bytes]]]:
    """Handlers for `Litestar(exception_handlers=…)`."""
    return {Exception: render, HTTPException: render}
