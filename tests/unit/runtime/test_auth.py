import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from litestar import Request, Router, get
from litestar.testing import TestClient

from runtime.auth import Principal, basic_credentials, proves_a_role, requires
from runtime.settings import Settings
from runtime.web import create_app, verifier_of

Bearer = Callable[..., dict[str, str]]

DAY_S = 86_400
"""Far enough: these instants are taken when tests are collected, and a long run is minutes older when it comes to them."""


@get("/desk", guards=[requires("officer", "supervisor")])
async def desk(request: Request[Principal, Any, Any]) -> dict[str, Any]:
    who = request.user
    return {"subject": who.subject, "roles": sorted(who.roles), "office": who.office, "desk": who.desk}


@get("/mine", guards=[requires("officer")])
async def mine() -> str:
    return "ok"


@get("/anyone", guards=[requires()])
async def anyone() -> str:
    return "ok"


@get("/applicant")
async def applicant(request: Request[Any, Any, Any]) -> list[str]:
    return list(basic_credentials(request))


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient[Any]]:
    routes = [Router("/", route_handlers=[desk, mine, anyone, applicant])]
    with TestClient(create_app(settings=settings, title="t", version="1", routes=routes)) as client:
        yield client


@pytest.mark.parametrize(("kid", "alg"), [("ed", "EdDSA"), ("p256", "ES256"), ("rsa", "RS256")])
def test_a_token_of_each_algorithm_names_its_principal(client: Any, bearer: Bearer, kid: str, alg: str) -> None:
    answer = client.get("/desk", headers=bearer("officer", "auditor", kid=kid, alg=alg, office="lebong", desk="a"))
    assert answer.json() == {
        "subject": "petugas-7", "roles": ["auditor", "officer"], "office": "lebong", "desk": "a",
    }  # fmt: skip


def test_without_a_token_the_challenge_has_no_error(client: Any) -> None:
    answer = client.get("/desk")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="jejak"'
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_supervisor_is_no_officer_where_only_officers_are_asked_for(client: Any, bearer: Bearer) -> None:
    assert client.get("/desk", headers=bearer("supervisor")).status_code == 200
    answer = client.get("/mine", headers=bearer("supervisor"))
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("/insufficient-role")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_unknown_roles_are_dropped(client: Any, bearer: Bearer) -> None:
    assert client.get("/mine", headers=bearer("officer", "emperor")).status_code == 200
    assert client.get("/mine", headers=bearer("emperor")).status_code == 403


