"""What was tried beside the service's way, on the later half of the permit log, at submission."""

from collections.abc import Iterator

from services.status.expected.coverage import halves
from services.status.expected.expected import Case, History, Rules, in_stage, place_of
from services.status.expected.survival import Curve, product_limit

Shares = tuple[float, float]
OUTER: Shares = (0.1, 0.9)


def curve_at(history: History, case: Case, rules: Rules) -> Curve:
    """The curve by which `case` is foretold at its submission: that of the applications in its stage."""
    place = place_of(case, case.submitted)
    return product_limit(in_stage(history.at(case.submitted, rules), place))


def with_those_that_never_end(history: History, rules: Rules) -> float:
    """Coverage of the 80 % range where the share without a known end stays in the curve; no end to a range is `in`."""
    _, later = halves(history)
    return _share(_within(curve_at(history, case, rules), case, OUTER) for case in later)


def adjusted(history: History, rules: Rules, latest: int) -> float:
    """Coverage of a range between the places where the middle 80 % of the `latest` known outcomes lay (conformal).

    A place is the share of the curve that had ended when the application did.
    """
    parting, _ = halves(history)
    places: list[tuple[int, float]] = []
    hits: list[bool] = []
    for case in history.cases:
        curve = curve_at(history, case, rules).of_those_that_end()
        if not curve.ages or case.ended is None:
            continue
        known = sorted([place for told, place in places if told <= case.submitted][-latest:])
        shares = OUTER if len(known) < rules.fewest else (_rank(known, 0.1), _rank(known, 0.9))
        if case.submitted >= parting:
            hits.append(_within(curve, case, shares))
        places.append((case.told, 1.0 - curve.at(case.age(case.ended))))
    return _share(iter(hits))


def _rank(known: list[float], share: float) -> float:
    place = round(share * (len(known) + 1)) - 1
    return min(max(known[min(max(place, 0), len(known) - 1)], 0.001), 0.999)


def _within(curve: Curve, case: Case, shares: Shares) -> bool:
    low, high = (curve.quantile(share) for share in shares)
    remained = case.age(case.ended or 0)
    return low is not None and low <= remained and (high is None or remained <= high)


def _share(hits: Iterator[bool]) -> float:
    found = list(hits)
    return sum(found) / len(found)
