"""Secrets of a state: made once, kept, and understood by those who check them."""

import json
import stat
from pathlib import Path

import jwt
import pytest
import yaml
from standardwebhooks import Webhook

from deploy.local.issuer import AUDIENCE, ROLES, Issuer
from deploy.local.keys import Keys


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path / "issuer.pem")


def claims_of(issuer: Issuer, token: str) -> dict[str, object]:
    """The claims, after checking the token as a service would."""
    key = jwt.PyJWKSet.from_json(issuer.jwks())[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["EdDSA"], audience=AUDIENCE, issuer=issuer.name)


@pytest.mark.parametrize("role", ROLES)
def test_a_token_names_its_role_and_no_other(issuer: Issuer, role: str) -> None:
    claims = claims_of(issuer, issuer.token(role))
    assert claims["roles"] == [role]
    assert claims["sub"] == role
    assert claims["office"] == "lebong"


def test_an_officer_sits_at_a_desk(issuer: Issuer) -> None:
    assert claims_of(issuer, issuer.token("officer"))["desk"] == "front"
    assert claims_of(issuer, issuer.token("officer", desk="back", subject="officer-2"))["desk"] == "back"
    assert "desk" not in claims_of(issuer, issuer.token("auditor"))


def test_tokens_of_an_earlier_start_stay_valid(tmp_path: Path, issuer: Issuer) -> None:
    assert claims_of(Issuer(tmp_path / "issuer.pem"), issuer.token("operator"))


def test_another_states_tokens_are_not_accepted(tmp_path: Path, issuer: Issuer) -> None:
    other = Issuer(tmp_path / "other.pem")
    assert other.name != issuer.name
    with pytest.raises(KeyError):
        claims_of(issuer, other.token("operator"))


def test_the_key_set_holds_no_private_part(issuer: Issuer) -> None:
    assert "d" not in json.loads(issuer.jwks())["keys"][0]


def test_keys_are_kept_and_are_ours_alone(tmp_path: Path) -> None:
    first, second = Keys.of(tmp_path / "keys"), Keys.of(tmp_path / "keys")
    assert (first.master_key, first.number_key) == (second.master_key, second.number_key)
    assert first.master_key != first.number_key
    assert len(bytes.fromhex(first.master_key)) == 32
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "keys").iterdir()} == {0o600}


def test_publishers_are_the_treasury_by_signature_and_history_by_token(tmp_path: Path) -> None:
    keys = Keys.of(tmp_path / "keys")
    treasury, history = yaml.safe_load(keys.publishers.read_text())
    assert Webhook(treasury["secret"]) is not None
    assert treasury["types"] == ["fee_paid"]
    assert history["client"] == "system"
    assert history["sources"] == ["//lebong.imigrasi.go.id/history/"]
