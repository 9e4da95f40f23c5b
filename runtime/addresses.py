"""How an address is written: one way, so that a page has one address.

What RFC 3986 (3.3) lets a path contain stays as it is: a number's check character may be `*`, `~`, `$` or `=`.
"""

from urllib.parse import quote

_IN_SEGMENT = ":@!$&'()*+,;=~"


def segment(text: str) -> str:
    """`text` as one segment of a path: what would end the segment is percent-encoded."""
    return quote(text, safe=_IN_SEGMENT)


def path(text: str) -> str:
    """`text`, a decoded path, as it is sent."""
    return quote(text, safe="/" + _IN_SEGMENT)
