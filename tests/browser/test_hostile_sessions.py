"""Whoever brings a session that is not theirs, or a page that is not ours: refused, told what to do, and shown nothing."""

import base64
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from deploy.local.remote import RunningSystem
from services.portal.main import build
from services.portal.session import Session, Sessions, Staff
from services.portal.settings import PortalSettings
from tests.browser.conftest import Portal

ROLES = ("officer", "supervisor", "auditor", "operator")
STAFF_PATHS = ("/petugas", "/papan", "/audit")
READERS, ACTORS = {"officer", "supervisor", "auditor"}, {"officer", "supervisor"}
FOR = {
    "/petugas": ACTORS,
    "/petugas/kasus/NUMBER": READERS,
    "/petugas/eskalasi": READERS,
    "/petugas/kasus/NUMBER/": ACTORS,
    "/papan": {"supervisor", "auditor"},
    "/audit": {"auditor"},
}
"""Who may see what is under a path, the longest that fits; processing lets the same roles read and act."""
FILLED = {"number": "NUMBER", "slug": "setujui"}
"""What is put into paths; `x` for other parameters."""
NAME = "Nama Pemohon Rahasia"
ELSEWHERE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
Signing = Callable[..., Staff]


@pytest.fixture(scope="module")
def case(jejak: RunningSystem) -> str:
    """An application that exists, of somebody whose name must not be seen."""
    intake = jejak.urls["intake"]
    body = {"service": "passport_new", "applicant": {"name": NAME, "email": "rahasia@example.org", "language": "id"}}
    opened = httpx.post(f"{intake}/drafts", json=body, headers={"Idempotency-Key": secrets.token_urlsafe(16)})
    assert opened.is_success, opened.text
    return str(opened.json()["number"])


@pytest.fixture
def browser(portal: Portal) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=portal.url, timeout=30) as client:
        yield client


def cookies(sessions: Sessions, session: Session) -> dict[str, str]:
    return {one.key: one.value or "" for one in sessions.close(session, {})}


def carrying(cookies: dict[str, str]) -> dict[str, str]:
    """The header of a browser that brings them."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def signed_in(portal: Portal, staff: Staff | None) -> tuple[dict[str, str], str]:
    """Cookies of somebody who signed in, and a token for their forms."""
    session = Session(staff=staff)
    form = session.form_token()
    return cookies(portal.sessions, session), form


def routes() -> list[tuple[str, str]]:
    """Every method and path that the portal has, with something in its parameters; not health, metrics and schema."""
    settings = PortalSettings(
        **{f"{name}_url": "http://127.0.0.1:1" for name in ("intake", "processing", "status", "notify")},
        session_key=SecretStr("A" * 43 + "="),
    )
    found = []
    for route in build(settings).routes:
        path = re.sub(r"\{(\w+)[^}]*\}", lambda found: FILLED.get(found[1], "x"), str(route.path))
        if not path.startswith(("/health", "/metrics", "/openapi", "/aset")):
            found += [(str(method), path) for method in getattr(route, "methods", ()) if method != "OPTIONS"]
    return sorted(set(found))


ROUTES = routes()
READING = [path for method, path in ROUTES if method == "GET" and path.startswith(STAFF_PATHS)]
WRITING = [(method, path) for method, path in ROUTES if method in ("POST", "PUT", "DELETE", "PATCH")]


def is_sign_in(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["Location"].startswith("/masuk?kembali=%2F")


def is_refused(answer: httpx.Response) -> bool:
    """Before anything was done: not because something in the form was wrong (422), nor after it was (2xx, 303)."""
    return answer.status_code in (401, 403, 404) or is_sign_in(answer) or asks_for_code(answer)


def asks_for_code(answer: httpx.Response) -> bool:
    """A page of an applicant, who must show the access code first."""
    path = urlsplit(answer.headers.get("Location", "")).path
    return answer.status_code == 303 and path.endswith("/masuk")


def assert_tells_nothing(answer: httpx.Response, *secret: str) -> None:
    """Nobody's name or address is in it, it is not to be kept, and a page says what to do."""
    for text in (NAME, "rahasia@example.org", *secret):
        assert text not in answer.text
        assert text not in str(answer.headers)
    assert answer.headers["cache-control"] == "no-store"
    if answer.status_code >= 400:
        assert "<h1>" in answer.text
        assert re.search(r'<a (class="[^"]*" )?href="/', answer.text)


# Cookies that were not made here, or not for this.


def bent(name: str, good: dict[str, str]) -> dict[str, str]:
    """A session's cookies, spoilt."""
    first = min(good)
    value = good[first]
    match name:
        case "cut":
            return good | {first: value[:-8]}
        case "one bit":
            return good | {first: value[:60] + ("A" if value[60] != "A" else "B") + value[61:]}
        case "random":
            return {first: secrets.token_urlsafe(len(value))}
        case "plain":
            return {first: base64.urlsafe_b64encode(b'{"staff":{"subject":"x","roles":["officer"]}}').decode()}
        case "not ASCII":
            return {first: "%C3%A9%00"}
    raise AssertionError(name)


