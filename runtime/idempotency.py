"""`Idempotency-Key`: a repeated POST is answered like the first one instead of being done twice.

Follows the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header):

- first request with a key: it runs, its answer is kept for two days;
- same key, same request: the kept answer, marked `Idempotent-Replayed: true`;
- same key while the first one runs: waits up to five seconds for its answer, else 409 with `Retry-After`;
- same key, another request: 422; no key where one is needed: 400.

A key belongs to one route and one caller. Answers of 500 and above, and those that say "later" (408, 409, 425, 429),
are not kept. A process that dies between its effect and keeping the answer leaves a claim that ends by itself; the
request may then run again, so the effect behind it must still be decided on the state it finds.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar, cast

import asyncpg
import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.serialization import get_serializer

from runtime import problems
from runtime.answers import LOCK_S, AnswerStore, Claimed, Completed, OtherRequest, PostgresAnswers, Running
from runtime.auth import Principal
from runtime.database import Pool
from runtime.faults import DATABASE_AWAY
from runtime.problems import PROBLEM_JSON, Problem, instance_of

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
WAIT_S = 5.0
_POLL_S = 0.05
_RUN_LIMIT_S = 55
_EXTEND_S = LOCK_S / 3
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_NOT_KEPT = frozenset({408, 409, 425, 429})

T = TypeVar("T")
Cipher = Callable[[bytes], bytes]

_log = structlog.stdlib.get_logger("jejak.idempotency")


class _Answer(msgspec.Struct, array_like=True):
    status: int
    media_type: str
    headers: dict[str, str]
    body: bytes


async def idempotent(
    request: Request[Any, Any, Any],
    store: AnswerStore | Pool,
    execute: Callable[[], Awaitable[Response[T]]],
    *,
    required: bool = True,
    caller: str | None = None,
    fingerprint: bytes | None = None,
    seal: Cipher | None = None,
    unseal: Cipher | None = None,
    wait_s: float = WAIT_S,
) -> Response[T]:
    """Run `execute` once for the request's key and keep its answer; later requests with the key get that answer.

    `caller` scopes the key (default: the subject of the bearer token, else nobody). `fingerprint` replaces the hash of
    the body where that is streamed. `seal` and `unseal` encrypt the kept answer. Problems that `execute` raises are
    kept like answers. Without a key: 400 where `required`, else `execute` simply runs.
    """
    key = read_key(request, required=required)
    if key is None:
        return await execute()
    answers = PostgresAnswers(store) if isinstance(store, asyncpg.Pool) else store
    identity = _identity(request, caller, key)
    same = await _fingerprint(request, fingerprint)
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        match await answers.claim(identity, same):
            case Claimed(claim):
                return await _run(request, _Place(answers, identity, claim, seal), execute)
            case Completed(kept):
                return cast("Response[T]", _replay(unseal(kept) if unseal else kept))
            case OtherRequest():
                raise problems.unprocessable(
                    "This Idempotency-Key was used for another request. Use a new key for a new request.",
                    slug="idempotency-key-reused",
                    title="Key used for another request",
                )
            case Running(remaining_s) if asyncio.get_running_loop().time() >= deadline:
                raise _still_running(remaining_s)
        await asyncio.sleep(_POLL_S)


def read_key(request: Request[Any, Any, Any], *, required: bool = True) -> str | None:
    """The request's key, bare or as a quoted structured-field string; 400 where it is missing or not usable."""
    sent = request.headers.get(HEADER, "").strip()
    if not sent:
        if not required:
            return None
        raise problems.bad_request(
            f"Send a header {HEADER} with a new random value, e.g. a UUID, and the same value when you repeat.",
            slug="idempotency-key-missing",
            title="Idempotency-Key is missing",
        )
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if not _KEY.fullmatch(key):
        raise problems.bad_request(
            "The key must be 1 to 255 printable ASCII characters without spaces.",
            slug="idempotency-key-invalid",
            title="Idempotency-Key is not usable",
        )
    return key


