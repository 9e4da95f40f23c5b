"""Tokens of providers that put roles, office and desk elsewhere than we do."""

from typing import Any

import pytest
from litestar import Request, get
from litestar.testing import TestClient

from runtime.auth import Principal, requires
from runtime.claims import claim_at
from runtime.settings import Settings
from runtime.web import create_app

KEYCLOAK = {
    "claim_roles": "realm_access.roles",
    "claim_office": "https://kantor.example/office",
    "claim_desk": "at.desk",
}


@get("/desk", guards=[requires("officer")])
async def desk(request: Request[Principal, Any, Any]) -> list[Any]:
    who = request.user
    return [sorted(who.roles), who.office, who.desk]


def ask(settings: Settings, headers: dict[str, str]) -> Any:
    with TestClient(create_app(settings=settings, title="t", version="1", routes=[desk])) as client:
        return client.get("/desk", headers=headers)


def test_roles_office_and_desk_are_read_where_the_settings_say(settings: Settings, bearer: Any) -> None:
    claims = {
        "realm_access": {"roles": ["officer", "offline_access"]},
        "https://kantor.example/office": "lebong",
        "at": {"desk": "front"},
    }
    answer = ask(settings.model_copy(update=KEYCLOAK), bearer(drop="roles", **claims))
    assert answer.json() == [["officer"], "lebong", "front"]


def test_roles_at_our_own_place_count_for_nothing_where_another_is_set(settings: Settings, bearer: Any) -> None:
    answer = ask(settings.model_copy(update=KEYCLOAK), bearer("officer", realm_access={"roles": []}))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "elsewhere", [{}, {"realm_access": "roles"}, {"realm_access": {}}, {"realm_access": {"roles": "officer"}}]
)
def test_a_token_without_a_list_of_roles_at_the_place_proves_nothing(
    settings: Settings, bearer: Any, elsewhere: dict[str, Any]
) -> None:
    answer = ask(settings.model_copy(update=KEYCLOAK), bearer("officer", **elsewhere))
    assert answer.status_code == 401
    assert "roles" in answer.json()["detail"]


def test_a_claims_whole_name_goes_before_its_path() -> None:
    assert claim_at({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert claim_at({"a": {"b": 2}}, "a.b") == 2
    assert claim_at({"a": [1]}, "a.b") is None
