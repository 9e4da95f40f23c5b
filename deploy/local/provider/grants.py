"""The protocol, carried by Authlib's server: OAuth 2.0 authorization code with PKCE (RFC 7636), refresh, OpenID Connect
Core and RP-Initiated Logout. What is ours here is where codes are kept (in memory) and what is in the tokens.
"""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    InvalidRequestError,
    OAuth2Payload,
    OAuth2Request,
    grants,
)
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.rpinitiated import EndSessionEndpoint

from deploy.local.issuer import Issuer
from deploy.local.provider.people import Person

CALLBACK: Final = "/masuk/kembali"
SIGNED_OUT: Final = "/keluar"
SCOPES: Final = ("openid", "profile")
CODE_S: Final = 60
ACCESS_S: Final = 15 * 60
REFRESH_S: Final = 12 * 3600
LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Payload(OAuth2Payload):  # type: ignore[misc]  # Authlib has no types
    """The parameters of a request."""

    def __init__(self, parameters: Mapping[str, list[str]]) -> None:
        self._parameters = parameters

    @property
    def data(self) -> dict[str, str]:
        """The first value of each."""
        return {name: values[0] for name, values in self._parameters.items()}

    @property
    def datalist(self) -> Mapping[str, list[str]]:
        """All values."""
        return self._parameters


class Request(OAuth2Request):  # type: ignore[misc]
    """A request as Authlib takes it."""

    def __init__(self, method: str, uri: str, form: str, headers: Mapping[str, str]) -> None:
        super().__init__(method, uri, headers=dict(headers))
        self._query = parse_qs(urlsplit(uri).query)
        self._fields = parse_qs(form)
        self.payload = Payload(self._query | self._fields)

    @property
    def args(self) -> dict[str, str]:
        """The parameters of the address."""
        return {name: values[0] for name, values in self._query.items()}

    @property
    def form(self) -> dict[str, str]:
        """The parameters of the body."""
        return {name: values[0] for name, values in self._fields.items()}


