"""Process conformance: how applications kept to the process that their service declares. Pure.

What deviates is flagged on the timeline as it is recorded (`services.status.domain`) and stands until a later report shows
that the order was kept after all. Here what stands is told once an application has ended, and counted over many. Nothing
is refused for deviating.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from services.status.domain import AHEAD_OF
from services.status.folding.procedure import Procedure
from services.status.folding.progress import Progress

SKIPPED: Final = "skipped:"
"""Followed by the code of a mandatory stage that others came ahead of, and that was never reached before the end."""


def deviations(progress: Progress, procedure: Procedure, *, ended: bool) -> list[str]:
    """What deviates from the declared process, by code, in order.

    While an application goes on, a stage that another came ahead of may still follow; at its end it was skipped.
    """
    standing = sorted(progress.standing or ())
    if not ended or not standing:
        return standing
    facts = {AHEAD_OF + code: fact for code, fact, _ in procedure.stages}
    never = {code for code in standing if code in facts and facts[code] not in progress.reached}
    return sorted(SKIPPED + code.removeprefix(AHEAD_OF) if code in never else code for code in standing)


class Cohort(NamedTuple):
    """The applications for a service that were submitted in a month of their office's calendar."""

    service: str
    month: str | None
    """`2026-03`; none of applications whose submission is not known."""


class Conformity(NamedTuple):
    """How a cohort kept to the process."""

    cohort: Cohort
    applications: int
    conforming: int
    """Of which no deviation stands."""
    deviations: tuple[tuple[str, int], ...]
    """(code, applications) most frequent first. An application may deviate in several ways."""

    @property
    def fitness(self) -> float:
        """The share of applications without deviations, 0 to 1."""
        return self.conforming / self.applications


def conformity(
    totals: Iterable[tuple[Cohort, int, int]], counts: Iterable[tuple[Cohort, str, int]]
) -> list[Conformity]:
    """By cohort, from (cohort, applications, of which deviate) and (cohort, code, applications); counts of the same add up."""
    codes: dict[Cohort, Counter[str]] = {}
    for cohort, code, applications in counts:
        codes.setdefault(cohort, Counter())[code] += applications
    return [
        Conformity(
            cohort,
            applications,
            applications - deviating,
            tuple(sorted(codes.get(cohort, Counter()).items(), key=lambda item: (-item[1], item[0]))),
        )
        for cohort, applications, deviating in sorted(
            totals, key=lambda total: (total[0].service, total[0].month or "")
        )
        if applications
    ]
