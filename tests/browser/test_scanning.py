"""The number by the camera: with Chromium's fake camera, which films the QR code of a receipt; and where no browser can read one.

Chromium on Linux has no `BarcodeDetector`. What reads the picture is put in by the test: it looks at what the camera gave.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import segno
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import FLAGS, PHONE, Opening, Portal, installed_chromium
from tests.browser.looking import assert_accessible, at, shot
from tests.browser.people import People

SIZE, SCALE = 320, 6
READS = """text => {
  window.BarcodeDetector = class {
    static async getSupportedFormats() { return ["qr_code"]; }
    async detect(video) {
      const { videoWidth: width, videoHeight: height } = video;
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const pen = canvas.getContext("2d");
      pen.drawImage(video, 0, 0);
      const { data } = pen.getImageData(0, 0, width, height);
      let dark = 0;
      for (let at = 0; at < data.length; at += 4) dark += data[at] < 100;
      const share = dark / (width * height);  // a code is neither a black picture nor an empty one
      return 0.1 < share && share < 0.6 ? [{ rawValue: text }] : [];
    }
  };
}"""


def film(text: str, file: Path) -> None:
    """A film of `text` as a QR code, black on white, as YUV4MPEG2."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    edge = (SIZE - SCALE * len(rows)) // 2
    luma = bytearray(b"\xeb" * SIZE * SIZE)
    for y, row in enumerate(rows):
        line = b"".join((b"\x10" if module else b"\xeb") * SCALE for module in row)
        for place in range(SCALE):
            begin = (edge + y * SCALE + place) * SIZE + edge
            luma[begin : begin + len(line)] = line
    frame = b"FRAME\n" + bytes(luma) + b"\x80" * (SIZE * SIZE // 2)
    file.write_bytes(f"YUV4MPEG2 W{SIZE} H{SIZE} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 2)


@pytest.fixture
def camera(chromium: Browser, portal: Portal, people: People, tmp_path: Path) -> Iterator[tuple[str, Page]]:
    """An application's number, and a phone whose camera is held at its receipt."""
    number = people.submit().number
    film(f"{portal.url}/lacak/{quote(number, safe='')}", tmp_path / "receipt.y4m")
    more = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={tmp_path / 'receipt.y4m'}"]
    browser = chromium.browser_type.launch(executable_path=installed_chromium(), args=[*FLAGS, *more])
    context = browser.new_context(base_url=portal.url, viewport=PHONE, permissions=["camera"], locale="id-ID")
    yield number, context.new_page()
    browser.close()


def test_the_code_on_a_receipt_is_scanned_and_opens_its_page(camera: tuple[str, Page], portal: Portal) -> None:
    number, page = camera
    page.add_init_script(f"({READS})({portal.url + '/lacak/' + quote(number, safe='')!r})")
    page.goto("/lacak")
    page.get_by_role("button", name="Pindai kode QR").click()
    page.wait_for_url(at(f"/lacak/{number}"))
    expect(page.locator("#headline")).to_be_visible()


def test_a_code_that_is_no_number_is_said_and_the_camera_is_ended(camera: tuple[str, Page]) -> None:
    _, page = camera
    page.add_init_script(f"({READS})('https://example.org/')")
    page.goto("/lacak")
    page.get_by_role("button", name="Pindai kode QR").click()
    expect(page.locator("#scanner-words")).to_contain_text("Kode ini bukan nomor permohonan")
    assert_accessible(page)
    shot(page, "scan-other-phone")
    page.get_by_role("button", name="Batalkan").click()
    expect(page.locator("#scanner")).to_be_hidden()
    assert page.locator("video").evaluate(
        "video => video.srcObject.getTracks().every((one) => one.readyState === 'ended')"
    )


def test_who_refuses_the_camera_types_the_number(open_page: Opening) -> None:
    page = open_page(size=PHONE)
    page.add_init_script(f"({READS})('')")
    page.goto("/en/lacak")
    page.get_by_role("button", name="Scan").click()
    expect(page.locator("#scanner-words")).to_contain_text("Please type the number")
    expect(page.locator("#nomor")).to_be_focused()
    assert_accessible(page)
    shot(page, "scan-refused-phone")


def test_a_browser_that_cannot_read_codes_says_so_and_offers_typing(open_page: Opening) -> None:
    page = open_page(size=PHONE)
    page.add_init_script("delete window.BarcodeDetector")
    page.goto("/lacak")
    expect(page.locator("#no-scan")).to_contain_text("Ketik nomornya")
    expect(page.get_by_role("button", name="Pindai kode QR")).to_be_hidden()
    assert_accessible(page)
    shot(page, "scan-not-possible-phone")
