"""What of a provider's answers is believed."""

import asyncio
import json
import time
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm

from services.portal.session import Staff
from services.portal.signing_in.provider import (
    NoRole,
    NotBelieved,
    Provider,
    ProviderAway,
    ProviderError,
    ProviderRefused,
)
from services.portal.signing_in.staying import Renewals
from tests.unit.portal.signing_in.conftest import ADDRESS, BACK, Office

DISCOVERY = "/.well-known/openid-configuration"


async def sign_in(office: Office, provider: Provider, person: str = "petugas-depan", **changes: str) -> Staff:
    begun = await provider.begin(BACK, "id")
    given = {"verifier": begun.verifier, "nonce": begun.nonce, "redirect_uri": BACK} | changes
    return await provider.finish(office.choose(begun, person), **given)


async def test_who_signed_in_is_whom_the_tokens_name(office: Office) -> None:
    staff = await sign_in(office, office.provider())
    assert (staff.subject, staff.name, staff.roles) == ("petugas-depan", "Ratna", ["officer"])
    assert (staff.office, staff.desk) == ("lebong", "front")
    assert staff.refresh_token
    assert 0 < staff.expires_at - time.time() <= 900


async def test_every_sign_in_has_its_own_state_nonce_and_verifier(office: Office) -> None:
    provider = office.provider()
    first, second = await provider.begin(BACK, "id"), await provider.begin(BACK, "en")
    assert not {first.state, first.nonce, first.verifier} & {second.state, second.nonce, second.verifier}
    assert first.verifier not in first.address
    assert "code_challenge_method=S256" in first.address
    assert "ui_locales=en" in second.address


@pytest.mark.parametrize("changes", [{"nonce": "another"}, {"nonce": ""}])
async def test_an_id_token_of_another_sign_in_is_not_believed(office: Office, changes: dict[str, str]) -> None:
    with pytest.raises(NotBelieved):
        await sign_in(office, office.provider(), **changes)


async def test_a_code_with_another_verifier_is_refused_by_the_provider(office: Office) -> None:
    with pytest.raises(ProviderRefused, match="invalid_grant"):
        await sign_in(office, office.provider(), verifier="x" * 64)


def signed(office: Office, claims: dict[str, Any], **how: Any) -> str:
    """A token as the provider would sign it, with other claims, or with another key."""
    good = {"iss": ADDRESS, "aud": "jejak-portal", "sub": "petugas-depan", "exp": int(time.time()) + 60}
    key = how.get("key", office.issuer._key)
    return jwt.encode(good | claims, key, algorithm=how.get("alg", "EdDSA"), headers={"kid": office.issuer.key_id})


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "another-client"},
        {"aud": ["jejak-portal", "another-client"]},
        {"aud": ["jejak-portal", "another-client"], "azp": "another-client"},
        {"exp": 1},
        {"nonce": "another"},
    ],
)
async def test_an_id_token_that_is_not_for_us_is_not_believed(office: Office, claims: dict[str, Any]) -> None:
    provider = office.provider()
    begun = await provider.begin(BACK, "id")
    code = office.choose(begun, "petugas-depan")
    office.bent["/token"] = lambda body: body | {"id_token": signed(office, {"nonce": begun.nonce} | claims)}
    with pytest.raises(NotBelieved):
        await provider.finish(code, verifier=begun.verifier, nonce=begun.nonce, redirect_uri=BACK)


@pytest.mark.parametrize(
    "how", [{"key": Ed25519PrivateKey.generate()}, {"alg": "HS256", "key": "x" * 40}, {"alg": "none", "key": None}]
)
@pytest.mark.parametrize("which", ["id_token", "access_token"])
async def test_a_token_that_the_provider_did_not_sign_is_not_believed(
    office: Office, which: str, how: dict[str, Any]
) -> None:
    provider = office.provider()
    begun = await provider.begin(BACK, "id")
    code = office.choose(begun, "petugas-depan")
    claims = {"nonce": begun.nonce, "roles": ["officer"]}
    claims |= {"iss": office.issuer.name, "aud": "jejak"} if which == "access_token" else {}
    office.bent["/token"] = lambda body: body | {which: signed(office, claims, **how)}
    with pytest.raises(NotBelieved):
        await provider.finish(code, verifier=begun.verifier, nonce=begun.nonce, redirect_uri=BACK)


async def test_an_access_token_that_our_services_would_refuse_signs_nobody_in(office: Office) -> None:
    with pytest.raises(NotBelieved):
        await sign_in(office, office.provider(audience="another-system"))


async def test_without_openid_in_the_scope_nobody_is_known(office: Office) -> None:
    office.bent["/token"] = lambda body: {name: value for name, value in body.items() if name != "id_token"}
    with pytest.raises(NotBelieved, match="openid"):
        await sign_in(office, office.provider())


async def test_somebody_without_a_role_here_is_told_so(office: Office) -> None:
    with pytest.raises(NoRole):
        await sign_in(office, office.provider(), "tanpa-peran")
    with pytest.raises(NoRole):
        await sign_in(office, office.provider(claim_roles="realm_access.roles"))


