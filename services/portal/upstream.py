"""The portal's calls to the other services: who asks, what they answer, and how they refuse.

UpstreamError
├── Refused   the service said no (4xx), with problem details (RFC 9457)
└── Away      it cannot be reached, or failed (5xx)
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, Final, Generic, NamedTuple, Protocol, TypedDict, TypeVar, Unpack, cast

import httpx
import msgspec
from pydantic import SecretStr

from runtime.client import open_client
from services.portal.session import Staff

T = TypeVar("T")
Instead = TypeVar("Instead")
_ANYTHING: Final[Any] = object
"""Decode as whatever it is."""
Content = bytes | AsyncIterator[bytes]


async def no_call(instead: Instead) -> Instead:
    """Stands among calls that are made together, where one of them is not to be made."""
    return instead


class Login(Enum):
    """As whom a call is made, where it is not an applicant."""

    STAFF = "staff"
    SYSTEM = "system"


STAFF: Final = Login.STAFF
"""With the token of the officer who signed in."""
SYSTEM: Final = Login.SYSTEM
"""With the portal's own token."""


class Code(NamedTuple):
    """As the applicant of `number`, by access code."""

    number: str
    access_code: str


Auth = Login | Code | None


class Asking(Protocol):
    """As much of a visit as a call needs."""

    @property
    def address(self) -> str:
        """The visitor's network address: limits count visitors, not the portal."""
        ...

    @property
    def language(self) -> str:
        """`id` or `en`."""
        ...

    @property
    def staff(self) -> Staff | None:
        """Who signed in."""
        ...


class Sending(TypedDict, total=False):
    """What goes along with a call: a body (`json` or `content`), the query, as whom, further headers."""

    json: object
    content: Content | None
    params: Mapping[str, Any] | None
    auth: Auth
    headers: Mapping[str, str] | None


class UpstreamError(Exception):
    """A call that brought no answer."""


class Refused(UpstreamError):
    """A refusal (4xx). `extensions` has what the problem says beyond the standard members."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.status = status
        self.slug = str(body.get("type", "")).rpartition("/")[2]
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", ""))
        self.headers = headers
        self.extensions = {name: value for name, value in body.items() if name not in _STANDARD}
        super().__init__(f"{status} {self.slug}")

    def words(self, language: str) -> str:
        """What was wrong and what to do; in `language` where the service says it in both."""
        words = self.extensions.get("words")
        if isinstance(words, dict) and language in words:
            return str(words[language])
        return self.detail or self.title


class Away(UpstreamError):
    """The service cannot be reached or failed; `retry_after_s` where it said when to come again."""

    def __init__(self, service: str, retry_after_s: int | None = None) -> None:
        self.service = service
        self.retry_after_s = retry_after_s
        super().__init__(service)


_CLIMBING: Final = frozenset({".", ".."})
"""Segments that a client takes as directions: what came in an address of ours would ask for another thing than we mean."""
_STANDARD: Final = frozenset({"type", "title", "status", "detail", "instance"})


class Answer(NamedTuple, Generic[T]):
    """What a service answered."""

    body: T
    status: int
    headers: Mapping[str, str]


class Upstream:
    """One of the other services."""

    def __init__(
        self,
        name: str,
        url: str,
        token: SecretStr,
        *,
        timeout_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self._token = token
        self._client = open_client(
            self.url,
            timeout=httpx.Timeout(timeout_s, connect=2.0),
            again_on={
                503
            },  # not 429: to repeat would let somebody wait in front of a page that says nothing, and count
            transport=transport,
        )

    async def get(self, path: str, visit: Asking, *, type: type[T] = _ANYTHING, **sent: Unpack[Sending]) -> Answer[T]:
        """GET `path`. The body is decoded as `type` (empty: None). 304 is an answer. Raises `Refused`, `Away`."""
        return await self.call("GET", path, visit, type=type, **sent)

    async def post(self, path: str, visit: Asking, *, type: type[T] = _ANYTHING, **sent: Unpack[Sending]) -> Answer[T]:
        """POST to `path`, `json` or `content`. Raises `Refused`, `Away`."""
        return await self.call("POST", path, visit, type=type, **sent)

    async def put(self, path: str, visit: Asking, *, type: type[T] = _ANYTHING, **sent: Unpack[Sending]) -> Answer[T]:
        """PUT to `path`, `json` or `content`. Raises `Refused`, `Away`."""
        return await self.call("PUT", path, visit, type=type, **sent)

    async def call(
        self, method: str, path: str, visit: Asking, *, type: type[T] = _ANYTHING, **sent: Unpack[Sending]
    ) -> Answer[T]:
        """Any method. Raises `Refused`, `Away`."""
        async with self.stream(method, path, visit, **sent) as response:
            try:
                body = await response.aread()
            except httpx.HTTPError as error:
                raise Away(self.name) from error
        return Answer(_decoded(body, type), response.status_code, response.headers)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        visit: Asking,
        *,
        json: object = None,
        content: Content | None = None,
        params: Mapping[str, Any] | None = None,
        auth: Auth = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """An answer whose body has not been read. Raises `Refused`, `Away` before anything is given."""
        if any(segment in _CLIMBING for segment in path.split("/")):
            raise Refused(404, {}, {})
        sent = {"Accept-Language": visit.language, "X-Forwarded-For": visit.address, **(headers or {})}
        if json is not None:
            content, sent["Content-Type"] = msgspec.json.encode(json), "application/json"
        given = {name: value for name, value in (params or {}).items() if value is not None}
        request = self._client.build_request(method, path, content=content, params=given or None, headers=sent)
        if timeout_s is not None:
            request.extensions["timeout"] = httpx.Timeout(timeout_s, connect=2.0).as_dict()
        self._sign(request, visit, auth)
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise Away(self.name) from error
        try:
            await self._check(response)
            yield response
        finally:
            await response.aclose()

    def _sign(self, request: httpx.Request, visit: Asking, auth: Auth) -> None:
        match auth:
            case Code(number, access_code):
                signed = httpx.BasicAuth(number, access_code)
                next(signed.auth_flow(request))
            case Login.STAFF:
                request.headers["Authorization"] = f"Bearer {visit.staff.access_token if visit.staff else ''}"
            case Login.SYSTEM:
                request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"

    async def _check(self, response: httpx.Response) -> None:
        if response.status_code >= 400:
            try:
                body = await response.aread()
            except httpx.HTTPError as error:
                raise Away(self.name) from error
            if response.status_code >= 500:
                raise Away(self.name, _seconds(response.headers.get("Retry-After")))
            raise Refused(response.status_code, _problem(body), response.headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _decoded(body: bytes, type: type[T]) -> T:
    if not body:
        return cast(T, None)
    if type is bytes:
        return cast(T, body)
    return cast(T, msgspec.json.decode(body) if type is object else msgspec.json.decode(body, type=type))


def _problem(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError):
        return {}


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
