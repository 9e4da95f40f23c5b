"""Who is asking: bearer JWTs for staff and systems, HTTP Basic for applicants.

Tokens follow RFC 9068 as far as it fits: signed with EdDSA (Ed25519), ES256 or RS256 and nothing else, `kid` names a key of
the issuer's JWKS (RFC 7517), `iss`, `aud`, `exp` and `sub` are required, `nbf` is honoured. Our own claims are `roles`
(list), `office` and `desk`, where the settings say that the issuer puts them (`runtime.claims`). Challenges follow RFC 6750.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import jwt
import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from runtime import problems
from runtime.claims import OURS, Places
from runtime.jwks import KeySet, KeysUnavailable
from runtime.problems import Problem

REALM = "jejak"
ALGORITHMS = ("EdDSA", "ES256", "RS256")
ROLES = frozenset({"officer", "supervisor", "auditor", "operator", "system"})
_LEEWAY_S = 30
_TOKEN_LIMIT_CHARS = 8192
_CHECKED_MAX = 256
"""Tokens that are remembered: a system sends thousands of requests with one, and a signature is 150 µs to check."""

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


class Principal(msgspec.Struct, frozen=True):
    """Whom a valid token names. Roles that this system does not know are dropped."""

    subject: str
    roles: frozenset[str] = frozenset()
    office: str | None = None
    desk: str | None = None

    def has(self, *roles: str) -> bool:
        """Whether at least one of `roles` is held. No role includes another."""
        return not self.roles.isdisjoint(roles)


class _Claims(msgspec.Struct):
    sub: str
    roles: list[str]
    office: str | None = None
    desk: str | None = None


class _Checked(NamedTuple):
    """A token whose signature was right by `key`. It holds as long as that is the issuer's key and its time is not over."""

    header: tuple[str, str]
    key: jwt.PyJWK
    claims: dict[str, Any]


class InvalidToken(Exception):
    """A token that does not prove anything; the message may be shown to the caller."""


