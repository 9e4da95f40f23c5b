"""Finding a service by words or by category. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from contracts.catalogue import Names, Text
from contracts.facts import Labels
from services.portal.catalogue import ServiceSummary

QUERY_CHARACTERS: Final = 100
_STEM: Final = 4
"""From this many characters on a longer query word fits a shorter word that begins it: `pasport`, `perpanjangan`."""


class Found(NamedTuple):
    """What fits. `all_words`: every word of the query fits each of them; else these are the nearest."""

    services: list[ServiceSummary]
    all_words: bool


def words_of(text: str) -> list[str]:
    """The words of a text, without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[a-z0-9]+", "".join(one for one in plain if not unicodedata.combining(one)))


def find(services: Sequence[ServiceSummary], names: Names, query: str, category: str) -> Found:
    """The services of `category` (empty: any) that the words of `query` fit, in either language, best first.

    Those that fit equally well stand in the order of the categories.
    """
    order = {code: number for number, code in enumerate(names.categories)}
    within = sorted(
        (one for one in services if not category or one.category == category),
        key=lambda one: order.get(one.category, len(order)),
    )
    asked = words_of(query[:QUERY_CHARACTERS])
    if not asked:
        return Found(within, True)
    scores = [(_score(one, names, asked), one) for one in within]
    most = max((fitting for (fitting, _), _ in scores), default=0)
    if most == 0:
        return Found([], True)
    best = [(score, one) for score, one in scores if score[0] == most]
    best.sort(key=lambda pair: -pair[0][1])
    return Found([one for _, one in best], most == len(asked))


def _score(service: ServiceSummary, names: Names, asked: list[str]) -> tuple[int, int]:
    """How many words of the query fit the service at all, and how many its name."""
    category = names.categories.get(service.category)
    labels = words_of(f"{service.labels.id} {service.labels.en}")
    texts: list[Labels | Text] = [
        service.summary,
        *service.who,
        *service.also_called,
        *([category] if category else []),
    ]
    everything = {*labels, *(word for text in texts for word in words_of(f"{text.id} {text.en}")), service.code}
    return sum(_fits(word, everything) for word in asked), sum(_fits(word, labels) for word in asked)


def _fits(asked: str, words: set[str] | list[str]) -> bool:
    return any(word.startswith(asked) or (len(word) >= _STEM and asked.startswith(word)) for word in words)