@pytest.mark.parametrize("how", ["cut", "one bit", "random", "plain", "not ASCII"])
def test_a_cookie_that_was_tampered_with_is_nobodys(
    browser: httpx.Client, portal: Portal, staff: Signing, how: str
) -> None:
    good, _ = signed_in(portal, staff("officer"))
    assert not is_sign_in(browser.get("/keluar", headers=carrying(good)))
    assert "Petugas Percobaan" in browser.get("/keluar", headers=carrying(good)).text
    spoilt = browser.get("/keluar", headers=carrying(bent(how, good)))
    assert spoilt.status_code == 200
    assert_tells_nothing(spoilt, "Petugas Percobaan")


def test_a_cookie_sealed_with_another_key_is_nobodys(browser: httpx.Client, staff: Signing) -> None:
    forged = Sessions([Fernet.generate_key()], secure=False, hours=12)
    answer = browser.get("/keluar", headers=carrying(cookies(forged, Session(staff=staff("supervisor")))))
    assert_tells_nothing(answer, "Petugas Percobaan")


def test_a_cookie_that_is_too_old_is_nobodys(browser: httpx.Client, portal: Portal, staff: Signing) -> None:
    good, _ = signed_in(portal, staff("officer"))
    sealed = Fernet(base64.urlsafe_b64encode(base64.b64decode(portal.key)))
    (name, value), *rest = good.items()
    assert not rest
    old = sealed.encrypt_at_time(sealed.decrypt(value), int(time.time()) - 13 * 3600).decode()
    assert_tells_nothing(browser.get("/keluar", headers=carrying({name: old})), "Petugas Percobaan")


def test_halves_of_two_sessions_make_no_third(browser: httpx.Client, portal: Portal, staff: Signing) -> None:
    def large(name: str) -> dict[str, str]:
        session = Session(staff=staff("officer", name=name), notes={str(n): secrets.token_hex(40) for n in range(60)})
        return cookies(portal.sessions, session)

    one, other = large("Petugas Satu"), large("Petugas Dua")
    first, second = sorted(one)[:2]
    assert "Petugas Satu" in browser.get("/keluar", headers=carrying(one)).text
    mixed = browser.get("/keluar", headers=carrying(one | {second: other[second]}))
    assert_tells_nothing(mixed, "Petugas Satu", "Petugas Dua")
    assert_tells_nothing(browser.get("/keluar", headers=carrying({first: one[first]})), "Petugas Satu")


# Every page of staff, for everybody.


def test_staff_have_pages_and_all_of_them_are_looked_at() -> None:
    assert {path for path in STAFF_PATHS if path in READING} == set(STAFF_PATHS)


@pytest.mark.parametrize("path", READING)
def test_a_page_of_staff_asks_whoever_is_not_signed_in_to_sign_in(browser: httpx.Client, path: str, case: str) -> None:
    address = path.replace("NUMBER", case)
    answer = browser.get(address)
    assert is_sign_in(answer), (answer.status_code, path)
    assert_tells_nothing(answer)
    english = browser.get(f"/en{address}")
    assert english.headers["Location"].startswith("/en/masuk?kembali=%2F")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", READING)
def test_a_page_of_other_roles_is_refused_and_shows_nothing(
    browser: httpx.Client, portal: Portal, staff: Signing, case: str, path: str, role: str
) -> None:
    allowed = READERS if path == "/petugas" else FOR[max((start for start in FOR if path.startswith(start)), key=len)]
    good, _ = signed_in(portal, staff(role))
    answer = browser.get(path.replace("NUMBER", case), headers=carrying(good))
    if role not in allowed:
        assert answer.status_code == 403, path
        assert "Halaman ini bukan untuk peran Anda" in answer.text
    if answer.status_code == 403:
        assert_tells_nothing(answer)
    else:
        assert answer.status_code in (200, 303, 404, 503), path


@pytest.mark.parametrize("path", READING)
def test_a_token_that_no_service_accepts_opens_no_page_of_staff(
    browser: httpx.Client, portal: Portal, staff: Signing, case: str, path: str
) -> None:
    """A session whose roles say more than its token: the services decide, not the session."""
    lying = staff("officer", token="a.b.c")
    lying = Staff(
        subject="x", name="X", roles=list(ROLES), access_token="a.b.c", expires_at=lying.expires_at, office="lebong"
    )
    answer = browser.get(path.replace("NUMBER", case), headers=carrying(signed_in(portal, lying)[0]))
    assert answer.status_code != 500
    assert answer.status_code != 500
    assert_tells_nothing(answer)
    assert case not in answer.text.replace(f"/{case}", ""), "it says more of the case than its own address"


# What other sites send.


@pytest.mark.parametrize(("method", "path"), WRITING)
def test_what_another_site_sends_is_refused_whoever_is_signed_in(
    browser: httpx.Client, portal: Portal, staff: Signing, case: str, method: str, path: str
) -> None:
    good, form = signed_in(portal, staff("officer"))
    address = path.replace("NUMBER", case)
    for headers in (ELSEWHERE, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}):
        answer = browser.request(method, address, data={"csrf": form}, headers=headers | carrying(good))
        assert is_refused(answer), (method, path, headers, answer.status_code)
        assert not any(name.startswith("jejak") for name in answer.cookies), "it changed the session"


