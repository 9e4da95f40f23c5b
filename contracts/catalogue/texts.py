"""Longer words of the catalogue."""

from msgspec import Struct


class Text(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Longer words in Indonesian and English. In reasons, and only there, `{name}` is a placeholder."""

    id: str
    en: str
