"""Jejak on a phone: without a network, installed, with news; and nothing left when the device forgets."""

import httpx
from playwright.sync_api import Page

from contracts.number import RANDOM_BYTES, format_number
from deploy.local.remote import RunningSystem
from services.portal.session import Session
from tests.browser.conftest import Opening, Portal
from tests.browser.looking import assert_accessible, once_it_is, shot
from tests.browser.people import People

KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const one of await (await caches.open(name)).keys()) found.push(new URL(one.url).pathname);
  return found;
}"""


def ending_in(sign: str) -> str:
    """A tracking number with that check character."""
    numbers = (format_number("LBG", value.to_bytes(RANDOM_BYTES)) for value in range(1 << 70, (1 << 70) + 37))
    return next(number for number in numbers if number.endswith(sign))


def controlled(page: Page) -> None:
    """Until the worker answers for the page."""
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")


def test_offline_the_last_known_status_is_shown_with_its_age_and_comes_back_fresh(
    people: People, open_page: Opening
) -> None:
    number = people.submit().number
    people.wait_fact(number, 1)
    page = open_page(size={"width": 320, "height": 640})
    page.goto("/lacak")
    controlled(page)
    page.goto(f"/lacak/{number}")
    heading = page.locator("h1").inner_text()
    once_it_is(page, f"async () => !!(await caches.match('/lacak/{number}'))")
    page.context.set_offline(True)
    page.reload()
    assert page.locator("h1").inner_text() == heading
    assert "Anda sedang luring" in page.locator("#luring").inner_text()
    page.goto("/layanan")
    assert page.locator("h1").inner_text() == "Anda sedang luring"
    page.context.set_offline(False)
    page.goto(f"/lacak/{number}")
    assert page.locator("#luring").count() == 0
    page.goto("/luring")
    assert_accessible(page)


def test_nothing_personal_is_kept_and_nothing_at_all_after_the_device_forgot(
    people: People, open_page: Opening
) -> None:
    one = people.submit()
    people.wait_fact(one.number, 1)
    session = Session()
    session.remember(one.number, one.code)
    page = open_page(session=session)
    page.goto("/saya")
    controlled(page)
    page.goto(f"/lacak/{one.number}")
    once_it_is(page, f"async () => !!(await caches.match('/lacak/{one.number}'))")
    page.goto(f"/permohonan/{one.number}/tanda-terima")
    page.goto("/saya")
    kept = page.evaluate(KEPT)
    assert f"/lacak/{one.number}" in kept
    assert not [path for path in kept if "tanda-terima" in path or "/saya" in path]
    page.get_by_role("button", name="Lupakan di perangkat ini").click()
    page.get_by_text("sudah melupakan").wait_for()
    once_it_is(page, f"async () => !(await caches.match('/lacak/{one.number}'))")
    assert not [path for path in page.evaluate(KEPT) if "/lacak/" in path]


def test_files_of_an_earlier_version_are_gone_once_a_new_worker_starts(page: Page) -> None:
    page.goto("/lacak")
    controlled(page)
    page.evaluate(
        "async () => (await caches.open('jejak-files-1')).put('/aset/000/design/design.css', new Response(''))"
    )
    assert "/aset/000/design/design.css" in page.evaluate(KEPT)
    page.evaluate("async () => (await navigator.serviceWorker.ready).unregister()")
    page.reload()
    once_it_is(page, f"async () => !(await ({KEPT})()).includes('/aset/000/design/design.css')")
    assert [path for path in page.evaluate(KEPT) if path.endswith("/design.css")]


def test_news_that_is_pushed_is_shown_by_the_worker(
    jejak: RunningSystem, portal: Portal, people: People, open_page: Opening
) -> None:
    number = people.submit().number
    people.wait_fact(number, 1)
    page = open_page(permissions=["notifications"])
    session = page.context.new_cdp_session(page)
    registrations: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: registrations.extend(one["registrationId"] for one in said["registrations"]),
    )
    session.send("ServiceWorker.enable")
    page.goto(f"/lacak/{number}/kabar")
    controlled(page)
    page.get_by_role("button", name="Beri tahu saya").wait_for()
    assert_accessible(page)
    told = ending_in("$")  # the signs that a check character may be are part of the address that is opened
    payload = (
        f'{{"number":"{told}","title":"Paspor","text":"Dokumen Anda lengkap","language":"id","path":"/lacak/{told}"}}'
    )

    def push() -> None:  # a push service repeats itself too, and Chromium without a desktop may lose what it is to show
        message = {"origin": portal.url, "registrationId": registrations[-1], "data": payload}
        session.send("ServiceWorker.deliverPushMessage", message)

    push()
    shown = once_it_is(
        page,
        """async () => {
          const all = await (await navigator.serviceWorker.ready).getNotifications();
          return all.length ? { title: all[0].title, body: all[0].body, path: all[0].data.path } : null;
        }""",
        again=push,
    )
    assert shown == {"title": "Paspor", "body": f"Dokumen Anda lengkap\n{told}", "path": f"/lacak/{told}"}


def test_who_refused_notifications_and_who_has_no_scripts_read_how_news_reaches_them(
    people: People, open_page: Opening
) -> None:
    number = people.submit().number
    page = open_page(size={"width": 320, "height": 640})
    page.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' })")
    page.goto(f"/lacak/{number}/kabar")
    refused = page.get_by_text("Izinkan notifikasi di pengaturan peramban")
    refused.wait_for()
    assert not page.get_by_role("button", name="Beri tahu saya").is_visible()
    assert_accessible(page)
    shot(page, "news-refused")
    plain = open_page(javascript=False)
    plain.goto(f"/lacak/{number}/kabar")
    assert "Tanpa JavaScript, kabar dikirim melalui" in plain.locator("main").inner_text()
    shot(plain, "news-plain")


def test_the_browsers_own_wish_for_news_needs_a_form_of_ours(people: People, portal: Portal) -> None:
    number = people.submit().number
    wish = {"csrf": "x", "apa": "mulai", "endpoint": "https://fcm.googleapis.com/x", "p256dh": "", "auth": ""}
    assert httpx.post(f"{portal.url}/lacak/{number}/kabar", data=wish).status_code == 403


def test_the_worker_names_one_charset_and_changes_with_the_files(page: Page) -> None:
    worker = page.request.get("/sw.js")
    assert worker.headers["content-type"] == "text/javascript; charset=utf-8"
    assert worker.text().splitlines()[-1].startswith("// ")
    page.goto("/lacak")
    style = page.request.get(str(page.locator("link[rel=stylesheet]").first.get_attribute("href")))
    assert style.headers["content-type"] == "text/css; charset=utf-8"


def test_the_manifest_speaks_both_languages_and_its_icons_are_there(page: Page) -> None:
    for path, start in (("/manifest.webmanifest", "/"), ("/en/manifest.webmanifest", "/en")):
        manifest = page.request.get(path).json()
        assert manifest["start_url"].rstrip("/") == start.rstrip("/")
        for icon in manifest["icons"]:
            assert page.request.get(icon["src"]).body().startswith(b"\x89PNG")