@pytest.mark.parametrize(
    "document",
    [
        lambda body: body | {"issuer": "https://evil.example"},
        lambda body: {},
        lambda body: [],
        lambda body: body | {"authorization_endpoint": 7},
    ],
)
async def test_a_description_of_another_provider_or_none_is_no_provider(office: Office, document: Any) -> None:
    office.bent[DISCOVERY] = document
    with pytest.raises(ProviderAway):
        await office.provider().begin(BACK, "id")


@pytest.mark.parametrize("status", [302, 404, 429, 500])
async def test_a_provider_that_does_not_answer_is_away(office: Office, status: int) -> None:
    office.status["/token"] = status
    with pytest.raises(ProviderAway):
        await sign_in(office, office.provider())


async def test_the_description_is_read_once_an_hour_and_the_last_one_serves_while_it_is_away(office: Office) -> None:
    now = [0.0]
    provider = office.provider()
    provider._monotonic = lambda: now[0]
    await sign_in(office, provider)
    await sign_in(office, provider)
    assert office.asked.count(DISCOVERY) == 1
    now[0], office.status[DISCOVERY] = 4000.0, 500
    await sign_in(office, provider)
    assert office.asked.count(DISCOVERY) > 1


async def test_an_answer_of_another_provider_is_not_believed(office: Office) -> None:
    provider = office.provider()
    await provider.check_sender(ADDRESS)
    await provider.check_sender(None)
    with pytest.raises(NotBelieved):
        await provider.check_sender("https://evil.example")
    office.bent[DISCOVERY] = lambda body: body | {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(NotBelieved):
        await office.provider().check_sender(None)


async def test_a_refresh_gives_the_same_person_a_new_token(office: Office) -> None:
    provider = office.provider()
    staff = await sign_in(office, provider)
    renewed = await provider.refresh(msgspec.structs.replace(staff, expires_at=0))
    assert renewed.expires_at > time.time()
    assert (renewed.subject, renewed.name, renewed.refresh_token) == (staff.subject, staff.name, staff.refresh_token)
    assert renewed.id_token == staff.id_token


async def test_a_refresh_that_gives_somebody_else_is_not_believed(office: Office) -> None:
    provider = office.provider()
    ratna, bagus = await sign_in(office, provider), await sign_in(office, provider, "petugas-belakang")
    with pytest.raises(NotBelieved):
        await provider.refresh(msgspec.structs.replace(ratna, refresh_token=bagus.refresh_token))


async def test_tabs_that_refresh_at_the_same_time_ask_once_and_all_get_the_new_token(office: Office) -> None:
    provider = office.provider()
    staff = msgspec.structs.replace(await sign_in(office, provider), expires_at=0)
    renewals, before = Renewals(provider), office.asked.count("/token")
    renewed = await asyncio.gather(*(renewals.renew(staff) for _ in range(5)))
    assert len({one.access_token for one in renewed}) == 1
    await renewals.renew(staff)
    assert office.asked.count("/token") == before + 1


async def test_a_provider_that_was_away_is_asked_again(office: Office) -> None:
    provider = office.provider()
    staff = msgspec.structs.replace(await sign_in(office, provider), expires_at=0)
    renewals = Renewals(provider)
    office.status["/token"] = 500
    with pytest.raises(ProviderAway):
        await renewals.renew(staff)
    del office.status["/token"]
    assert (await renewals.renew(staff)).subject == staff.subject


async def test_nothing_of_a_token_is_in_an_error(office: Office) -> None:
    office.bent["/token"] = lambda body: body | {"access_token": "rahasia.rahasia.rahasia"}
    with pytest.raises(ProviderError) as failure:
        await sign_in(office, office.provider())
    assert "rahasia" not in str(failure.value)


async def test_a_provider_that_signs_with_es256_is_believed_and_a_key_of_its_that_is_another_is_not(
    office: Office,
) -> None:
    key, stranger = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    public = json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": office.issuer.key_id, "alg": "ES256"}
    office.keys.write_text(json.dumps({"keys": [public]}))

    async def signed_in(signing: ec.EllipticCurvePrivateKey) -> Staff:
        provider = office.provider()
        begun = await provider.begin(BACK, "id")
        code = office.choose(begun, "petugas-depan")
        access = {"iss": office.issuer.name, "aud": "jejak", "roles": ["officer"]}
        how = {"alg": "ES256", "key": signing}
        office.bent["/token"] = lambda body: (
            body
            | {
                "id_token": signed(office, {"nonce": begun.nonce}, **how),
                "access_token": signed(office, access, **how),
            }
        )
        return await provider.finish(code, verifier=begun.verifier, nonce=begun.nonce, redirect_uri=BACK)

    assert (await signed_in(key)).roles == ["officer"]
    with pytest.raises(NotBelieved):
        await signed_in(stranger)
