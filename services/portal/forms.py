"""What comes in by forms: read with limits, only from our own pages."""

from typing import Any, Final
from urllib.parse import parse_qs

from litestar import Request

FORM_BYTES: Final = 64 * 1024
FIELDS: Final = 300
FormErrors = dict[str, str]
"""What is wrong, by the name of the field; in the order of the page."""


class ForeignForm(Exception):
    """A form that this visitor's own page did not send: from another site, or from before the session was renewed."""


class FormTooLarge(Exception):
    """More than a form of ours can hold."""


class FormUnreadable(Exception):
    """No form at all."""


class Form:
    """The fields of a form, stripped of spaces around."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def get(self, name: str, otherwise: str = "") -> str:
        """The (first) value of a field."""
        values = self._fields.get(name)
        return values[0].strip() if values else otherwise

    def all(self, name: str) -> list[str]:
        """All values of a field, e.g. of checkboxes."""
        return [value.strip() for value in self._fields.get(name, [])]

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    @property
    def once(self) -> str:
        """What makes sending the same form again have no second effect: for `Idempotency-Key`."""
        return self.get("once")

    @property
    def values(self) -> dict[str, str]:
        """The first value of every field, to fill the form again."""
        return {name: self.get(name) for name in self._fields}


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The urlencoded body. Raises `FormTooLarge`, `FormUnreadable`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormUnreadable
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise FormTooLarge
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS, errors="strict")
    except ValueError:
        raise FormUnreadable from None
    return Form(fields)


def is_foreign(request: Request[Any, Any, Any], own_origins: frozenset[str]) -> bool:
    """Whether the browser says that another site sent the request (Fetch Metadata, Origin; RFC 6454)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    return origin is not None and origin not in own_origins
