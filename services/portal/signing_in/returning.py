"""Where to go after signing in: only to paths of ours."""

from typing import Final
from urllib.parse import urlsplit

from services.portal.language import ENGLISH_PREFIX
from services.portal.session import Staff

LONGEST_CHARS: Final = 1000
_HOMES: Final = (("officer", "/petugas"), ("supervisor", "/papan"), ("auditor", "/audit"))


def own_path(asked: str) -> str:
    """`asked` where it is a path of ours that one may return to, without the language; else an empty text.

    Browsers read a backslash as a slash and drop tabs and line breaks (WHATWG URL), so that `/\\host` is another site.
    """
    if not asked.startswith("/") or asked.startswith("//") or len(asked) > LONGEST_CHARS:
        return ""
    if "\\" in asked or not asked.isprintable() or " " in asked:
        return ""
    try:
        parts = urlsplit(asked)
    except ValueError:
        return ""
    path = without_language(asked)
    if parts.scheme or parts.netloc or path.startswith("//"):
        return ""
    first = path.partition("?")[0].split("/")[1]
    return "" if first in ("masuk", "keluar") else path


def without_language(path: str) -> str:
    """A path without `/en`."""
    if path == ENGLISH_PREFIX or path.startswith((f"{ENGLISH_PREFIX}/", f"{ENGLISH_PREFIX}?")):
        rest = path[len(ENGLISH_PREFIX) :]
        return rest if rest.startswith("/") else f"/{rest}"
    return path


def home_of(staff: Staff) -> str:
    """Where somebody's work begins."""
    return next((home for role, home in _HOMES if staff.has(role)), "/")