class _Place(NamedTuple):
    """A claimed key and where its answer goes."""

    answers: AnswerStore
    id: bytes
    claim: uuid.UUID
    seal: Cipher | None

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """The claim lasts as long as the request runs, and ends soon after a process that died."""
        extending = asyncio.create_task(self._extend())
        try:
            yield
        finally:
            extending.cancel()

    async def _extend(self) -> None:
        while True:
            await asyncio.sleep(_EXTEND_S)
            try:
                await self.answers.extend(self.id, self.claim)
            except DATABASE_AWAY as error:
                _log.warning("claim not extended", error=type(error).__name__)

    async def keep(self, answer: _Answer) -> None:
        """Keep the answer. What it tells has happened: if keeping fails, it is given all the same."""
        packed = msgspec.msgpack.encode(answer)
        try:
            await self.answers.complete(self.id, self.claim, self.seal(packed) if self.seal else packed)
        except DATABASE_AWAY as error:
            _log.warning("answer not kept for repetition", error=type(error).__name__)

    async def free(self) -> None:
        """Let the request be repeated at once; where that fails, the claim ends by itself."""
        try:
            await self.answers.release(self.id, self.claim)
        except DATABASE_AWAY as error:
            _log.warning("idempotency key not released", error=type(error).__name__)


async def _run(
    request: Request[Any, Any, Any], place: _Place, execute: Callable[[], Awaitable[Response[T]]]
) -> Response[T]:
    try:
        async with place.held(), asyncio.timeout(_RUN_LIMIT_S):
            response = await execute()
        answer = _rendered(request, response)
    except Problem as problem:
        if _is_kept(problem.status):
            body = problem.body(instance_of(request))
            await place.keep(_Answer(problem.status, PROBLEM_JSON, problem.headers, body))
        else:
            await place.free()
        raise
    except BaseException:  # a crash, a cancelled request: whatever it was, the key must not stay claimed
        await place.free()
        raise
    if _is_kept(answer.status):
        await place.keep(answer)
    else:
        await place.free()
    return response


def _is_kept(status: int) -> bool:
    return status < 500 and status not in _NOT_KEPT


def _rendered(request: Request[Any, Any, Any], response: Response[Any]) -> _Answer:
    handler = request.route_handler
    media_type = str(getattr(response.media_type, "value", response.media_type) or MediaType.JSON.value)
    body = response.render(response.content, media_type, get_serializer(handler.resolve_type_encoders()))
    headers = {str(name): str(value) for name, value in response.headers.items()}
    return _Answer(response.status_code or handler.status_code, media_type, headers, body)


def _replay(kept: bytes) -> Response[bytes]:
    answer = msgspec.msgpack.decode(kept, type=_Answer)
    return Response(
        answer.body,
        status_code=answer.status,
        media_type=answer.media_type,
        headers={**answer.headers, REPLAYED: "true"},
    )


def _still_running(remaining_s: float) -> Problem:
    return problems.conflict(
        "A request with this Idempotency-Key is still running. Repeat it later.",
        slug="idempotency-key-in-use",
        title="The first request is still running",
        headers={"Retry-After": str(min(max(math.ceil(remaining_s), 1), 5))},
    )


def _identity(request: Request[Any, Any, Any], caller: str | None, key: str) -> bytes:
    user = request.scope.get("user")
    who = caller if caller is not None else user.subject if isinstance(user, Principal) else ""
    parts = (request.scope["method"], request.scope["path_template"], who, key)
    return hashlib.sha256(msgspec.json.encode(parts)).digest()


async def _fingerprint(request: Request[Any, Any, Any], given: bytes | None) -> bytes:
    body = given if given is not None else hashlib.sha256(await request.body()).digest()
    return hashlib.sha256(msgspec.json.encode((request.scope["method"], request.scope["path"], body))).digest()
