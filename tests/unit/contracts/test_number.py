"""Tracking numbers: every form a person may type is read, and slips are noticed."""

import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.number import ALPHABET, CHECK_ALPHABET, RANDOM_BYTES, InvalidNumber, format_number, parse_number

randoms = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
prefixes = st.text(string.ascii_uppercase, min_size=3, max_size=3)
numbers = st.builds(format_number, prefixes, randoms)
MISREAD = {"O": "0", "I": "1", "L": "1"}


def symbols(number: str) -> str:
    """The 16 characters and the check character."""
    return number[3:].replace("-", "")


def test_a_number_is_grouped_by_four_with_its_check_character_last() -> None:
    assert format_number("LBG", bytes(10)) == "LBG-0000-0000-0000-0000-0"
    assert format_number("LBG", b"\xff" * 10) == "LBG-ZZZZ-ZZZZ-ZZZZ-ZZZZ-" + CHECK_ALPHABET[(2**80 - 1) % 37]


@settings(deadline=None)
@given(prefixes, randoms)
def test_a_number_is_read_as_itself_and_never_shared(prefix: str, random: bytes) -> None:
    number = format_number(prefix, random)
    assert parse_number(number) == number
    assert len(number) == 25
    assert int.from_bytes(random) == sum(
        ALPHABET.index(s) << 5 * i for i, s in enumerate(reversed(symbols(number)[:16]))
    )


@settings(deadline=None)
@given(numbers, st.data())
def test_case_spaces_hyphens_and_misread_letters_do_not_matter(number: str, data: st.DataObject) -> None:
    typed = number[:3]
    for symbol in symbols(number):
        twins = [symbol, symbol.lower(), *(letter for letter, digit in MISREAD.items() if digit == symbol)]
        typed += data.draw(st.sampled_from(twins)) + data.draw(st.sampled_from(["", " ", "-", " - "]))
    assume(len(typed) <= 100)
    assert parse_number("  " + data.draw(st.sampled_from([typed, typed.lower()])) + "\n") == number


@settings(deadline=None)
@given(numbers, st.integers(0, 16), st.sampled_from(CHECK_ALPHABET))
def test_any_one_mistyped_character_is_noticed(number: str, place: int, wrong: str) -> None:
    right = symbols(number)
    assume(wrong != right[place])
    with pytest.raises(InvalidNumber):
        parse_number(number[:3] + right[:place] + wrong + right[place + 1 :])


@settings(deadline=None)
@given(numbers, st.integers(0, 15))
def test_any_two_neighbours_that_changed_places_are_noticed(number: str, place: int) -> None:
    right = symbols(number)
    assume(right[place] != right[place + 1])
    with pytest.raises(InvalidNumber):
        parse_number(number[:3] + right[:place] + right[place + 1] + right[place] + right[place + 2 :])


@settings(deadline=None)
@given(numbers, st.integers(0, 16))
def test_a_character_left_out_or_typed_twice_is_noticed(number: str, place: int) -> None:
    right = symbols(number)
    for typed in (right[:place] + right[place + 1 :], right[:place] + right[place] + right[place:]):
        with pytest.raises(InvalidNumber):
            parse_number(number[:3] + typed)


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_read_or_refused_and_what_is_read_is_canonical(text: str) -> None:
    try:
        number = parse_number(text)
    except InvalidNumber:
        return
    assert parse_number(number) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "LBG",
        "LBG-0000-0000-0000-0000",
        "LBG-0000-0000-0000-0000-1",
        "LBG-0000-0000-0000-000U-0",
        "LBG-0000-0000-0000-0000-0-0",
        "ÄBG-0000-0000-0000-0000-0",
        "ßG-0000-0000-0000-0000-0",
        "ﬁG-0000-0000-0000-0000-0",
        "LBG-０000-0000-0000-0000-0",
        "LBG-٠000-0000-0000-0000-0",
        "LBG–0000–0000–0000–0000–0",
        "L8G-0000-0000-0000-0000-0",
        "L-BG0000-0000-0000-0000-0",
        "LBG-0000-0000-0000-0000-\x00",
        "LBG-0000-0000-0000-0000-\ud800",
        "LBG-0000-0000-0000-0000-0" + " " * 200 + "0",
        "-" * 10_000_000,
        "LBG" + "0" * 10_000_000,
    ],
)
def test_what_is_no_number_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidNumber) as refusal:
        parse_number(text)
    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize("prefix", ["", "LB", "LBGX", "lbg", "LB1", "LÄG", "ＬＢＧ", "L G"])
def test_a_prefix_is_three_latin_capitals(prefix: str) -> None:
    with pytest.raises(InvalidNumber):
        format_number(prefix, bytes(10))


@pytest.mark.parametrize("size", [0, 9, 11])
def test_a_number_holds_exactly_80_random_bits(size: int) -> None:
    with pytest.raises(InvalidNumber):
        format_number("LBG", bytes(size))
