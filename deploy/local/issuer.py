"""A small issuer of tokens for trying out: an Ed25519 key in the state folder, tokens for each role, a key set.

Nothing outside `deploy/local` knows of this issuer: services are told an issuer, an audience and a JWKS address. People
get their tokens by signing in at `provider`, commands by `jejak token`; services cannot tell the two apart.
"""

import base64
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from deploy.local.state import write_secret

ROLES = ("officer", "supervisor", "auditor", "operator", "system")
DESKS = {"officer": "front"}
AUDIENCE = "jejak"
VALIDITY_S = 30 * 24 * 3600


class Issuer:
    """The key of one state folder (`issuer.pem`, mode 0600), made at first use."""

    def __init__(self, key_file: Path) -> None:
        if not key_file.exists():
            write_secret(key_file, _pem(Ed25519PrivateKey.generate()))
        key = load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{key_file} holds no Ed25519 key")
        self._key = key
        self._public = _base64url(key.public_key().public_bytes_raw())
        self.key_id = _thumbprint(self._public)
        self.name = f"urn:jejak:local:{self.key_id[:8]}"

    def token(self, role: str, *, subject: str = "", office: str = "lebong", desk: str | None = None) -> str:
        """A signed token that names `role` and nothing else. `subject` is the role's name where none is given."""
        return self.access_token(
            subject or role, [role], office=office, desk=desk or DESKS.get(role), validity_s=VALIDITY_S
        )

    def access_token(
        self, subject: str, roles: Sequence[str], *, office: str, desk: str | None, validity_s: int
    ) -> str:
        """A token as all services accept it (RFC 9068)."""
        claims = {
            "iss": self.name,
            "aud": AUDIENCE,
            "sub": subject,
            "roles": list(roles),
            "office": office,
            **({"desk": desk} if desk else {}),
        }
        return self.sign(claims, validity_s=validity_s, kind="at+jwt")

    def sign(self, claims: Mapping[str, object], *, validity_s: int, kind: str = "JWT") -> str:
        """A JWT of `claims`, issued now."""
        now = int(time.time())
        headers = {"kid": self.key_id, "typ": kind}
        return jwt.encode(
            {**claims, "iat": now, "exp": now + validity_s}, self._key, algorithm="EdDSA", headers=headers
        )

    def read(self, token: str) -> dict[str, Any] | None:
        """What a JWT of ours says, expired or not, for whomever it is; None where it is not ours."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["EdDSA"],
                options={"verify_aud": False, "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return None
        return claims

    def jwks(self) -> str:
        """The public key as a JSON Web Key Set (RFC 7517, RFC 8037)."""
        key = {"kty": "OKP", "crv": "Ed25519", "x": self._public, "kid": self.key_id, "use": "sig", "alg": "EdDSA"}
        return json.dumps({"keys": [key]})


def _pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _thumbprint(public: str) -> str:
    """The key's id: its JWK thumbprint (RFC 7638, members in the order of RFC 8037)."""
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": public}, separators=(",", ":"))
    return _base64url(hashlib.sha256(members.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
