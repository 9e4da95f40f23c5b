"""`python -m tests.backtest` (`make backtest`): how often the expected time of the permit log came true.

Trained on the first half of the applications by time and tested on the second, in two ways: by one model of the day that
parts them, which learns nothing more (*fixed*), and as the service does it, by a model of each day (*rolling*). Rules
other than the service's are tried beside it, also on the first half, which alone may choose among them.
"""

import sys
from collections.abc import Callable, Iterable

from services.status.expected.coverage import Coverage, Moment, Tested, coverage_of, halves, moments, try_at
from services.status.expected.expected import Case, History, Rules, Sample
from tests.backtest.permits import PERMITS, permit_history
from tests.backtest.tried import adjusted, with_those_that_never_end

RULES = Rules()
TRIED = (50, 100, 150, 200, 300, 400)
MOMENTS: tuple[Moment, ...] = ("at_submission", "half_way")


def fixed(history: History, rules: Rules = RULES) -> list[Tested]:
    """The later half, foretold by what was known when it began."""
    parting, later = halves(history)
    sample = history.at(parting, rules)
    return _tested(later, lambda _: sample, rules)


def rolling(history: History, rules: Rules = RULES) -> list[Tested]:
    """The later half, each application foretold by what was known at that moment."""
    _, later = halves(history)
    return _tested(later, lambda instant: history.at(instant, rules), rules)


def earlier_half(history: History, rules: Rules) -> list[Tested]:
    """The earlier half as `rolling`, by what was known when it ended."""
    parting, _ = halves(history)
    known = [case for case in history.cases if case.submitted < parting and case.told <= parting]
    return _tested(known, lambda instant: history.at(instant, rules), rules)


def _tested(cases: Iterable[Case], sample_at: Callable[[int], Sample], rules: Rules) -> list[Tested]:
    found = []
    for case in cases:
        for moment, instant in moments(case):
            tested = try_at(case, moment, instant, sample_at(instant), rules)
            if tested:
                found.append(tested)
    return found


def line(name: str, coverage: Coverage) -> str:
    """One line of the print."""
    n = coverage.predictions
    return (
        f"backtest: {name} predictions={n} within_80={coverage.within_80 / n:.3f} within_50={coverage.within_50 / n:.3f} "
        f"earlier={coverage.earlier / n:.3f} later={coverage.later / n:.3f}"
    )


def main() -> int:
    """Print the figures; 0 also where the log is not there, which is said."""
    if not PERMITS.exists():
        print(f"backtest: skipped, {PERMITS} is not there")
        return 0
    history = permit_history()
    _, later = halves(history)
    print(f"{len(history.cases)} applications, {len(later)} of the later half ended")
    for name, tested in (("fixed", fixed(history)), ("rolling", rolling(history))):
        for moment in MOMENTS:
            print(line(f"{name} {moment}", coverage_of(tested, moment)), flush=True)
    for recent in TRIED:
        rules = Rules(recent=recent)
        print(line(f"tried recent={recent} earlier_half", coverage_of(earlier_half(history, rules), MOMENTS[0])))
        print(line(f"tried recent={recent} later_half", coverage_of(rolling(history, rules), MOMENTS[0])), flush=True)
    print(f"backtest: tried with_those_that_never_end within_80={with_those_that_never_end(history, RULES):.3f}")
    for latest in (100, 200):
        print(f"backtest: tried conformal latest={latest} within_80={adjusted(history, RULES, latest):.3f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
