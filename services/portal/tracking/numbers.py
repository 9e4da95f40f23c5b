"""Tracking numbers as people type, paste and scan them. Pure."""

import re
from typing import Final

from contracts.number import InvalidNumber, parse_number

_IN_ADDRESS: Final = re.compile(r"/lacak/([^/?#]+)")
MOST: Final = 200


def canonical(text: str) -> str | None:
    """The number that is meant: in any case, with spaces, without dashes, or as the address of its page; none otherwise."""
    text = text.strip()[:MOST]
    found = _IN_ADDRESS.search(text)
    try:
        return parse_number(found[1] if found else text.replace("\N{EN DASH}", "-").replace("\N{EM DASH}", "-"))
    except InvalidNumber:
        return None
