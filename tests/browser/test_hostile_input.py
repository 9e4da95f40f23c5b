"""Whatever is typed, named, sent or followed: nothing runs, nothing falls over, and what is refused says what to do."""

import http.client
import re
import secrets
import select
import socket
import ssl
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import httpx
import psycopg
import pytest
from playwright.sync_api import Page, expect

from contracts.number import parse_number
from deploy.local.remote import RunningSystem
from services.portal.session import Session
from tests.browser.conftest import Opening, Portal
from tests.browser.people import Application, People, document
from tests.browser.test_hostile_sessions import ROUTES

SCRIPT = "\"'><script>window.__hit=1;alert(1)</script><img src=x onerror=window.__hit=1>"
PAGES = (
    "/layanan?cari={}", "/layanan?kategori={}", "/layanan/{}", "/bandingkan?layanan={}", "/bantu-pilih?what={}",
    "/kantor/{}", "/ajukan/{}", "/ajukan/imk?di={}", "/lacak?nomor={}", "/lacak/{}", "/lacak/{}/bayar",
    "/lacak/{}/masuk?lalu={}", "/draf/{}", "/draf/{}/masuk", "/permohonan/{}/tanda-terima", "/pendapat/{}",
    "/masuk?kembali={}", "/masuk?kembali=/lacak/{}", "/saya/tautan/{}", "/saya?{}", "/{}",
)  # fmt: skip
ECHOING = {"/layanan?cari={}": "#cari", "/lacak?nomor={}": "main input[name=nomor]"}
"""Pages that show again what was asked, and the field that does."""
LANGUAGES = pytest.mark.parametrize("prefix", ["", "/en"])
CLIMBING = (
    "%2e%2e",
    "%2E%2e%2F%2e%2e%2Fhealth",
    "..%5c..%5cetc%5cpasswd",
    "%00",
    "%ff%fe",
    "%0d%0aX-Evil:%201",
    "%F0%9F%92%A5",
    "9" * 2000,
)
GIGABYTES = 4 * 2**30
SEEN = "main script, main img[src=x], [onerror]"


def assert_nothing_ran(page: Page) -> None:
    """No script of ours that is not ours, and one heading that says where one is."""
    assert page.locator("h1").count() == 1, page.url
    assert page.evaluate("window.__hit === undefined"), page.url
    assert page.locator(SEEN).count() == 0, f"{page.url}: markup became part of the page"


def listening(page: Page) -> list[str]:
    """Dialogs that open from now on, by address: there must be none."""
    opened: list[str] = []
    page.on("dialog", lambda dialog: (opened.append(page.url), dialog.dismiss()))
    return opened


# Markup, wherever something can be typed.


@LANGUAGES
def test_a_script_in_an_address_or_a_question_does_not_run(open_page: Opening, prefix: str) -> None:
    page = open_page()
    opened = listening(page)
    for path in PAGES:
        answer = page.goto(prefix + path.replace("{}", quote(SCRIPT, safe="")))
        assert answer is not None
        assert answer.status < 500 or (answer.status, path[:6]) == (503, "/masuk"), page.url
        assert_nothing_ran(page)
        if field := ECHOING.get(path):
            assert page.locator(field).first.input_value() == SCRIPT
    assert not opened


@LANGUAGES
@pytest.mark.parametrize("service", ["passport_new", "imk"])
def test_a_script_in_every_field_of_the_applicant_is_kept_as_text_beside_what_is_wrong(
    open_page: Opening, prefix: str, service: str
) -> None:
    page = open_page()
    opened = listening(page)
    page.goto(f"{prefix}/ajukan/{service}/pemohon")
    names = []
    for field in page.locator("main form[method=post] [name]:not([type=hidden]):not(button)").all():
        names.append(
            field.evaluate(
                "(one, text) => { one.removeAttribute('maxlength'); if (one.type === 'date') one.type = 'text';"
                " if (one.options) one.add(new Option(text, text, true, true)); one.value = text; return one.name; }",
                SCRIPT,
            )
        )
    assert {"name", "email", "phone", "date_of_birth", "place_of_birth"} <= set(names)
    with page.expect_navigation():
        page.locator("main form[method=post] button[type=submit]").click()
    expect(page.locator("#errors")).to_have_count(1)
    assert page.locator("#name").input_value() == SCRIPT
    assert page.locator("#place_of_birth").input_value() == SCRIPT
    assert_nothing_ran(page)
    assert not opened


