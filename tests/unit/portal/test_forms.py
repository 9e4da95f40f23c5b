"""Forms are read with limits, and only where our own page sent them."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from services.portal.forms import FORM_BYTES, Form, FormTooLarge, FormUnreadable, is_foreign, read_form

OURS = frozenset({"https://jejak.example"})
FORM = "application/x-www-form-urlencoded"


def request(body: bytes = b"", kind: str = FORM, **headers: str) -> Any:
    async def stream() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 1000):
            yield body[at : at + 1000]

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(headers={"content-type": kind, **named}, stream=stream)


async def test_fields_are_read_as_they_were_typed_without_spaces_around() -> None:
    form = await read_form(request(b"nama=+Siti+%26+Ali+&pilih=a&pilih=b&kosong="))
    assert (form.get("nama"), form.all("pilih"), form.get("kosong"), form.get("fehlt", "–")) == (
        "Siti & Ali", ["a", "b"], "", "–",
    )  # fmt: skip


async def test_more_than_a_form_can_hold_is_refused_while_it_arrives() -> None:
    with pytest.raises(FormTooLarge):
        await read_form(request(b"a=" + b"x" * FORM_BYTES))


@pytest.mark.parametrize("body", [b"a=%ff", b"&".join(b"a=1" for _ in range(1000))])
async def test_what_is_no_form_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(FormUnreadable):
        await read_form(request(body))


async def test_another_kind_of_content_is_refused() -> None:
    with pytest.raises(FormUnreadable):
        await read_form(request(b"{}", "text/plain"))


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({"origin": "https://jejak.example", "sec_fetch_site": "same-origin"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({}, False),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"sec_fetch_site": "cross-site", "origin": "https://jejak.example"}, True),
        ({"sec_fetch_site": "same-site"}, True),
        ({"origin": "http://jejak.example"}, True),
    ],
)
def test_a_form_from_another_site_is_recognised(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(request(**headers), OURS) is foreign


def test_a_form_can_be_filled_again() -> None:
    assert Form({"a": [" 1 "], "b": []}).values == {"a": "1", "b": ""}
