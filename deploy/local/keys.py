"""The secrets of one state folder, made at the first start and kept: mode 0600, in `keys/`."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.local.issuer import Issuer
from deploy.local.provider import CLIENT_KEY_FILE
from deploy.local.state import write_secret

TREASURY_SOURCE = "//simponi.kemenkeu.go.id/payments"
HISTORY_SOURCES = "//lebong.imigrasi.go.id/history/"
HISTORY_CLIENT = "system"
"""Subject of the token with which history is imported: that of `jejak token system`."""
KEY_BYTES = 32


@dataclass(frozen=True)
class Keys:
    """What services are given: the issuer, keys and secrets by their use, the publishers' file."""

    issuer: Issuer
    master_key: str
    number_key: str
    session_key: str
    """Seals the portal's sessions."""
    portal_secret: str
    """The portal's at the provider of identities (which reads the file by itself)."""
    vapid_key: str
    """Tells push services who notify is."""
    treasury_secret: str
    publishers: Path

    @classmethod
    def of(cls, folder: Path) -> "Keys":
        """The keys kept in `folder`; those that are missing are made."""
        folder.mkdir(mode=0o700, exist_ok=True)
        treasury_secret = _kept(folder / "treasury.secret", _webhook_secret)
        publishers = folder / "publishers.yaml"
        write_secret(publishers, yaml.safe_dump(_publishers(treasury_secret), sort_keys=False))
        return cls(
            issuer=Issuer(folder / "issuer.pem"),
            master_key=_kept(folder / "master.key", _hexadecimal_key),
            number_key=_kept(folder / "number.key", _hexadecimal_key),
            session_key=_kept(folder / "session.key", _base64_key),
            portal_secret=_kept(folder / CLIENT_KEY_FILE, _hexadecimal_key),
            vapid_key=_kept(folder / "vapid.key", _vapid_key),
            treasury_secret=treasury_secret,
            publishers=publishers,
        )


def _publishers(treasury_secret: str) -> list[dict[str, object]]:
    return [
        {"name": "treasury", "sources": [TREASURY_SOURCE], "types": ["fee_paid"], "secret": treasury_secret},
        {"name": "history", "sources": [HISTORY_SOURCES], "types": ["*"], "client": HISTORY_CLIENT},
    ]


def _kept(file: Path, make: Callable[[], str]) -> str:
    if not file.exists():
        write_secret(file, make())
    return file.read_text()


def _hexadecimal_key() -> str:
    return secrets.token_hex(KEY_BYTES)


def _base64_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _vapid_key() -> str:
    """The number of a private key on P-256, in base64url."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(KEY_BYTES)).rstrip(b"=").decode()


def _webhook_secret() -> str:
    """A secret in the writing of Standard Webhooks."""
    return "whsec_" + _base64_key()
