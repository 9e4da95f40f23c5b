"""The OpenID provider of the staff: what it is asked, and what of its answers is believed.

Authorization code with PKCE (RFC 7636), OpenID Connect Core, found by Discovery. The ID token tells who signed in, and
is held to the nonce; the access token is verified as every service of ours verifies it, so that whoever signs in here
is also let in there.

    ProviderError
    ├── ProviderAway      it cannot be reached, or answers nonsense
    ├── ProviderRefused   it said no: OAuth's error code
    └── NotBelieved       it answered what cannot be believed
        └── NoRole        somebody without a role in this system
"""

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlsplit

import httpx
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from msgspec import Struct

from runtime.auth import InvalidToken, Principal, TokenVerifier
from runtime.claims import Places
from runtime.client import open_client
from runtime.jwks import KeySet, KeysUnavailable
from services.portal.session import Staff
from services.portal.settings import PortalSettings

DISCOVERY: Final = "/.well-known/openid-configuration"
KNOWN_S: Final = 3600.0
TIMEOUT: Final = httpx.Timeout(8.0, connect=2.0)
ANSWER_BYTES: Final = 256 * 1024
_NAMES: Final = ("name", "preferred_username")


class ProviderError(Exception):
    """Nobody is signed in."""


class ProviderAway(ProviderError):
    """The provider cannot be reached, or does not answer as a provider does."""


class ProviderRefused(ProviderError):
    """The provider said no. `code`: OAuth's word for it, e.g. `access_denied`, `invalid_grant`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotBelieved(ProviderError):
    """What came is not to be believed; why is for the log, not for the visitor."""


class NoRole(NotBelieved):
    """Somebody known to the provider whom nobody gave a role in this system."""


class Described(Struct, frozen=True):
    """The discovery document, as far as we read it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False


class Begun(NamedTuple):
    """A sign-in under way: where the browser goes, and what the session must remember."""

    address: str
    state: str
    nonce: str
    verifier: str


class _Tokens(Struct, frozen=True):
    access_token: str
    id_token: str | None = None
    refresh_token: str | None = None


class _Known(NamedTuple):
    """What one reading of the discovery document gives."""

    described: Described
    identities: TokenVerifier
    accesses: TokenVerifier
    since: float