@dataclass(frozen=True)
class Answer:
    """What is to be sent."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]
    """The portal: any on this machine (RFC 8252, section 7.3: ports on loopback are not fixed)."""

    client_id: str
    secret: str = field(repr=False)

    def get_client_id(self) -> str:
        """Its name."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: it must say where to return to."""

    def get_allowed_scope(self, scope: str | None) -> str:
        """What of `scope` there is."""
        return " ".join(name for name in (scope or "").split() if name in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether it is the portal's callback on this machine."""
        return is_on_this_machine(redirect_uri, CALLBACK)

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether it is the secret."""
        return secrets.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """By HTTP Basic only."""
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        """A code only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """By code and by refresh."""
        return grant_type in ("authorization_code", "refresh_token")


@dataclass(frozen=True)
class Granted:
    """What was granted to the portal for a person: behind a code, then behind a refresh token."""

    person: Person
    client_id: str
    scope: str
    until: float
    redirect_uri: str = ""
    nonce: str = ""
    code_challenge: str = ""
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        """Where the code went."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What it is for."""
        return self.scope

    def check_client(self, client: Client) -> bool:
        """Whether it is this client's."""
        return client.client_id == self.client_id


class Kept:
    """What was granted, by code or token, until it ends."""

    def __init__(self) -> None:
        self._granted: dict[str, Granted] = {}

    def keep(self, granted: Granted, name: str = "") -> str:
        """Keep it by `name`, or by a new one."""
        name = name or secrets.token_urlsafe(32)
        now = time.time()
        self._granted = {known: one for known, one in self._granted.items() if one.until > now} | {name: granted}
        return name

    def find(self, name: str) -> Granted | None:
        """What is there, and has not ended."""
        found = self._granted.get(name)
        return found if found and found.until > time.time() else None

    def take(self, name: str) -> Granted | None:
        """The same, and it is not there any more."""
        found = self.find(name)
        self._granted.pop(name, None)
        return found

    def forget(self, subject: str) -> None:
        """Everything of a person."""
        self._granted = {name: one for name, one in self._granted.items() if one.person.subject != subject}


class ByCode(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """A code, taken once."""

    TOKEN_ENDPOINT_AUTH_METHODS: Final = ("client_secret_basic",)

    def validate_authorization_request(self) -> Any:
        """As usual, and PKCE with S256 is not optional (RFC 9700, section 2.1.1)."""
        redirect_uri = super().validate_authorization_request()
        if self.request.payload.data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is needed.", redirect_uri=redirect_uri)
        return redirect_uri

    def save_authorization_code(self, code: str, request: Request) -> None:
        """Keep it for a minute."""
        asked = request.payload.data
        granted = Granted(
            person=request.user,
            client_id=request.client.client_id,
            scope=request.scope,
            until=time.time() + CODE_S,
            redirect_uri=asked.get("redirect_uri", ""),
            nonce=asked.get("nonce", ""),
            code_challenge=asked.get("code_challenge", ""),
        )
        self.server.codes.keep(granted, code)

    def query_authorization_code(self, code: str, client: Client) -> Granted | None:
        """Taken: also a code shown with a wrong verifier is spent."""
        granted: Granted | None = self.server.codes.take(code)
        return granted if granted and granted.check_client(client) else None

    def delete_authorization_code(self, authorization_code: Granted) -> None:
        """It was taken already."""

    def authenticate_user(self, authorization_code: Granted) -> Person:
        """Whose it is."""
        return authorization_code.person

    def add_id_token(self, _: Any, response: tuple[int, dict[str, Any], Any]) -> None:
        """What OpenID Connect adds to OAuth."""
        response[1]["id_token"] = self.server.id_token(self.request.authorization_code)


class ByRefresh(grants.RefreshTokenGrant):  # type: ignore[misc]
    """A refresh token, used as often as needed: tabs of one browser refresh at the same time, and the client has a secret."""

    TOKEN_ENDPOINT_AUTH_METHODS: Final = ("client_secret_basic",)

    def authenticate_refresh_token(self, refresh_token: str) -> Granted | None:
        """What is behind it."""
        found: Granted | None = self.server.refreshing.find(refresh_token)
        return found

    def authenticate_user(self, refresh_token: Granted) -> Person:
        """Whose it is."""
        return refresh_token.person

    def revoke_old_credential(self, refresh_token: Granted) -> None:
        """It stays."""


class EndSession(EndSessionEndpoint):  # type: ignore[misc]
    """The end of a session, by the ID token that began it."""

    def _validate_id_token_hint(self, id_token_hint: str) -> dict[str, Any]:
        """The claims of an ID token of ours, also of one that has expired."""
        claims: dict[str, Any] | None = self.server.issuer.read(id_token_hint)
        if claims is None:
            raise InvalidRequestError("The ID token is not of this provider.")
        return claims

    def _is_valid_post_logout_redirect_uri(self, client: Client, post_logout_redirect_uri: str) -> bool:
        return is_on_this_machine(post_logout_redirect_uri, SIGNED_OUT)

    def end_session(self, end_session_request: Any) -> None:
        """Forget the refresh tokens of whoever the ID token names."""
        if claims := end_session_request.id_token_claims:
            self.server.refreshing.forget(claims["sub"])


class Server(AuthorizationServer):  # type: ignore[misc]
    """All of it. `address`: where it is reached, which is also the name by which ID tokens call their issuer."""

    def __init__(self, address: str, issuer: Issuer, client: Client) -> None:
        super().__init__()
        self.address = address
        self.issuer = issuer
        self.codes = Kept()
        self.refreshing = Kept()
        self._client = client
        self.register_token_generator("default", self._tokens)
        self.register_grant(ByCode, [CodeChallenge(required=True), _with_id_token])
        self.register_grant(ByRefresh)
        self.register_endpoint(EndSession)

    def query_client(self, client_id: str) -> Client | None:
        """The one client that there is."""
        return self._client if client_id == self._client.client_id else None

    def id_token(self, granted: Granted) -> str:
        """Who signed in (OpenID Connect Core, section 2)."""
        person = granted.person
        claims = {"iss": self.address, "aud": granted.client_id, "sub": person.subject, "auth_time": int(time.time())}
        more = {"nonce": granted.nonce} if granted.nonce else {}
        if "profile" in granted.scope.split():
            more["name"] = person.name
        return self.issuer.sign(claims | more, validity_s=ACCESS_S)

    def save_token(self, token: Mapping[str, Any], request: Request) -> None:
        """Nothing to keep: access tokens prove themselves, refresh tokens are kept already."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Request) -> Request:
        """It is one already."""
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        """As our HTTP side sends it."""
        return Answer(status, json.dumps(body) if isinstance(body, dict) else body or "", dict(headers))

    def _tokens(self, *, client: Client, user: Person, scope: str, include_refresh_token: bool, **_: Any) -> Any:
        access = self.issuer.access_token(
            user.subject, user.roles, office=user.office, desk=user.desk, validity_s=ACCESS_S
        )
        tokens = {"token_type": "Bearer", "access_token": access, "expires_in": ACCESS_S, "scope": scope}
        if include_refresh_token:
            granted = Granted(user, client.client_id, scope, time.time() + REFRESH_S)
            tokens["refresh_token"] = self.refreshing.keep(granted)
        return tokens


def _with_id_token(grant: ByCode) -> None:
    grant.register_hook("after_create_token_response", grant.add_id_token)


def is_on_this_machine(address: str, path: str) -> bool:
    """Whether an address is `path` of some server on loopback, in either language, and nothing else."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    return bool(
        plain
        and parts.scheme == "http"
        and parts.hostname in LOOPBACK_NAMES
        and port
        and parts.path.removeprefix("/en") == path
    )
