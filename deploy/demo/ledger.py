"""What the services acknowledged: the measure of what must be on the timelines, each fact exactly once."""

from collections import Counter, defaultdict

NOTIFICATIONS = ("notification_sent", "notification_failed")
"""Facts that nobody in the demonstration causes by a call of their own; notify adds them."""


class Ledger:
    """Acknowledged facts by application."""

    def __init__(self) -> None:
        self._facts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def acknowledge(self, number: str, fact: str) -> None:
        """A service has answered that `fact` about application `number` is stored for good."""
        self._facts[number][fact] += 1

    @property
    def applications(self) -> list[str]:
        """The numbers, in the order of their submission."""
        return list(self._facts)

    @property
    def events(self) -> int:
        """How many facts were acknowledged in all."""
        return sum(self.totals().values())

    def totals(self) -> Counter[str]:
        """How many facts of each kind were acknowledged."""
        return sum(self._facts.values(), Counter())

    def difference(self, number: str, timeline: Counter[str]) -> str:
        """What of the application's acknowledged facts is missing on its timeline, or too much there; empty: nothing."""
        shown = Counter({fact: n for fact, n in timeline.items() if fact not in NOTIFICATIONS})
        missing, surplus = self._facts[number] - shown, shown - self._facts[number]
        parts = [f"lacks {_listed(missing)}"] if missing else []
        return " and ".join([*parts, f"has {_listed(surplus)} too much"] if surplus else parts)


def _listed(facts: Counter[str]) -> str:
    return ", ".join(f"{n} {fact}" if n > 1 else fact for fact, n in sorted(facts.items()))