@pytest.mark.parametrize("path", [path for method, path in WRITING if method == "POST"])
@pytest.mark.parametrize("token", ["", "guessed" * 7, "another session's"])
def test_a_form_without_a_token_of_this_session_is_refused(
    browser: httpx.Client, portal: Portal, staff: Signing, case: str, path: str, token: str
) -> None:
    """Of forms only: other methods no form can send, and a script of another site only after asking (CORS)."""
    good, _ = signed_in(portal, staff("officer"))
    csrf = Session(secret="x").form_token() if token.startswith("another") else token
    address = path.replace("NUMBER", case)
    answer = browser.post(address, data={"csrf": csrf}, headers={"Origin": portal.url} | carrying(good))
    assert is_refused(answer), (path, answer.status_code)


# Signing in and out.


def sign_in(browser: httpx.Client, kembali: str = "", person: str = "petugas-depan") -> httpx.Response:
    """The whole way, as a browser without pages; the answer to the return."""
    begun = browser.get("/masuk/mulai", params={"kembali": kembali})
    assert begun.status_code == 303, begun.text
    chosen = httpx.post(begun.headers["Location"], data={"person": person})
    assert chosen.status_code == 303, chosen.text
    return browser.get(chosen.headers["Location"])


@pytest.mark.parametrize(
    "kembali",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/en//evil.example",
        "javascript:x",
    ],
)
def test_signing_in_leads_to_no_other_site(browser: httpx.Client, portal: Portal, kembali: str) -> None:
    page = browser.get("/masuk", params={"kembali": kembali})
    links = re.findall(r'(?:href|action|src|content)="([^"]*)"', page.text)
    assert [link for link in links if not link.startswith(("/", "#", portal.url)) and "evil" in link] == []
    assert "kembali" not in next(link for link in links if link.startswith("/masuk/mulai"))
    back = sign_in(browser, kembali)
    assert (back.status_code, back.headers["Location"]) == (303, "/petugas")


def test_the_way_back_works_once_and_in_the_browser_that_began_it(browser: httpx.Client, portal: Portal) -> None:
    begun = browser.get("/masuk/mulai")
    chosen = httpx.post(begun.headers["Location"], data={"person": "petugas-depan"}).headers["Location"]
    with httpx.Client(base_url=portal.url) as victim:
        refused = victim.get(chosen)
        assert refused.status_code == 400
        assert "Set-Cookie" not in refused.headers
    assert browser.get(chosen).status_code == 303
    assert browser.get(chosen).status_code == 400
    assert "Ratna" in browser.get("/keluar").text


def test_the_provider_is_told_neither_the_page_nor_anything_of_the_session(browser: httpx.Client) -> None:
    begun = browser.get("/masuk/mulai", params={"kembali": "/lacak/LBG-7F3K-9QXD-2M4T-8HVZ-C"})
    assert "LBG-7F3K" not in begun.headers["Location"]
    assert begun.headers["Referrer-Policy"] == "no-referrer"


def test_cookies_of_staff_are_out_of_reach_of_scripts_and_of_other_sites(browser: httpx.Client) -> None:
    back = sign_in(browser)
    for cookie in back.headers.get_list("set-cookie"):
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        assert "domain" not in cookie.lower()


def test_a_cookie_that_was_kept_is_worth_nothing_after_signing_out(browser: httpx.Client, portal: Portal) -> None:
    sign_in(browser)
    kept = dict(browser.cookies)
    page = browser.get("/keluar").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    left = browser.post("/keluar", data={"csrf": csrf[1]})
    assert left.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert left.headers["cache-control"] == "no-store"
    assert not any(name.startswith("jejak") for name in browser.cookies)
    with httpx.Client(base_url=portal.url, headers=carrying(kept)) as thief:
        assert "Ratna" not in thief.get("/keluar").text
        (name, value), *_ = sorted(kept.items())
        other_place = {"Cookie": f"{name}-1={value}"} if len(kept) == 1 else carrying(kept)
        assert "Ratna" not in thief.get("/keluar", headers=other_place).text
        for path in STAFF_PATHS:
            if path in READING:
                assert is_sign_in(thief.get(path))


def test_nothing_of_tokens_or_people_is_in_the_portals_log(browser: httpx.Client, jejak: RunningSystem) -> None:
    sign_in(browser)
    browser.get("/masuk/kembali?code=code-that-is-secret&state=x")
    if os.environ.get("JEJAK_TEST_STATE"):
        pytest.skip("the portal under test writes elsewhere")
    log = (jejak.state.logs / "portal.log").read_text()
    for text in ("eyJ", "code-that-is-secret", "Ratna", NAME):
        assert text not in log


def test_no_address_of_ours_names_a_person(browser: httpx.Client) -> None:
    back: Any = sign_in(browser)
    assert "Ratna" not in str(back.headers)
