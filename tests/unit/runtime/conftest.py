"""Real keys, real tokens and an issuer in a file, for everything that stands behind `requires`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from runtime.settings import Settings

ISSUER = "https://issuer.example"


class Issuer:
    """Three signing keys, one a kind, and their public halves as a JWKS file."""

    def __init__(self, folder: Path) -> None:
        self.ed25519 = Ed25519PrivateKey.generate()
        self.rsa: RSAPrivateKey = generate_private_key(public_exponent=65537, key_size=2048)
        self.p256 = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / "jwks.json"
        self.publish(self.jwk("ed", self.ed25519), self.jwk("p256", self.p256), self.jwk("rsa", self.rsa))

    @staticmethod
    def jwk(kid: str, key: Any, **more: str) -> dict[str, Any]:
        kinds = [
            (Ed25519PrivateKey, OKPAlgorithm),
            (ec.EllipticCurvePrivateKey, ECAlgorithm),
            (RSAPrivateKey, RSAAlgorithm),
        ]
        algorithm: Any = next(algorithm for kind, algorithm in kinds if isinstance(key, kind))
        return json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid, "use": "sig"} | more

    def publish(self, *keys: dict[str, Any]) -> None:
        self.file.write_text(json.dumps({"keys": list(keys)}))

    @property
    def url(self) -> str:
        return self.file.as_uri()

    def token(
        self, *roles: str, kid: str = "ed", alg: str = "EdDSA", key: Any = None, drop: str = "", **claims: Any
    ) -> str:
        payload = {
            "iss": ISSUER, "aud": "jejak", "sub": "petugas-7", "exp": int(time.time()) + 300, "roles": list(roles),
        } | claims  # fmt: skip
        payload.pop(drop, None)
        signing_key = key or {"rsa": self.rsa, "p256": self.p256}.get(kid, self.ed25519)
        return jwt.encode(payload, signing_key, algorithm=alg, headers={"kid": kid})


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture
def settings(issuer: Issuer) -> Settings:
    return Settings(kafka="localhost:1", database="postgresql://nowhere/x", issuer=ISSUER, jwks=issuer.url)


@pytest.fixture
def bearer(issuer: Issuer) -> Callable[..., dict[str, str]]:
    def header(*roles: str, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {issuer.token(*roles, **claims)}"}

    return header
