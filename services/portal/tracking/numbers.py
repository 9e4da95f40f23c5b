"""Tracking numbers as people type, paste and scan them. Pure."""

import re
from typing import Final

from contracts.number import InvalidNumber, parse_number

_IN_ADDRESS: Final = re.compile(r"/lacak/([^/?#]+)")
MOST: Final = 200


class UnknownNumber(Exception):
    """What was typed is the number of nothing."""

    def __init__(self, typed: str) -> None:
        super().__init__()
        self.typed = typed


def number_of(typed: str) -> str:
    """As `canonical`. Raises `UnknownNumber`."""
    number = canonical(typed)
    if number is None:
        raise UnknownNumber(typed)
    return number


def canonical(text: str) -> str | None:
    """The number that is meant: in any case, with spaces, without dashes, or as the address of its page; none otherwise."""
    text = text.strip()[:MOST]
    found = _IN_ADDRESS.search(text)
    try:
        return parse_number(found[1] if found else text.replace("\N{EN DASH}", "-").replace("\N{EM DASH}", "-"))
    except InvalidNumber:
        return None
