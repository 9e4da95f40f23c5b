"""The session: all state that the portal has, sealed in the visitor's own cookies.

Sealed by Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec), several keys for rotation. What was
forged, cut, or is older than allowed is no session; nothing tells the visitor which.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from litestar.datastructures.cookie import Cookie
from msgspec import Struct

NAME: Final = "jejak"
CHUNK_CHARS: Final = 3800
CHUNKS: Final = 4
APPLICATIONS: Final = 8
_NONCE_BYTES: Final = 8

FlashKind = Literal["success", "error", "info"]


class Staff(Struct, frozen=True, kw_only=True):
    """Who signed in, as the provider's token says. `expires_at` (seconds since 1970) is the access token's."""

    subject: str
    name: str
    roles: list[str]
    access_token: str
    expires_at: int
    office: str | None = None
    desk: str | None = None
    refresh_token: str | None = None
    id_token: str | None = None

    def has(self, *roles: str) -> bool:
        """Whether at least one of `roles` is held."""
        return not set(self.roles).isdisjoint(roles)

    def __repr__(self) -> str:
        return "Staff(…)"


class Flash(Struct, frozen=True):
    """What the next page says once."""

    kind: FlashKind
    text: str


class Session(Struct, kw_only=True, omit_defaults=True):
    """What is remembered of a visitor. `secret` is what form tokens are made from."""

    secret: str = ""
    applications: dict[str, str] = {}
    """Access codes by tracking number: what this visitor proved to be theirs, the latest last."""
    staff: Staff | None = None
    flash: list[Flash] = []
    signing_in: dict[str, str] = {}
    """What a sign-in under way must find again (state, nonce, PKCE verifier, where to return)."""
    notes: dict[str, str] = {}
    """Short marks of single rooms, e.g. that a hint was dismissed."""

    def __repr__(self) -> str:
        return "Session(…)"

    def remember(self, number: str, access_code: str) -> None:
        """Keep the access code of an application, and of no more than the last `APPLICATIONS`."""
        kept = {known: code for known, code in self.applications.items() if known != number} | {number: access_code}
        self.applications = dict(list(kept.items())[-APPLICATIONS:])

    def renew(self) -> None:
        """Make forms of before invalid: at sign-in and sign-out."""
        self.secret = secrets.token_urlsafe(16)

    def form_token(self) -> str:
        """A token for a form; another each time, so that compressed pages do not reveal it."""
        if not self.secret:
            self.renew()
        nonce = secrets.token_hex(_NONCE_BYTES)
        return nonce + _mark(self.secret, nonce)

    def is_form_token(self, token: str) -> bool:
        """Whether `form_token` of this session made it."""
        nonce, mark = token[: 2 * _NONCE_BYTES], token[2 * _NONCE_BYTES :]
        return bool(self.secret) and hmac.compare_digest(_mark(self.secret, nonce).encode(), mark.encode())


def _mark(secret: str, nonce: str) -> str:
    return hmac.new(secret.encode(), nonce.encode(), hashlib.sha256).hexdigest()[:32]


class SessionTooLarge(Exception):
    """A session that does not fit into the cookies that browsers keep."""


class Sessions:
    """Seals sessions into cookies and opens them. `secure`: cookies for HTTPS only, bound to the host."""

    def __init__(self, keys: list[bytes], *, secure: bool, hours: float) -> None:
        self._seal = MultiFernet([Fernet(key) for key in keys])
        self._secure = secure
        self._ttl_s = int(hours * 3600)
        self.name = f"__Host-{NAME}" if secure else NAME

    def open(self, cookies: Mapping[str, str]) -> Session:
        """The session in a request's cookies; an empty one where there is none that can be believed."""
        sealed = "".join(cookies.get(name, "") for name in self._names())
        if not sealed:
            return Session()
        try:
            return msgspec.json.decode(self._seal.decrypt(sealed.encode(), ttl=self._ttl_s), type=Session)
        except (InvalidToken, msgspec.DecodeError, UnicodeError):
            return Session()

    def close(self, session: Session, cookies: Mapping[str, str]) -> list[Cookie]:
        """The cookies that keep `session`, and those that take away what is no longer needed of `cookies`."""
        sealed = "" if session == Session() else self._seal.encrypt(msgspec.json.encode(session)).decode()
        chunks = [sealed[at : at + CHUNK_CHARS] for at in range(0, len(sealed), CHUNK_CHARS)]
        if len(chunks) > CHUNKS:
            raise SessionTooLarge
        names = self._names()
        kept = [self._cookie(name, chunk) for name, chunk in zip(names, chunks, strict=False)]
        return kept + [self._cookie(name, None) for name in names[len(chunks) :] if name in cookies]

    def _names(self) -> list[str]:
        return [self.name, *(f"{self.name}-{n}" for n in range(1, CHUNKS))]

    def _cookie(self, name: str, value: str | None) -> Cookie:
        return Cookie(
            key=name,
            value=value or "",
            path="/",
            httponly=True,
            secure=self._secure,
            samesite="lax",
            max_age=self._ttl_s if value is not None else 0,
        )