@LANGUAGES
def test_markup_that_an_applicant_is_called_is_shown_as_text_on_every_page_of_the_draft(
    open_page: Opening, prefix: str
) -> None:
    page = open_page()
    opened = listening(page)
    page.goto(f"{prefix}/ajukan/passport_new/pemohon")
    for name, text in {"name": SCRIPT, "place_of_birth": SCRIPT, "email": "a@example.org"}.items():
        page.locator(f"#{name}").fill(text)
    page.locator("#date_of_birth").fill("1990-08-17")
    with page.expect_navigation():
        page.locator("main form[method=post] button[type=submit]").click()
    draft = urlsplit(page.url).path
    assert re.search("/draf/LBG-[^/]+$", unquote(draft)), page.url
    assert_nothing_ran(page)
    page.goto(f"{draft}/wakil")
    page.locator("input[name=for][value=other]").check()
    page.locator("[name=representative]").fill(SCRIPT)
    page.locator("[name=relation]").first.select_option("parent")
    page.locator("[name=consent]").check()
    with page.expect_navigation():
        page.locator("main form[method=post] button[type=submit]").click()
    for ending in ("", "/pemohon", "/wakil", "/dokumen", "/bantuan", "/simpan", "/periksa"):
        page.goto(draft + ending)
        assert_nothing_ran(page)
    assert page.locator("main").inner_text().count(SCRIPT) == 3, "name, place of birth, representative"
    assert not opened


# Paths that climb, and bytes that are no text.


def bare(portal: Portal, path: str, cookies: str) -> tuple[int, str, dict[str, str]]:
    """GET exactly this path: an ordinary client would tidy it up first."""
    at = urlsplit(portal.url)
    line = http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
    try:
        line.request("GET", path, headers={"Cookie": cookies})
        answer = line.getresponse()
        return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        line.close()


CLIMBED = sorted(
    {
        path
        for method, path in ROUTES
        if method == "GET"
        and path.startswith(
            ("/layanan/", "/kantor/", "/ajukan/", "/draf/", "/lacak/", "/saya/", "/pendapat/", "/permohonan/")
        )
    }
)


@pytest.mark.parametrize("trick", CLIMBING, ids=lambda trick: trick[:12])
def test_a_path_that_climbs_or_is_no_text_ends_at_a_page_that_says_so(
    portal: Portal, people: People, trick: str
) -> None:
    one = people.draft()
    _, cookies = carried(portal, one)
    for path in CLIMBED:
        last = path.rpartition("/")
        for tried in {path.replace("NUMBER", trick), f"{last[0].replace('NUMBER', one.number)}/{trick}"}:
            if trick not in tried:
                continue
            status, text, headers = bare(portal, tried, cookies)
            assert status < 500, (tried, status, text)
            assert "x-evil" not in headers
            if "/unggah/" in tried and headers["content-type"].startswith("application/json"):
                continue  # for the script of our own page, which has words for it
            if not 300 <= status < 400 and not path.endswith("/langsung"):  # a stream for a script, and no page
                assert "<h1" in text, tried
                assert 'href="/' in text, f"{tried}: nowhere to go"


# Files.


def carried(portal: Portal, *known: Application) -> tuple[str, str]:
    """A session that knows these: a token for its forms, and its cookies."""
    session = Session(applications={one.number: one.code for one in known})
    token = session.form_token()
    return token, "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in portal.session(session))


