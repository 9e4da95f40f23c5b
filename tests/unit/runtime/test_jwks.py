import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import OKPAlgorithm

from runtime.jwks import KeySet, KeysUnavailable, read_keys


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class IssuerServer:
    """An issuer over HTTP that counts how often it is asked."""

    def __init__(self) -> None:
        issuer = self
        self.asked = 0
        self.status = 200
        self.document = b'{"keys": []}'

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(issuer.status)
                self.end_headers()
                self.wfile.write(issuer.document)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server(issuer: Any) -> Iterator[IssuerServer]:
    server = IssuerServer()
    server.document = issuer.file.read_bytes()
    yield server
    server.close()


async def test_keys_are_fetched_once_and_kept(server: IssuerServer) -> None:
    keys = KeySet(server.url)
    assert await keys.find("ed", "EdDSA")
    assert await keys.find("rsa", "RS256")
    assert await keys.find("p256", "ES256")
    assert server.asked == 1


async def test_a_key_is_found_only_for_its_own_algorithm(server: IssuerServer) -> None:
    keys = KeySet(server.url)
    assert await keys.find("ed", "RS256") is None
    assert await keys.find("rsa", "EdDSA") is None
    assert await keys.find("p256", "RS256") is None


async def test_unknown_key_ids_do_not_make_us_hammer_the_issuer(server: IssuerServer) -> None:
    clock = Clock()
    keys = KeySet(server.url, refresh_floor_s=5, monotonic=clock)
    for n in range(50):
        assert await keys.find(f"forged-{n}", "EdDSA") is None
    assert server.asked == 1
    clock.now += 6
    assert await keys.find("forged", "EdDSA") is None
    assert server.asked == 2


async def test_a_new_key_of_the_issuer_is_found_by_asking_again(server: IssuerServer, issuer: Any) -> None:
    clock = Clock()
    keys = KeySet(server.url, monotonic=clock)
    assert await keys.find("new", "EdDSA") is None
    server.document = json.dumps({"keys": [issuer.jwk("new", issuer.ed25519)]}).encode()
    clock.now += 6
    assert await keys.find("new", "EdDSA")


async def test_the_last_good_keys_serve_while_the_issuer_is_away(server: IssuerServer) -> None:
    clock = Clock()
    keys = KeySet(server.url, monotonic=clock)
    assert await keys.find("ed", "EdDSA")
    server.status = 500
    clock.now += 10_000
    assert await keys.find("ed", "EdDSA")
    assert await keys.find("other", "EdDSA") is None


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"keys": 1}', b"\xff"])
async def test_a_document_that_is_no_key_set_leaves_none(server: IssuerServer, document: bytes) -> None:
    server.document = document
    with pytest.raises(KeysUnavailable):
        await KeySet(server.url).find("ed", "EdDSA")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/jwks.json", "file:///nowhere/at/all", "ftp://x/y", "", "http://"])
async def test_keys_that_cannot_be_had_are_said_to_be_unavailable(url: str) -> None:
    with pytest.raises(KeysUnavailable):
        await KeySet(url).find("ed", "EdDSA")


def test_keys_that_are_not_for_us_are_left_out(issuer: Any) -> None:
    good = issuer.jwk("good", issuer.ed25519)
    weak = issuer.jwk("weak", generate_private_key(public_exponent=65537, key_size=1024))
    other_curve = json.loads(OKPAlgorithm.to_jwk(Ed448PrivateKey.generate().public_key())) | {"kid": "448"}
    curves = [issuer.jwk(curve.name, ec.generate_private_key(curve)) for curve in (ec.SECP384R1(), ec.SECP256K1())]
    foreign = [
        *curves,
        issuer.jwk("es384", issuer.p256, alg="ES384"),
        issuer.jwk("not-ed25519", issuer.p256, alg="Ed25519"),
        issuer.jwk("enc", issuer.rsa, use="enc"),
        issuer.jwk("rs512", issuer.rsa, alg="RS512"),
        {"kid": "broken", "kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kid": "oct", "kty": "oct", "k": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": good["x"]},
        "nonsense",
    ]
    document = json.dumps({"keys": [good, weak, other_curve, *foreign]}).encode()
    assert set(read_keys(document)) == {"good"}
