"""Unmistakable personal data goes through the whole system. It is found nowhere but in the mail to its owner."""

import base64
import email
import json
import secrets
import time
from collections.abc import Iterable, Iterator
from email import policy
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus, unquote

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Page, Request, expect
from psycopg import sql

from deploy.demo.people import document
from deploy.local.remote import RunningSystem
from tests.browser.conftest import Opening, Portal
from tests.browser.looking import at, once_it_is
from tests.browser.people import People
from tests.browser.test_mine import mailed
from tests.browser.test_signing_in import sign_in
from tests.browser.walking import Applicant

pytestmark = pytest.mark.timeout(180)
KEPT: Final = """async () => {
  const found = { local: { ...localStorage }, tab: { ...sessionStorage }, cookie: document.cookie, caches: [], stores: [] };
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const one of await cache.keys()) found.caches.push([name, one.url, await (await cache.match(one)).text()]);
  }
  for (const { name } of await indexedDB.databases()) {
    const base = await new Promise((done, failed) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => done(asked.result);
      asked.onerror = failed;
    });
    for (const store of base.objectStoreNames) {
      const all = await new Promise((done) => {
        const asked = base.transaction(store).objectStore(store).getAll();
        asked.onsuccess = () => done(asked.result);
      });
      found.stores.push([name, store, all]);
    }
  }
  return JSON.stringify(found);
}"""
EMPTIED: Final = """async () => {
  for (const name of await caches.keys())
    for (const one of await (await caches.open(name)).keys()) if (one.url.includes("/lacak/")) return false;
  return true;
}"""
PUSHING: Final = """kept => {
  PushManager.prototype.subscribe = async () => ({ toJSON: () => kept });
}"""


class Place(NamedTuple):
    """Somewhere that things are written to, and what is there."""

    name: str
    content: bytes


def guises(text: str) -> set[bytes]:
    """How `text` may be written: plainly, as part of an address, in hexadecimal, in Base64 wherever it begins."""
    raw = text.encode()
    found = {raw, quote(text).encode(), quote_plus(text).encode(), raw.hex().encode()}
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + raw)
        core = coded[
            (0, 2, 3)[shift] : 8 * (shift + len(raw)) // 6
        ]  # what does not depend on what stands before and after
        found |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def finds(text: str, places: Iterable[Place]) -> list[str]:
    """The names of the places where `text` is, in any guise and any case."""
    wanted = [one.lower() for one in guises(text)]
    return [place.name for place in places if any(one in place.content.lower() for one in wanted)]


def logs(jejak: RunningSystem) -> list[Place]:
    """All logs of all parts, those that were rotated away too."""
    return [Place(path.name, path.read_bytes()) for path in sorted(jejak.state.logs.iterdir()) if path.is_file()]


def documents(jejak: RunningSystem, since: float) -> list[Place]:
    """The files that uploads became, of the last while, with their names."""
    folder = jejak.state.path("documents")
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime >= since]
    return [Place(f"document {one.name}", str(one).encode() + one.read_bytes()) for one in files]


def tables(jejak: RunningSystem) -> Iterator[Place]:
    """Every table of every schema as text; what is binary, in hexadecimal."""
    with psycopg.connect(jejak.database, autocommit=True) as database:
        rows = database.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in rows:
            query = sql.SQL("COPY (SELECT t::text FROM {} t) TO STDOUT").format(sql.Identifier(schema, table))
            with database.cursor().copy(query) as copy:
                yield Place(f"{schema}.{table}", b"".join(copy))


def metrics(jejak: RunningSystem, portal: Portal) -> list[Place]:
    """What every service tells whoever measures it."""
    urls = {name: url for name, url in jejak.urls.items() if name != "portal"} | {"portal": portal.url}
    services = ("intake", "processing", "status", "notify", "portal")
    return [Place(f"metrics of {name}", httpx.get(f"{urls[name]}/metrics").content) for name in services]


