"""The provider for trying out: a real one in its protocol, with everything that it must refuse."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from deploy.local.issuer import AUDIENCE, Issuer
from deploy.local.provider.grants import Answer, Client, Request, Server, is_on_this_machine
from deploy.local.provider.people import PEOPLE
from deploy.local.provider.serving import answer, discovery

ADDRESS = "http://127.0.0.1:5000"
CALLBACK = "http://127.0.0.1:6000/masuk/kembali"
VERIFIER = "v" * 43
BASIC = {"Authorization": "Basic " + base64.b64encode(b"jejak-portal:geheim").decode()}
ASKED = {
    "client_id": "jejak-portal",
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid profile",
    "state": "s1",
    "nonce": "n1",
    "code_challenge": create_s256_code_challenge(VERIFIER),
    "code_challenge_method": "S256",
}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    return Server(ADDRESS, Issuer(tmp_path / "issuer.pem"), Client("jejak-portal", "geheim"))


def get(server: Server, path: str, **query: str) -> Answer:
    return answer(server, Request("GET", f"{ADDRESS}{path}?{urlencode(query)}", "", {}))


def post(
    server: Server, path: str, form: dict[str, str], headers: dict[str, str] | None = None, **query: str
) -> Answer:
    return answer(server, Request("POST", f"{ADDRESS}{path}?{urlencode(query)}", urlencode(form), headers or {}))


def choose(server: Server, person: str, **changes: str) -> dict[str, str]:
    """What comes back to the portal after the choice."""
    chosen = post(server, "/authorize", {"person": person}, **ASKED | changes)
    assert chosen.status == 303
    location = urlsplit(chosen.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK
    return {name: values[0] for name, values in parse_qs(location.query).items()}


def trade(server: Server, code: str, **changes: str) -> Answer:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return post(server, "/token", form | changes, BASIC)


def tokens(server: Server, person: str = "petugas-depan") -> dict[str, Any]:
    traded = trade(server, choose(server, person)["code"])
    assert traded.status == 200, traded.body
    return json.loads(traded.body)


def claims(server: Server, token: str, audience: str) -> dict[str, Any]:
    """What a token says, after checking it by the published keys."""
    key = jwt.PyJWKSet.from_json(get(server, "/.well-known/jwks.json").body).keys[0]
    return jwt.decode(token, key, algorithms=["EdDSA"], audience=audience)


def test_the_page_offers_every_person_and_says_that_it_is_for_trying_out(server: Server) -> None:
    page = get(server, "/authorize", **ASKED)
    assert page.status == 200
    assert "Hanya untuk mencoba" in page.body
    assert "For trying out only" in page.body
    for person in PEOPLE:
        assert f'value="{person.subject}"' in page.body


def test_every_role_of_the_services_can_be_chosen_and_officers_of_two_desks() -> None:
    assert {role for person in PEOPLE for role in person.roles} == {"officer", "supervisor", "auditor", "operator"}
    assert len({person.desk for person in PEOPLE if "officer" in person.roles}) >= 2
    assert len({person.subject for person in PEOPLE}) == len(PEOPLE)


def test_what_the_portal_asks_cannot_write_into_the_page(server: Server) -> None:
    page = get(server, "/authorize", **ASKED | {"state": '"><script>alert(1)</script>'})
    assert "<script" not in page.body


@pytest.mark.parametrize("person", PEOPLE)
def test_the_access_token_says_what_services_read_and_the_id_token_what_the_portal_reads(
    server: Server, person: Any
) -> None:
    back = choose(server, person.subject)
    assert back["state"] == "s1"
    given = json.loads(trade(server, back["code"]).body)
    access = claims(server, given["access_token"], AUDIENCE)
    assert access["iss"] == server.issuer.name
    assert (access["sub"], access["roles"], access["office"]) == (person.subject, list(person.roles), "lebong")
    assert access.get("desk") == person.desk
    identity = claims(server, given["id_token"], "jejak-portal")
    assert (identity["iss"], identity["nonce"]) == (ADDRESS, "n1")
    assert (identity["sub"], identity["name"]) == (person.subject, person.name)
    assert identity["exp"] - identity["iat"] == given["expires_in"]


def test_a_code_can_be_used_once(server: Server) -> None:
    code = choose(server, "pemeriksa")["code"]
    assert trade(server, code).status == 200
    assert json.loads(trade(server, code).body)["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": CALLBACK + "/x"}],
)
def test_a_code_in_other_hands_is_worth_nothing_and_spent(server: Server, changes: dict[str, str]) -> None:
    code = choose(server, "pemeriksa")["code"]
    assert trade(server, code, **changes).status == 400
    assert trade(server, code).status == 400


def test_a_code_that_was_never_given_is_refused(server: Server) -> None:
    assert json.loads(trade(server, "guessed").body)["error"] == "invalid_grant"


def test_a_code_ends_after_a_minute(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    code, now = choose(server, "pemeriksa")["code"], time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert trade(server, code).status == 400


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_tokens_are_for_the_client_with_its_secret(server: Server, secret: str) -> None:
    code = choose(server, "pemeriksa")["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    wrong = {"Authorization": "Basic " + base64.b64encode(f"jejak-portal:{secret}".encode()).decode()}
    assert post(server, "/token", form | {"client_id": "jejak-portal", "client_secret": "geheim"}).status == 401
    assert post(server, "/token", form, wrong).status == 401


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/masuk/kembali",
        "http://127.0.0.1.evil.example:80/masuk/kembali",
        "http://127.0.0.1:6000@evil.example:80/masuk/kembali",
        "http://127.0.0.1:6000/masuk/kembali?next=1",
        "http://127.0.0.1:6000/masuk/kembali/../lain",
        "http://127.0.0.1:x/masuk/kembali",
        "javascript:alert(1)",
        "",
    ],
)
def test_codes_go_to_the_portals_callback_on_this_machine_and_nowhere_else(server: Server, redirect_uri: str) -> None:
    for refused in (
        get(server, "/authorize", **ASKED | {"redirect_uri": redirect_uri}),
        post(server, "/authorize", {"person": "pemeriksa"}, **ASKED | {"redirect_uri": redirect_uri}),
    ):
        assert refused.status == 400
        assert "Location" not in refused.headers


@pytest.mark.parametrize("missing", ["code_challenge", "code_challenge_method", "client_id"])
def test_without_pkce_or_a_known_client_nobody_is_asked(server: Server, missing: str) -> None:
    assert get(server, "/authorize", **{k: v for k, v in ASKED.items() if k != missing}).status == 400


def test_plain_pkce_is_none(server: Server) -> None:
    assert get(server, "/authorize", **ASKED | {"code_challenge_method": "plain"}).status == 400


def test_a_choice_from_another_site_is_refused(server: Server) -> None:
    refused = post(server, "/authorize", {"person": "pemeriksa"}, {"Sec-Fetch-Site": "cross-site"}, **ASKED)
    assert refused.status == 403


def test_nobody_chosen_is_a_refusal_that_the_portal_hears_of(server: Server) -> None:
    back = choose(server, "nobody")
    assert (back["error"], back["state"]) == ("access_denied", "s1")


def test_a_refresh_gives_a_new_access_token_of_the_same_person(server: Server) -> None:
    first = tokens(server, "penyelia")
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    for _ in range(2):  # two tabs
        given = json.loads(post(server, "/token", form, BASIC).body)
        assert claims(server, given["access_token"], AUDIENCE)["sub"] == "penyelia"
    assert post(server, "/token", form | {"refresh_token": "x"}, BASIC).status == 400


def test_the_end_of_a_session_ends_its_refresh_tokens_and_returns_to_the_portal(server: Server) -> None:
    first = tokens(server)
    form = {"id_token_hint": first["id_token"], "post_logout_redirect_uri": "http://127.0.0.1:6000/keluar"}
    ended = post(server, "/end-session", form)
    assert (ended.status, ended.headers["Location"]) == (303, "http://127.0.0.1:6000/keluar")
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert post(server, "/token", refresh, BASIC).status == 400


def test_the_end_of_a_session_leads_to_no_other_place(server: Server) -> None:
    form = {"id_token_hint": tokens(server)["id_token"], "post_logout_redirect_uri": "https://evil.example/keluar"}
    ended = post(server, "/end-session", form)
    assert ended.status == 200
    assert "Location" not in ended.headers


def test_an_id_token_of_another_issuer_ends_nothing(server: Server, tmp_path: Path) -> None:
    forged = Issuer(tmp_path / "other.pem").sign({"sub": "petugas-depan", "aud": "jejak-portal"}, validity_s=60)
    assert post(server, "/end-session", {"id_token_hint": forged}).status == 400


def test_the_discovery_document_names_its_own_address(server: Server) -> None:
    document = json.loads(get(server, "/.well-known/openid-configuration").body)
    assert document == discovery(ADDRESS)
    assert document["issuer"] == ADDRESS


def test_other_pages_are_not_there(server: Server) -> None:
    assert get(server, "/keys/issuer.pem").status == 404
    assert get(server, "/token").status == 404


def test_english_callbacks_are_the_portals_too() -> None:
    assert is_on_this_machine("http://localhost:1/en/masuk/kembali", "/masuk/kembali")
    assert not is_on_this_machine("http://localhost/masuk/kembali", "/masuk/kembali")
