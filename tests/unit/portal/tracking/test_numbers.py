"""Numbers as people type, paste and scan them."""

import pytest

from contracts.number import format_number
from services.portal.tracking.gathering import cursor_of
from services.portal.tracking.numbers import canonical

NUMBER = format_number("LBG", bytes(range(10)))


@pytest.mark.parametrize(
    "typed",
    [
        NUMBER,
        NUMBER.lower(),
        NUMBER.replace("-", ""),
        NUMBER.replace("-", " "),
        NUMBER.replace("-", "\N{EN DASH}"),
        f"  {NUMBER}\n",
        f"https://jejak.example/en/lacak/{NUMBER}?x=1",
    ],
)
def test_the_number_is_understood_however_it_is_written(typed: str) -> None:
    assert canonical(typed) == NUMBER


@pytest.mark.parametrize(
    "typed", ["", "LBG", NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1"), "<script>", "a" * 100_000]
)
def test_what_is_no_number_is_none(typed: str) -> None:
    assert canonical(typed) is None


def test_the_next_page_of_a_timeline_is_found_in_its_link() -> None:
    assert cursor_of('</applications/X/timeline?limit=200&cursor=MjAw>; rel="next"') == "MjAw"
    assert cursor_of("") is None
