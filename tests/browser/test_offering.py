"""Finding, comparing, reading about a service and being led to one; offices and help. Each also without scripts."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.looking import assert_accessible, shot

PAGES = {
    "start": "/",
    "services": "/layanan",
    "services-none": "/layanan?cari=zzzz",
    "service": "/layanan/passport_child",
    "service-not-found": "/layanan/castle",
    "compare": "/bandingkan?layanan=passport_new&layanan=passport_same_day&layanan=itas_extension",
    "compare-choose": "/bandingkan",
    "question": "/bantu-pilih?what=stay",
    "question-error": "/bantu-pilih?what=stay&dijawab=1",
    "led-to-service": "/bantu-pilih?what=passport&passport_for=adult&passport_before=lost",
    "led-nowhere": "/bantu-pilih?what=leave_for_good",
    "offices": "/kantor",
    "office": "/kantor/lebong",
    "office-not-found": "/kantor/castle",
    "help": "/bantuan",
}


IN_ENGLISH = ("start", "services", "service", "compare", "question-error", "office")


def test_every_page_is_accessible_on_a_phone(phone: Page) -> None:
    for name, path in PAGES.items():
        phone.goto(path)
        assert_accessible(phone)
        shot(phone, f"{name}-phone")


def test_pages_are_accessible_in_english_on_a_dark_desktop(open_page: Callable[..., Page]) -> None:
    page = open_page(dark=True)
    for name in IN_ENGLISH:
        page.goto(("/en" + PAGES[name]).removesuffix("/"))
        assert page.locator("html").get_attribute("lang") == "en"
        assert_accessible(page)
        shot(page, f"{name}-en-dark")


def test_from_the_start_a_service_is_found_compared_read_and_applied_for_without_scripts(plain_page: Page) -> None:
    plain_page.goto("/")
    plain_page.get_by_label("Apa yang Anda perlukan?").fill("paspor anak")
    plain_page.get_by_role("button", name="Cari").click()
    expect(plain_page.get_by_role("link", name="Paspor anak di bawah 17 tahun")).to_be_visible()
    for kind in ("Paspor", "Semua"):
        with plain_page.expect_navigation():
            plain_page.get_by_role("link", name=kind, exact=True).click()
    plain_page.goto("/layanan?kategori=passport")
    plain_page.get_by_label("Bandingkan Paspor baru, dewasa").check()
    plain_page.get_by_label("Bandingkan Paspor selesai pada hari yang sama").check()
    plain_page.get_by_role("button", name="Bandingkan yang dipilih").click()
    expect(plain_page.get_by_role("rowheader", name="Biaya")).to_be_visible()
    expect(plain_page.get_by_text("Rp1.350.000 sampai Rp1.950.000")).to_be_visible()
    plain_page.get_by_role("link", name="Lihat Paspor baru, dewasa").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("Paspor baru, dewasa")
    apply = plain_page.get_by_role("link", name="Ajukan sekarang").first
    assert apply.get_attribute("href") == "/ajukan/passport_new"


def test_a_service_says_what_it_costs_by_which_law_how_long_by_law_and_in_fact(page: Page) -> None:
    page.goto("/en/layanan/itas_extension")
    main = page.locator("main")
    expect(main).to_contain_text("IDR 1,000,000 to IDR 7,000,000")
    expect(main).to_contain_text("Legal basis: PP 45/2024, in force since")
    expect(main).to_contain_text("Extension ready within 4 working days of the payment")
    expect(main).to_contain_text("Time at other bodies does not count.")
    fact = page.locator("section", has=page.get_by_role("heading", name="How long in practice"))
    expect(fact).to_contain_text(
        re.compile("too few applications to say it honestly|This is experience, not a promise")
    )
    expect(page.get_by_role("button", name="Print this page")).to_be_visible()
    assert (
        page.locator('meta[property="og:title"]').get_attribute("content")
        == "Extension of a limited stay permit (ITAS)"
    )


def test_the_list_of_documents_is_fitted_to_the_answers_and_can_be_ticked(plain_page: Page) -> None:
    plain_page.goto("/layanan/passport_child")
    expect(plain_page.get_by_role("heading", name="Hanya dalam keadaan tertentu")).to_be_visible()
    plain_page.get_by_text("Sesuaikan daftar ini dengan keadaan Anda").click()
    plain_page.get_by_label("Apakah orang tua bercerai?").select_option("yes")
    plain_page.get_by_label("Apakah ayah atau ibu memiliki paspor?").select_option("no")
    plain_page.get_by_role("button", name="Perbarui daftar").click()
    plain_page.get_by_label("Putusan hak asuh").check()
    expect(plain_page.get_by_label("Paspor ayah dan ibu")).to_have_count(0)
    expect(plain_page.get_by_role("heading", name="Hanya dalam keadaan tertentu")).to_have_count(0)


def test_questions_lead_to_a_service_and_back_without_scripts(plain_page: Page) -> None:
    plain_page.goto("/")
    plain_page.get_by_role("link", name="Bantu saya memilih").click()
    for answer in ("Paspor untuk warga negara Indonesia", "Orang berusia 17 tahun ke atas", "Hilang"):
        plain_page.get_by_label(answer, exact=True).check()
        plain_page.get_by_role("button", name="Lanjut").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("Layanan untuk Anda: Penggantian paspor hilang")
    expect(plain_page.locator("main")).to_contain_text("Laporkan kehilangan kepada polisi")
    plain_page.get_by_role("link", name="Kembali").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("Bagaimana paspor Anda sekarang?")
    plain_page.get_by_label("Rusak").check()
    plain_page.get_by_role("button", name="Lanjut").click()
    plain_page.get_by_role("link", name="Lihat persyaratan dan ajukan").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("Penggantian paspor rusak")


def test_a_question_sent_without_an_answer_says_what_to_do(page: Page) -> None:
    answer = page.goto("/bantu-pilih?what=passport&dijawab=1")
    assert answer is not None
    assert answer.status == 422
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("Anak di bawah 17 tahun")).to_be_focused()


def test_an_office_says_whether_it_is_open_where_it_is_and_that_its_data_is_an_example(page: Page) -> None:
    page.goto("/en/kantor/lebong")
    expect(page.locator("main .lead")).to_have_text(re.compile(r"^(Open now, until \d\d:\d\d|Closed now)\."))
    expect(page.locator("main")).to_contain_text("made up for a demonstration")
    assert str(page.get_by_role("link", name="See it on the map").get_attribute("href")).startswith(
        "https://www.openstreetmap.org/"
    )
    expect(page.locator("main")).to_contain_text("Nursing room")
    page.get_by_role("link", name="Frequent questions", exact=True).click()
    page.get_by_text("Do I need an account?").click()
    expect(page.get_by_text("The application number is enough to track.")).to_be_visible()


def test_words_typed_by_a_visitor_stay_words(page: Page) -> None:
    page.goto("/layanan?cari=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%3E&kategori=%22%3E%3Cimg%3E")
    assert page.locator("main script, main img").count() == 0
    expect(page.get_by_label("Cari dengan kata Anda sendiri")).to_have_value('<script>alert(1)</script>">')
    page.goto("/bantu-pilih?what=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert page.locator("main script").count() == 0