class TokenVerifier:
    """Checks bearer tokens of one issuer for one audience."""

    def __init__(self, *, issuer: str, audience: str, keys: KeySet, places: Places = OURS) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._places = places
        self._checked: dict[str, _Checked] = {}

    async def verify(self, token: str) -> Principal:
        """The principal of a valid token. Raises what `claims` raises."""
        return self.principal(await self.claims(token))

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """Whom the claims of a valid token name. Raises `InvalidToken` where they do not say what they must."""
        return _principal(self._places.read(claims))

    async def claims(self, token: str) -> dict[str, Any]:
        """All that a valid token says.

        Raises `InvalidToken`, or `KeysUnavailable` while the issuer's keys have never been fetched.
        """
        if not self._issuer:
            raise InvalidToken("This service accepts no tokens: it has no issuer.")
        if len(token) > _TOKEN_LIMIT_CHARS:
            raise InvalidToken("The token is too long.")
        known = self._checked.get(token)
        algorithm, key_id = known.header if known else _header(token)
        key = await self._keys.find(key_id, algorithm)
        if key is None:
            raise InvalidToken("The token's key (kid) is not one of the issuer's.")
        if known and known.key is key and int(known.claims["exp"]) > time.time():
            return known.claims
        claims = self._decode(token, key, algorithm)
        if len(self._checked) >= _CHECKED_MAX:
            self._checked.clear()
        self._checked[token] = _Checked((algorithm, key_id), key, claims)
        return claims

    def _decode(self, token: str, key: jwt.PyJWK, algorithm: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key=key.key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_S,
                options={"require": ["iss", "aud", "exp", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken("The token has expired.") from None
        except jwt.ImmatureSignatureError:
            raise InvalidToken("The token is not valid yet.") from None
        except jwt.InvalidAudienceError:
            raise InvalidToken("The token is for another audience.") from None
        except jwt.InvalidIssuerError:
            raise InvalidToken("The token is of another issuer.") from None
        except jwt.MissingRequiredClaimError as error:
            raise InvalidToken(f"The token has no claim {error.claim}.") from None
        except jwt.InvalidSignatureError:
            raise InvalidToken("The token's signature is wrong.") from None
        except jwt.InvalidTokenError:
            raise InvalidToken("The token cannot be read.") from None


def _header(token: str) -> tuple[str, str]:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise InvalidToken("The token cannot be read.") from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise InvalidToken(f"The token must be signed with one of {', '.join(ALGORITHMS)}.")
    if not isinstance(key_id, str) or not key_id:
        raise InvalidToken("The token names no key (kid).")
    return algorithm, key_id


def _principal(found: dict[str, Any]) -> Principal:
    try:
        claims = msgspec.convert(found, _Claims)
    except msgspec.ValidationError as error:
        raise InvalidToken(f"The token's claims are not as expected: {error}.") from None
    return Principal(claims.sub, frozenset(claims.roles) & ROLES, claims.office, claims.desk)


def _challenge(error: str = "", description: str = "") -> str:
    parts = [f'Bearer realm="{REALM}"']
    if error:
        safe = description.replace("\\", "").replace('"', "'").encode("ascii", "replace").decode()
        parts += [f'error="{error}"', f'error_description="{safe}"']
    return ", ".join(parts)


async def authenticate(connection: Connection) -> Principal:
    """The principal of the request's bearer token; 401 where there is no valid one, 503 where keys cannot be had."""
    token = _bearer(connection.headers.get("authorization", ""))
    if not token:
        raise problems.unauthorized("Send a bearer token.", challenge=_challenge())
    verifier: TokenVerifier = connection.app.state.verifier
    try:
        return await verifier.verify(token)
    except InvalidToken as error:
        raise problems.unauthorized(
            str(error), challenge=_challenge("invalid_token", str(error)), slug="invalid-token", title="Invalid token"
        ) from None
    except KeysUnavailable:
        raise problems.unavailable(
            "The issuer of tokens cannot be reached to check this one.", slug="issuer-away"
        ) from None


async def proves_a_role(verifier: TokenVerifier, authorization: str) -> bool:
    """Whether an `Authorization` header has a valid token with a role of this system: for routes that answer anybody.

    What cannot be checked proves nothing.
    """
    token = _bearer(authorization)
    try:
        return bool(token) and bool((await verifier.verify(token)).roles)
    except (InvalidToken, KeysUnavailable):
        return False


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def requires(*roles: str) -> Guard:
    """A Litestar guard: a valid token with one of `roles` (any valid token where none is named).

    401 without a valid token, 403 with one of other roles. Afterwards `request.user` is the `Principal`. No role
    includes another: a route for officers and supervisors names both.
    """
    if unknown := set(roles) - ROLES:
        raise ValueError(f"unknown roles: {sorted(unknown)}")

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        principal = await authenticate(connection)
        if roles and not principal.has(*roles):
            raise _insufficient(roles)
        connection.scope["user"] = principal

    guard.roles = roles  # type: ignore[attr-defined]  # read by runtime.web for the OpenAPI document
    return guard


def _insufficient(roles: tuple[str, ...]) -> Problem:
    detail = f"This needs the role {' or '.join(roles)}."
    problem = problems.forbidden(detail, slug="insufficient-role", title="Not allowed with this role")
    problem.headers["WWW-Authenticate"] = _challenge("insufficient_scope", detail)
    return problem


class BasicCredentials(NamedTuple):
    """User name and password as sent; nothing is checked yet."""

    username: str
    password: str


BASIC_CHALLENGE = f'Basic realm="{REALM}", charset="UTF-8"'


def basic_refusal(detail: str = "Tracking number or access code is not right.") -> Problem:
    """The 401 for wrong Basic credentials: one answer whatever is wrong, so that numbers cannot be probed."""
    return problems.unauthorized(detail, challenge=BASIC_CHALLENGE)


def basic_credentials(connection: Connection) -> BasicCredentials:
    """The request's HTTP Basic credentials (RFC 7617, UTF-8); a 401 problem where there are none that can be read."""
    scheme, _, encoded = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise basic_refusal("Send the tracking number and the access code by HTTP Basic authentication.")
    try:
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise basic_refusal("The Basic credentials cannot be read.") from None
    if not colon:
        raise basic_refusal("The Basic credentials cannot be read.")
    return BasicCredentials(username, password)
