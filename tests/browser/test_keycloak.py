"""Another provider than our own: a real Keycloak, with its roles where Keycloak puts them, and its tokens in our services."""

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from playwright.sync_api import Browser, Page, expect

from services.portal.session import Session, Sessions
from tests.browser.keycloak.server import CannotHave, keycloak
from tests.conftest import Infrastructure
from tests.system.processing_process import Processing, submission
from tests.system.service_process import ServiceProcess, new_number

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(400)]
PLACES = {"JEJAK_CLAIM_ROLES": "realm_access.roles"}
NOWHERE = "http://127.0.0.1:1"


@dataclass
class PortalProcess(ServiceProcess):
    """The portal, alone."""

    name: ClassVar[str] = "portal"


@pytest.fixture
def issuer() -> Iterator[str]:
    """The realm of a running Keycloak."""
    try:
        with keycloak() as address:
            yield address
    except CannotHave as reason:
        pytest.skip(str(reason))


def sign_in(page: Page, url: str, username: str) -> None:
    """From the portal through Keycloak's own form and back."""
    page.goto(f"{url}/masuk")
    page.get_by_role("link", name="Masuk dengan akun kantor").click()
    page.locator("#username").fill(username)
    page.locator("#password").fill("only-for-tests")
    page.locator("#kc-login").click()
    page.wait_for_url(f"{url}/**")


def test_staff_of_a_keycloak_realm_work_here_with_the_roles_that_they_have_there(
    chromium: Browser, issuer: str, infrastructure: Infrastructure, fresh_database: str, fresh_topic_prefix: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "processing").mkdir()
    (tmp_path / "portal").mkdir()
    topic, key = f"{fresh_topic_prefix}log", base64.b64encode(secrets.token_bytes(32)).decode()
    trust = {"JEJAK_ISSUER": issuer, "JEJAK_JWKS": f"{issuer}/protocol/openid-connect/certs", **PLACES}
    processing = Processing(tmp_path / "processing", infrastructure.kafka, fresh_database, topic)
    portal = PortalProcess(tmp_path / "portal", "", "", topic)
    try:
        processing.start(**trust)
        processing.publish(submission(), number := new_number())
        portal.start(
            **trust,
            JEJAK_PROCESSING_URL=str(processing.http.base_url),
            **{f"JEJAK_{name}_URL": NOWHERE for name in ("INTAKE", "STATUS", "NOTIFY")},
            JEJAK_SESSION_KEY=key,
            JEJAK_OIDC_ISSUER=issuer,
            JEJAK_OIDC_CLIENT_SECRET="only-for-tests",
        )
        url = str(portal.http.base_url).rstrip("/")
        officer = chromium.new_context(locale="id-ID").new_page()
        sign_in(officer, url, "petugas")
        expect(officer).to_have_url(f"{url}/petugas")
        expect(officer.get_by_text(number).first).to_be_visible()
        staff = session_of(officer, key).staff
        assert staff is not None
        assert (staff.name, staff.roles, staff.office, staff.desk) == ("Petugas Contoh", ["officer"], "lebong", "front")
        assert staff.refresh_token
        cases = processing.http.get("/cases", headers={"Authorization": f"Bearer {staff.access_token}"})
        assert [case["number"] for case in cases.json()["cases"]] == [number]
        officer.goto(f"{url}/keluar")
        officer.locator("main").get_by_role("button", name="Keluar").click()
        expect(officer.get_by_role("heading", level=1)).to_have_text("Anda sudah keluar")
        expect(officer).to_have_url(f"{url}/keluar")
        officer.goto(f"{url}/masuk/mulai")
        expect(officer.locator("#username")).to_be_visible()  # Keycloak's own session has ended, too

        auditor = chromium.new_context(locale="id-ID").new_page()
        sign_in(auditor, url, "auditor")
        expect(auditor).to_have_url(f"{url}/audit")
        refused = auditor.goto(f"{url}/petugas/bantuan")
        assert refused is not None
        assert refused.status == 403
    finally:
        portal.stop()
        processing.stop()


def session_of(page: Page, key: str) -> Session:
    """What the browser's cookies hold."""
    sealing = Sessions([base64.urlsafe_b64encode(base64.b64decode(key))], secure=False, hours=12)
    return sealing.open({str(one["name"]): str(one["value"]) for one in page.context.cookies()})