def mails(jejak: RunningSystem) -> Iterator[tuple[str, Place]]:
    """Every mail with the address that it goes to, its parts decoded."""
    for path in jejak.mail.glob("new/*"):
        mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        parts = [str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"]
        yield (
            mail["To"],
            Place("mail", "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *parts]).encode()),
        )


def kept(page: Page, when: str) -> Place:
    """All that this browser keeps of our pages, and its cookies as they are."""
    stored = page.evaluate(KEPT) + json.dumps(page.context.cookies())
    return Place(f"browser {when}", stored.encode())


class Canary(Applicant):
    """Somebody whose every paper tells of them, in its words and in its file's name."""

    def __init__(self, page: Page, person: dict[str, str]) -> None:
        super().__init__(page)
        self.person = person
        self.requested: list[str] = []
        page.context.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        self.requested += [request.url, request.headers.get("referer", "")]

    def upload(
        self, requirement: str, file_name: str, content: bytes = b"", media_type: str = "application/pdf"
    ) -> None:
        """A paper of this person."""
        about = f"{requirement} {' '.join(self.person.values())}"
        super().upload(requirement, f"{self.person['name']} {file_name}", document(about), media_type)

    @property
    def urls(self) -> Place:
        """Every address that the browser asked for, and said that it came from."""
        return Place("requested addresses", "\n".join(self.requested).encode())


def somebody(**more: str) -> dict[str, str]:
    """A person whose name is that of nobody else."""
    mark = secrets.token_hex(5)
    return {
        "name": f"Kenari Zq{mark}",
        "email": f"kenari.{mark}@example.org",
        "phone": f"0812{secrets.randbelow(90_000_000) + 10_000_000}",
        "date_of_birth": "1990-08-17",
        "place_of_birth": f"Sarang{mark}",
        **more,
    }


def words_of(person: dict[str, str]) -> list[str]:
    """What must not be found: all but the day of birth and the country, which are those of many."""
    return [value for name, value in person.items() if name not in ("date_of_birth", "nationality")]


def test_a_word_is_found_in_every_guise_and_another_is_not() -> None:
    word = "Kenari Zq12ab"
    for text in (
        "name=KENARI ZQ12AB;", "?x=Kenari%20Zq12ab", "?x=Kenari+Zq12ab", "\\x00" + word.encode().hex(),
        *(base64.b64encode(b"x" * shift + word.encode() + b"yz").decode() for shift in range(3)),
    ):  # fmt: skip
        assert finds(word, [Place("here", text.encode())]) == ["here"], text
        assert finds("Kenari Zq12ax", [Place("here", text.encode())]) == [], text


def test_personal_data_is_found_nowhere_but_in_the_mail_to_its_owner(
    open_page: Opening, people: People, jejak: RunningSystem, portal: Portal
) -> None:
    began = time.time() - 2
    citizen = Canary(open_page(), somebody(nik=f"170701570890{secrets.randbelow(9000) + 1000}"))
    citizen.open_draft("passport_new", citizen.person)
    visitor = Canary(
        open_page(permissions=["notifications"]),
        somebody(
            nationality="NL",
            passport_number=f"XQ{secrets.randbelow(9_000_000) + 1_000_000}",
            address=f"Gang Kenari {secrets.token_hex(5)}",
        ),
    )
    visitor.open_draft("imk", visitor.person)
    visitor.fill_draft({"length": "for_1y", "handled_by_other": "self"})
    code = visitor.hand_in()
    number = visitor.number = unquote(visitor.number)
    people.wait_fact(number, 1)
    _wait_mail(jejak, visitor.person["email"])
    endpoint = _hear_news(visitor.page, number)
    path = _come_by_link(jejak, visitor)
    officer = _officer_looks(open_page(), number)
    before = kept(visitor.page, "before it forgot")
    for one in (visitor, citizen):
        _forget(one.page)
    after = [
        kept(visitor.page, "that forgot"),
        kept(citizen.page, "that forgot a draft"),
        kept(officer, "of an officer"),
    ]

    words = [*words_of(visitor.person), *words_of(citizen.person), code]
    written = [*logs(jejak), *tables(jejak), *metrics(jejak, portal)]
    papers = documents(jejak, began)
    assert [(word, found) for word in words if (found := finds(word, [*written, *papers, before, *after]))] == []
    assert [(word, found) for word in words if (found := finds(word, [visitor.urls, citizen.urls]))] == []
    for secret in (path.rpartition("/")[2], endpoint):
        assert finds(secret, written) == []
    _assert_only_mailed_to_its_owner(jejak, visitor.person)
    _assert_searched(number, written, papers, visitor, before, after)


def _assert_searched(
    number: str, written: list[Place], papers: list[Place], visitor: Canary, before: Place, after: list[Place]
) -> None:
    """What may be known is found by the same search where it belongs: it would have found the rest."""
    found = finds(number, written)
    assert [name for name in found if name.startswith("status.archive_")], found
    assert {"intake.applicant_keys", "intake.sealed_records", "notify.deliveries", "notify.subscriptions"} <= set(
        found
    ), found
    assert "intake.log" in finds("/drafts/{number}/applicant", written)
    assert len(finds("requests", [one for one in written if one.name.startswith("metrics of")])) == 5
    assert len(papers) >= 3
    assert finds(number, [visitor.urls])
    assert finds(number, [before]), "the offline copy of the status"
    assert finds(number, after) == []


def _assert_only_mailed_to_its_owner(jejak: RunningSystem, person: dict[str, str]) -> None:
    for word in words_of(person):
        assert {to for to, mail in mails(jejak) if finds(word, [mail])} <= {person["email"]}, word
    assert finds(person["name"], [mail for to, mail in mails(jejak) if to == person["email"]])


def _wait_mail(jejak: RunningSystem, address: str) -> None:
    ends = time.monotonic() + 30
    while not any(to == address for to, _ in mails(jejak)):
        assert time.monotonic() < ends, f"no mail came to {address}"
        time.sleep(0.3)


def _hear_news(page: Page, number: str) -> str:
    """Subscribe to news, with a push service that does not exist; nothing is sent to it. The browser's secret address."""
    secret = secrets.token_urlsafe(24)
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {"p256dh": _url64(raw), "auth": _url64(secrets.token_bytes(16))}
    page.goto(f"/lacak/{number}/kabar")
    page.evaluate(PUSHING, {"endpoint": f"https://fcm.googleapis.com/fcm/send/{secret}", "keys": keys})
    page.get_by_role("button", name="Beri tahu saya").click()
    expect(page.get_by_text("Perangkat ini menerima kabar tentang permohonan ini.")).to_be_visible(timeout=15_000)
    return secret


def _url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _come_by_link(jejak: RunningSystem, one: Canary) -> str:
    """Ask for a link, come back by it, and look at the application; the link's path."""
    page = one.page
    page.goto("/saya/tautan")
    page.locator("main").get_by_role("textbox").first.fill(one.person["email"])
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/saya/terkirim")
    (path,) = mailed(jejak, one.person["email"])
    page.goto(path)
    page.get_by_role("button", name="Buka", exact=True).click()
    page.wait_for_url("**/saya")
    page.goto(f"/lacak/{one.number}")
    once_it_is(page, f"async () => !!(await caches.match('/lacak/{one.number}'))")
    page.goto("/saya")
    return path


def _officer_looks(page: Page, number: str) -> Page:
    """An officer signs in, looks at a paper of the case, and signs out."""
    page.goto(f"/masuk?kembali=%2Fpetugas%2Fkasus%2F{number}")
    sign_in(page, "Ratna")
    page.wait_for_url(at(f"/petugas/kasus/{number}"))
    page.get_by_role("link", name="Lihat").first.click()
    expect(page.locator("#document")).to_be_visible()
    page.goto("/keluar")
    page.locator("main").get_by_role("button", name="Keluar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anda sudah keluar")
    page.wait_for_url("**/keluar")
    return page


def _forget(page: Page) -> None:
    page.goto("/saya")
    page.get_by_role("button", name="Lupakan di perangkat ini").click()
    page.get_by_text("sudah melupakan").wait_for()
    once_it_is(page, EMPTIED)