def archive(name: str) -> bytes:
    """A small archive of something large."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, b"0" * 30_000_000)
    return out.getvalue()


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
NAMES = ("../../../../etc/passwd", "..\\..\\x.pdf", '"><script>window.__hit=1</script>.pdf', "a\x00.pdf", "x" * 3000)
NO_DOCUMENTS = {
    "an SVG with a script": (
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>window.__hit=1</script></svg>',
        "image/svg+xml",
    ),
    "an SVG called PNG": (
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>window.__hit=1</script></svg>',
        "image/png",
    ),
    "HTML called PDF": (b"<!doctype html><script>window.__hit=1</script>", "application/pdf"),
    "a zip bomb": (archive("x"), "application/zip"),
    "a zip bomb called PDF": (archive("x"), "application/pdf"),
    "a zip bomb called Word": (archive("word/document.xml"), WORD),
    "no type at all": (b"MZ\x90\x00", ""),
}


@pytest.fixture(scope="module")
def draft(people: People) -> Application:
    """A draft to send files to."""
    return people.draft()


def send(portal: Portal, one: Application, file: tuple[str, bytes, str], prefix: str = "") -> httpx.Response:
    token, cookies = carried(portal, one)
    return httpx.post(
        f"{portal.url}{prefix}/draf/{one.number}/dokumen/identity_card",
        headers={"Cookie": cookies},
        data={"csrf": token},
        files={"file": file},
        timeout=30,
    )


@pytest.mark.parametrize("what", NO_DOCUMENTS)
def test_a_file_that_is_no_document_is_refused_whatever_its_name_and_says_what_to_send(
    portal: Portal, draft: Application, what: str
) -> None:
    content, media_type = NO_DOCUMENTS[what]
    for name in NAMES:
        answer = send(portal, draft, (name, content, media_type))
        assert answer.status_code in (415, 422), (name, answer.status_code)
        assert answer.text.count("<h1") == 1
        assert "Pilih berkas lain" in answer.text
        assert "window.__hit" not in answer.text
        assert "passwd" not in answer.text
    assert "Choose another file" in send(portal, draft, ("a.pdf", content, media_type), "/en").text


@pytest.mark.parametrize("name", NAMES, ids=["climbing", "backslashes", "script", "NUL", "long"])
def test_the_name_of_a_file_is_never_used(portal: Portal, people: People, jejak: RunningSystem, name: str) -> None:
    one = people.draft()
    answer = send(portal, one, (name, document("identity_card"), "application/pdf"))
    assert answer.status_code == 303, answer.text
    _, cookies = carried(portal, one)
    page = httpx.get(f"{portal.url}/draf/{one.number}/dokumen", headers={"Cookie": cookies}, timeout=30)
    kept = read(jejak, one)
    assert [stored["requirement"] for stored in kept["documents"]] == ["identity_card"]
    for text in (page.text, str(kept)):
        assert not any(part in text for part in ("passwd", "x.pdf", "window.__hit", "x" * 100))


# Four gigabytes.


def process_at(url: str) -> int:
    """Which process listens at `url`, by what the kernel knows of sockets."""
    at = urlsplit(url)
    wanted = f":{at.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(wanted) and row[3] == "0A"}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(str(entry.readlink()) in sockets for entry in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:
            continue
    raise LookupError(f"nobody listens at {url}")


def memory_kib(pid: int) -> int:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def pour(url: str, head: bytes, begin: bytes, *, chunked: bool) -> tuple[int, bytes]:
    """Send four gigabytes until somebody answers or hangs up: how much went, and what came back."""
    at, sent, said, ends = urlsplit(url), 0, b"", time.monotonic() + 60
    piece = b"x" * 65536
    with socket.create_connection((at.hostname or "", at.port or 80), timeout=20) as line:
        line.sendall(head)
        while sent < GIGABYTES:
            assert time.monotonic() < ends, f"still taken after {sent} bytes"
            if select.select([line], [], [], 0)[0]:
                break
            body = piece if sent else begin
            try:
                line.sendall(f"{len(body):x}\r\n".encode() + body + b"\r\n" if chunked else body)
            except ConnectionError:
                break
            sent += len(body)
        try:
            while more := line.recv(65536):
                said += more
        except OSError:
            pass
    return sent, said


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_four_gigabytes_are_refused_soon_and_fill_no_memory(
    portal: Portal, draft: Application, jejak: RunningSystem, chunked: bool
) -> None:
    token, cookies = carried(portal, draft)
    before_all = read(jejak, draft)
    mark = secrets.token_hex(8)
    how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {GIGABYTES}"
    head = (
        f"POST /draf/{draft.number}/dokumen/identity_card HTTP/1.1\r\nHost: {urlsplit(portal.url).netloc}\r\n"
        f"Cookie: {cookies}\r\nContent-Type: multipart/form-data; boundary={mark}\r\n{how}\r\n\r\n"
    )
    begin = (
        f'--{mark}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{token}\r\n--{mark}\r\n'
        'Content-Disposition: form-data; name="file"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\n'
    )
    processes = {"portal": process_at(portal.url), "intake": jejak.pid("intake")}
    before = {name: memory_kib(pid) for name, pid in processes.items()}
    sent, said = pour(portal.url, head.encode(), begin.encode(), chunked=chunked)
    grown = {name: memory_kib(pid) - before[name] for name, pid in processes.items()}
    assert sent < 100 * 2**20, "the limit is 10 MB, and a little more is taken off the line"
    if said:  # else the line was cut before it could be read
        assert said.startswith(b"HTTP/1.1 413 "), said[:300]
        assert "terlalu besar" in said.decode(errors="replace")
    assert max(grown.values()) < 30 * 1024, grown
    assert read(jejak, draft) == before_all
    assert httpx.get(f"{portal.url}/health/ready", timeout=30).is_success


# Links.


class Kept(NamedTuple):
    """A link, and what must not be seen through it any more."""

    path: str
    one: Application
    address: str


@pytest.fixture
def link(people: People, jejak: RunningSystem) -> Kept:
    """A link to the applications of somebody, as notify would put it into a mail."""
    address = f"{secrets.token_hex(6)}@example.org"
    one = people.draft(email=address)
    system = {"Authorization": f"Bearer {jejak.tokens['system']}"}
    wanted = {"purpose": "mine", "address": address, "language": "id"}
    with httpx.Client(base_url=jejak.urls["intake"], headers=system | somewhere(), timeout=30) as intake:
        assert intake.post("/links", json=wanted).is_success
        with psycopg.connect(jejak.database, options="-c search_path=intake") as database:
            row = database.execute(f"SELECT l.id {OF_ADDRESS}", [one.number]).fetchone()
        assert row is not None
        message = intake.post(f"/links/{row[0]}/message")
    assert message.is_success, message.text
    return Kept(f"/saya/tautan/{message.json()['token']}", one, address)


OF_ADDRESS = "FROM links l JOIN address_marks m ON l.digest = m.digest WHERE m.application = %s AND l.used_at IS NULL"


def somewhere() -> dict[str, str]:
    """The header of a visitor whom no limit has counted yet."""
    return {"X-Forwarded-For": f"2001:db8::{secrets.token_hex(2)}:{secrets.token_hex(2)}"}


def elsewhere() -> httpx.HTTPTransport:
    """From an address of this machine that no limit has counted yet."""
    return httpx.HTTPTransport(local_address="127." + ".".join(str(1 + secrets.randbelow(250)) for _ in range(3)))


def follow(portal: Portal, path: str) -> httpx.Response:
    """Open a link and press its button, as somebody whom the portal has never seen."""
    with httpx.Client(base_url=portal.url, transport=elsewhere(), timeout=30) as stranger:
        asked = stranger.get(path)
        form = re.search(r'name="csrf" value="([^"]+)"', asked.text)
        assert form is not None, asked.text
        done = stranger.post(path, data={"csrf": form[1]})
        if done.status_code >= 400:
            assert stranger.get("/saya").text.count("LBG-") == 0, "it was remembered all the same"
        return done


def assert_dead(answer: httpx.Response, link: Kept, status: int) -> None:
    """A page with a way on, and nothing of whom the link was for."""
    assert answer.status_code == status
    assert answer.text.count("<h1") == 1
    assert 'href="/saya/tautan"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert_silent(answer, link.one, link.address)


def assert_silent(answer: httpx.Response, one: Application, address: str) -> None:
    for secret in (one.code, address, "Pemohon Percobaan"):
        assert secret not in answer.text
        assert secret not in str(answer.headers)


def test_a_link_that_was_used_leads_whoever_stole_it_nowhere(portal: Portal, link: Kept) -> None:
    assert follow(portal, link.path).headers["Location"] == "/saya"
    stolen = follow(portal, link.path)
    assert_dead(stolen, link, 410)
    assert link.one.number not in stolen.text
    assert "sudah dipakai" in stolen.text


def test_a_link_that_came_too_late_leads_nowhere(portal: Portal, jejak: RunningSystem, link: Kept) -> None:
    with psycopg.connect(jejak.database, options="-c search_path=intake") as database:
        aged = database.execute(
            f"UPDATE links SET expires_at = now() - interval '1 second' WHERE id IN (SELECT l.id {OF_ADDRESS})",
            [link.one.number],
        )
        assert aged.rowcount == 1
    late = follow(portal, link.path)
    assert_dead(late, link, 410)
    assert link.one.number not in late.text
    assert "sudah dipakai" not in late.text


def test_links_that_were_made_up_lead_nowhere_and_use_no_other_up(portal: Portal, link: Kept) -> None:
    for_another_purpose = "d" + link.path.rpartition("/")[2][1:]
    for token in ("s" + "A" * 43, "d" + "A" * 43, for_another_purpose):
        assert_dead(follow(portal, f"/saya/tautan/{token}"), link, 404)
    assert follow(portal, link.path).headers["Location"] == "/saya"


# Numbers of others.


def read(jejak: RunningSystem, one: Application) -> dict[str, Any]:
    """Everything that intake keeps of an application."""
    with httpx.Client(auth=tuple(one), transport=httpx.HTTPTransport(verify=PLAIN), timeout=30) as line:
        return read_by(line, jejak, one)


PLAIN = ssl.create_default_context()
"""Made once: it takes longer than the questions."""


def read_by(line: httpx.Client, jejak: RunningSystem, one: Application) -> dict[str, Any]:
    base = f"{jejak.urls['intake']}/drafts/{one.number}"
    found: dict[str, Any] = line.get(base).json()
    assert found["number"] == one.number
    for part in ("form", "applicant"):
        answer = line.get(f"{base}/{part}")
        found[part] = answer.json() if answer.is_success else answer.status_code
    return found


PUBLIC = ("/lacak/NUMBER", "/lacak/NUMBER/bayar", "/lacak/NUMBER/langsung", "/lacak/NUMBER/kabar")
"""What a number alone opens, by design: the status names nobody."""
OF_APPLICANTS = [
    (method, path)
    for method, path in ROUTES
    if "NUMBER" in path and path.startswith(("/draf", "/lacak", "/permohonan")) and path not in PUBLIC
    if method in ("GET", "POST", "PUT", "PATCH", "DELETE")
]
FILLED_IN = {
    "name": "Pencuri", "email": "pencuri@example.org", "date_of_birth": "1990-01-01", "for": "self", "answer": "yes",
    "needs": "wheelchair", "yakin": "ya", "alasan": "", "kode": "0000-0000-0000-0000-0000",
}  # fmt: skip


@pytest.fixture(scope="module")
def victims(people: People) -> list[tuple[Application, str]]:
    """A draft with a document, and an application handed in; with the addresses of both."""
    first, second = (f"{secrets.token_hex(6)}@example.org" for _ in range(2))
    draft = people.draft(email=first)
    people.attach(draft, "identity_card")
    return [(draft, first), (people.submit(email=second), second)]


def test_applicants_have_pages_and_all_of_them_are_tried() -> None:
    pages = {path for _, path in OF_APPLICANTS}
    assert {"/draf/NUMBER", "/draf/NUMBER/simpan", "/permohonan/NUMBER/tanda-terima", "/lacak/NUMBER/tarik"} <= pages
    assert len(pages) > 15


@pytest.mark.parametrize(("method", "path"), OF_APPLICANTS)
def test_a_number_that_is_not_in_the_session_shows_nothing_and_changes_nothing(
    portal: Portal,
    jejak: RunningSystem,
    draft: Application,
    victims: list[tuple[Application, str]],
    method: str,
    path: str,
) -> None:
    token, cookies = carried(portal, draft)
    for (one, address), prefix in zip(victims, ("", "/en"), strict=True):
        before = read(jejak, one)
        at = portal.url + prefix + path.replace("NUMBER", one.number).replace("/x", "/identity_card")
        sent: dict[str, Any] = {"data": FILLED_IN | {"csrf": token}} if method != "GET" else {}
        if path.endswith("/dokumen/x"):
            sent["files"] = {"file": ("a.pdf", document("identity_card"), "application/pdf")} if sent else None
        headers = {"Cookie": cookies, "X-CSRF": token}
        answer = httpx.request(method, at, headers=headers, timeout=30, verify=PLAIN, **sent)
        assert answer.status_code in (303, 401, 403, 404, 422) or path.endswith("/masuk"), answer.status_code
        assert answer.status_code < 500
        assert_silent(answer, one, address)
        if answer.status_code == 303:
            assert one.code not in answer.headers["Location"]
        else:
            assert answer.text.count("<h1") == 1
        assert read(jejak, one) == before
        if path.endswith("/simpan"):
            assert links_of(jejak, one) == 0, "somebody was sent a mail"


def links_of(jejak: RunningSystem, one: Application) -> int:
    """How many links to an application were asked for."""
    with psycopg.connect(jejak.database, options="-c search_path=intake") as database:
        row = database.execute(
            "SELECT count(*) FROM links WHERE application = %s", [parse_number(one.number)]
        ).fetchone()
    return int(row[0]) if row else 0