class Provider:
    """The provider that the settings name."""

    def __init__(
        self,
        settings: PortalSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._issuer = settings.oidc_issuer.rstrip("/")
        self._transport = transport
        self._monotonic = monotonic
        self._known: _Known | None = None
        self._reading = asyncio.Lock()

    @property
    def is_set_up(self) -> bool:
        """Whether there is a provider at all."""
        return bool(self._issuer)

    async def begin(self, redirect_uri: str, language: str) -> Begun:
        """A sign-in that returns to `redirect_uri`. Raises `ProviderAway`."""
        described = (await self._know()).described
        state, nonce, verifier = (secrets.token_urlsafe(size) for size in (16, 16, 48))
        address = prepare_grant_uri(
            described.authorization_endpoint,
            client_id=self._settings.oidc_client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=self._settings.oidc_scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            ui_locales=language,
        )
        return Begun(address, state, nonce, verifier)

    async def check_sender(self, named: str | None) -> None:
        """Raises `NotBelieved` where an answer came from another provider than this one (RFC 9207)."""
        described = (await self._know()).described
        if named is None and not described.authorization_response_iss_parameter_supported:
            return
        if named != described.issuer:
            raise NotBelieved("the answer is of another issuer")

    async def finish(self, code: str, *, verifier: str, nonce: str, redirect_uri: str) -> Staff:
        """Who signed in. Raises `ProviderError`."""
        known = await self._know()
        tokens = await self._ask(
            known,
            {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": redirect_uri},
        )
        if tokens.id_token is None:
            raise NotBelieved("there is no ID token: the scope openid is missing")
        identity = await _claims(known.identities, tokens.id_token)
        self._check_identity(identity, nonce)
        return await self._staff(known, tokens, name=_name(identity), id_token=tokens.id_token)

    async def refresh(self, staff: Staff) -> Staff:
        """The same person with a new access token. Raises `ProviderError`."""
        known = await self._know()
        asked = {"grant_type": "refresh_token", "refresh_token": staff.refresh_token or ""}
        tokens = await self._ask(known, asked)
        renewed = await self._staff(known, tokens, name=staff.name, id_token=tokens.id_token or staff.id_token)
        if renewed.subject != staff.subject:
            raise NotBelieved("a refresh gave somebody else")
        return msgspec.structs.replace(renewed, refresh_token=tokens.refresh_token or staff.refresh_token)

    async def end_address(self) -> str:
        """Where the provider ends its own session; empty where it offers none. Raises `ProviderAway`."""
        return (await self._know()).described.end_session_endpoint

    async def _staff(self, known: _Known, tokens: _Tokens, *, name: str, id_token: str | None) -> Staff:
        claims = await _claims(known.accesses, tokens.access_token)
        try:
            principal: Principal = known.accesses.principal(claims)
        except InvalidToken as error:
            raise NoRole(str(error)) from error
        if not principal.roles:
            raise NoRole("no role of this system")
        return Staff(
            subject=principal.subject,
            name=name or principal.subject,
            roles=sorted(principal.roles),
            office=principal.office,
            desk=principal.desk,
            access_token=tokens.access_token,
            expires_at=int(claims["exp"]),
            refresh_token=tokens.refresh_token,
            id_token=id_token,
        )

    def _check_identity(self, identity: Mapping[str, Any], nonce: str) -> None:
        """What OpenID Connect Core 3.1.3.7 asks beyond signature, issuer, audience and time."""
        if not hmac.compare_digest(str(identity.get("nonce", "")).encode(), nonce.encode()):
            raise NotBelieved("the ID token is of another sign-in")
        audience = identity["aud"]
        if isinstance(audience, list) and len(audience) > 1 and identity.get("azp") != self._settings.oidc_client_id:
            raise NotBelieved("the ID token is for another client")

    async def _ask(self, known: _Known, form: Mapping[str, str]) -> _Tokens:
        """Ask for tokens, as a client with a secret by HTTP Basic (RFC 6749, section 2.3.1), else as a public one."""
        client_id, secret = self._settings.oidc_client_id, self._settings.oidc_client_secret.get_secret_value()
        auth = httpx.BasicAuth(quote_plus(client_id), quote_plus(secret)) if secret else None
        body = await self._call(
            "POST",
            known.described.token_endpoint,
            data=dict(form) if secret else {**form, "client_id": client_id},
            auth=auth,
        )
        try:
            return msgspec.json.decode(body, type=_Tokens)
        except msgspec.MsgspecError as error:
            raise ProviderAway("the tokens cannot be read") from error

    async def _know(self) -> _Known:
        """The provider's description, read once an hour; while it is away, the last one."""
        async with self._reading:
            known = self._known
            if known is not None and self._monotonic() - known.since < KNOWN_S:
                return known
            try:
                self._known = self._understood(await self._call("GET", self._issuer + DISCOVERY))
            except ProviderError:
                if known is None:
                    raise
                self._known = known._replace(since=self._monotonic())
            assert self._known is not None  # noqa: S101
            return self._known

    def _understood(self, body: bytes) -> _Known:
        try:
            described = msgspec.json.decode(body, type=Described)
        except msgspec.MsgspecError as error:
            raise ProviderAway("the discovery document cannot be read") from error
        if described.issuer.rstrip("/") != self._issuer:
            raise ProviderAway("the discovery document is of another issuer")
        settings = self._settings
        keys = KeySet(described.jwks_uri)
        identities = TokenVerifier(issuer=described.issuer, audience=settings.oidc_client_id, keys=keys)
        accesses = TokenVerifier(
            issuer=settings.issuer or described.issuer,
            audience=settings.audience,
            keys=KeySet(settings.jwks) if settings.jwks else keys,
            places=Places(settings.claim_roles, settings.claim_office, settings.claim_desk),
        )
        return _Known(described, identities, accesses, self._monotonic())

    async def _call(self, method: str, address: str, **more: Any) -> bytes:
        """The body of an answer. Raises `ProviderAway`, `ProviderRefused`."""
        if urlsplit(address).scheme not in ("https", "http"):
            raise ProviderAway("that is no address")
        try:
            async with open_client("", timeout=TIMEOUT, transport=self._transport) as client:
                answer = await client.request(method, address, headers={"Accept": "application/json"}, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderAway(type(error).__name__) from error
        if answer.status_code in (400, 401, 403):
            raise ProviderRefused(_error_code(answer.content))
        if answer.status_code != httpx.codes.OK or len(answer.content) > ANSWER_BYTES:
            raise ProviderAway(f"status {answer.status_code}")
        return answer.content


async def _claims(verifier: TokenVerifier, token: str) -> dict[str, Any]:
    try:
        return await verifier.claims(token)
    except InvalidToken as error:
        raise NotBelieved(str(error)) from error
    except KeysUnavailable as error:
        raise ProviderAway("its keys cannot be had") from error


def _name(identity: Mapping[str, Any]) -> str:
    """What to call somebody on their own pages."""
    return next((str(identity[claim])[:80] for claim in _NAMES if identity.get(claim)), "")


def _error_code(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body, type=dict[str, Any]).get("error", ""))[:60]
    except msgspec.MsgspecError:
        return ""
