"""What the list of somebody's applications shows, and what a link is for. Pure."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

_PURPOSES: Final[dict[str, Literal["mine", "return"]]] = {"s": "mine", "d": "return"}
_TOKEN_CHARS: Final = 44
EARLIER: Final = "/saya/tautan"
"""Where a new link is asked for."""


class Line(NamedTuple):
    """One application. `headline` and `service` as texts in both languages; without them it is a draft, or status is away."""

    number: str
    service: Any
    headline: Any
    state: Literal["draft", "known", "away"]


def purpose_of(token: str) -> Literal["mine", "return"] | None:
    """What a link is for; `None` for what can be no token of ours."""
    plain = token.isascii() and token.replace("-", "").replace("_", "").isalnum()
    return _PURPOSES.get(token[:1]) if plain and len(token) == _TOKEN_CHARS else None


def shown(number: str, status: Mapping[str, Any] | None, *, away: bool = False) -> Line:
    """A line of the list, from what the status service tells of the number."""
    if away:
        return Line(number, None, None, "away")
    if status is None:
        return Line(number, None, None, "draft")
    service = status.get("service")
    labels = service.get("labels") if isinstance(service, Mapping) else None
    return Line(number, labels, status.get("headline"), "known")