def test_a_route_may_ask_for_any_valid_token(client: Any, bearer: Bearer) -> None:
    assert client.get("/anyone", headers=bearer()).status_code == 200


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": int(time.time()) - DAY_S}, "The token has expired."),
        ({"nbf": int(time.time()) + DAY_S}, "The token is not valid yet."),
        ({"iat": int(time.time()) + DAY_S}, "The token is not valid yet."),
        ({"iss": "https://other.example"}, "The token is of another issuer."),
        ({"aud": "other"}, "The token is for another audience."),
        ({"drop": "exp"}, "The token has no claim exp."),
        ({"drop": "iss"}, "The token has no claim iss."),
        ({"drop": "aud"}, "The token has no claim aud."),
        ({"drop": "sub"}, "The token has no claim sub."),
        ({"drop": "roles"}, "roles"),
        ({"roles": "officer"}, "roles"),
        ({"sub": 7}, "cannot be read"),
        ({"kid": "other"}, "not one of the issuer's"),
        ({"key": Ed25519PrivateKey.generate()}, "signature is wrong"),
        ({"kid": "ed", "alg": "HS256", "key": "x" * 64}, "signed with one of EdDSA, ES256, RS256"),
        ({"kid": "rsa", "alg": "RS512"}, "signed with one of EdDSA, ES256, RS256"),
        ({"kid": "p256", "alg": "ES256K", "key": ec.generate_private_key(ec.SECP256K1())}, "signed with one of"),
        ({"kid": "p256", "alg": "ES256", "key": ec.generate_private_key(ec.SECP256R1())}, "signature is wrong"),
        ({"kid": "rsa", "alg": "PS256"}, "signed with one of EdDSA, ES256, RS256"),
    ],
)
def test_an_invalid_token_is_refused_with_its_reason(
    client: Any, bearer: Bearer, claims: dict[str, Any], said: str
) -> None:
    answer = client.get("/desk", headers=bearer("officer", **claims))
    assert answer.status_code == 401
    assert answer.json()["type"].endswith("/invalid-token")
    assert said in answer.json()["detail"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_expiry_within_the_leeway_is_still_taken(client: Any, bearer: Bearer) -> None:
    assert client.get("/anyone", headers=bearer(exp=int(time.time()) - 5)).status_code == 200


def test_a_token_that_was_checked_is_taken_again_until_its_time_is_over(
    client: Any, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = bearer("officer", exp=int(time.time()) + DAY_S)
    assert [client.get("/mine", headers=headers).status_code for _ in range(3)] == [200] * 3
    broken = {"Authorization": headers["Authorization"][:-4] + "AAAA"}
    assert client.get("/mine", headers=broken).status_code == 401
    monkeypatch.setattr(jwt, "decode", _refuse)
    assert client.get("/mine", headers=headers).status_code == 200
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert client.get("/mine", headers=headers).status_code == 401


def _refuse(*_: object, **__: object) -> None:
    raise jwt.ExpiredSignatureError


def unsigned(header: dict[str, Any], payload: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload)]
    return ".".join([*parts, ""])


def test_algorithm_none_is_refused(client: Any, issuer: Any) -> None:
    payload = jwt.decode(issuer.token("officer"), options={"verify_signature": False})
    token = unsigned({"alg": "none", "kid": "ed"}, payload)
    assert client.get("/desk", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize(
    ("kid", "encoding", "layout"),
    [("ed", Encoding.Raw, PublicFormat.Raw), ("p256", Encoding.X962, PublicFormat.UncompressedPoint)],
)
def test_a_public_key_used_as_an_hmac_secret_is_refused(
    client: Any, issuer: Any, kid: str, encoding: Encoding, layout: PublicFormat
) -> None:
    signing = {"ed": issuer.ed25519, "p256": issuer.p256}[kid]
    token = issuer.token("officer", kid=kid, alg="HS256", key=signing.public_key().public_bytes(encoding, layout))
    assert client.get("/desk", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize(
    ("kid", "alg"),
    [("ed", "RS256"), ("ed", "ES256"), ("rsa", "EdDSA"), ("rsa", "ES256"), ("p256", "EdDSA"), ("p256", "RS256")],
)
def test_a_key_of_another_kind_is_refused(client: Any, bearer: Bearer, issuer: Any, kid: str, alg: str) -> None:
    key = {"EdDSA": issuer.ed25519, "ES256": issuer.p256, "RS256": issuer.rsa}[alg]
    assert client.get("/desk", headers=bearer("officer", kid=kid, alg=alg, key=key)).status_code == 401


def test_a_token_without_a_key_id_is_refused(client: Any, issuer: Any) -> None:
    token = jwt.encode({"sub": "x"}, issuer.ed25519, algorithm="EdDSA")
    answer = client.get("/desk", headers={"Authorization": f"Bearer {token}"})
    assert "names no key" in answer.json()["detail"]


@pytest.mark.parametrize("token", ["x", "a.b.c", "é.é.é", "x" * 9000])
def test_what_is_no_token_is_refused(client: Any, token: str) -> None:
    answer = client.get("/desk", headers={"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401


def test_a_challenge_cannot_be_broken_out_of(client: Any, bearer: Bearer) -> None:
    challenge = client.get("/desk", headers=bearer(roles=[1])).headers["www-authenticate"]
    assert challenge.count('"') == 6


def test_basic_credentials_are_read_as_utf8(client: Any) -> None:
    assert client.get("/applicant", auth=("LBG-1", "kata:sandi-é")).json() == ["LBG-1", "kata:sandi-é"]


@pytest.mark.parametrize("sent", [None, "Bearer x", "Basic", "Basic !!!", "Basic /w==", "Basic bm9jb2xvbg=="])
def test_missing_or_unreadable_basic_credentials_are_challenged(client: Any, sent: str | None) -> None:
    answer = client.get("/applicant", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="jejak", charset="UTF-8"'


def test_a_role_that_does_not_exist_is_a_defect_of_the_route() -> None:
    with pytest.raises(ValueError, match="emperor"):
        requires("emperor")


def test_tokens_cannot_be_checked_while_no_key_was_ever_fetched(settings: Settings, bearer: Bearer) -> None:
    away = settings.model_copy(update={"jwks": "file:///nowhere/jwks.json"})
    app = create_app(settings=away, title="t", version="1", routes=[anyone])
    with TestClient(app) as client:
        answer = client.get("/anyone", headers=bearer())
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_a_service_without_an_issuer_takes_no_token(settings: Settings, bearer: Bearer) -> None:
    app = create_app(settings=settings.model_copy(update={"issuer": ""}), title="t", version="1", routes=[anyone])
    with TestClient(app) as client:
        assert client.get("/anyone", headers=bearer()).status_code == 401


async def test_a_valid_token_with_a_known_role_proves_it(settings: Settings, bearer: Bearer) -> None:
    verifier = verifier_of(settings)
    for role in ("officer", "system"):
        assert await proves_a_role(verifier, bearer(role)["Authorization"])


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer x", "Bearer é.é.é", "Basic eDp5"])
async def test_what_is_no_token_proves_no_role(settings: Settings, sent: str) -> None:
    assert not await proves_a_role(verifier_of(settings), sent)


async def test_a_token_that_is_forged_over_or_without_a_role_proves_none(settings: Settings, bearer: Bearer) -> None:
    verifier = verifier_of(settings)
    for sent in (
        bearer("officer", key=Ed25519PrivateKey.generate()),
        bearer("officer", exp=int(time.time()) - DAY_S),
        bearer("officer", aud="other"),
        bearer("emperor"),
        bearer(),
    ):
        assert not await proves_a_role(verifier, sent["Authorization"])


async def test_no_role_is_proved_while_no_key_was_ever_fetched(settings: Settings, bearer: Bearer) -> None:
    away = settings.model_copy(update={"jwks": "file:///nowhere/jwks.json"})
    assert not await proves_a_role(verifier_of(away), bearer("officer")["Authorization"])
