"""What statistics show by itself and what only together: nothing that is shown, or follows from it, is about a few."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from services.status.statistics.disclosure import LEAST, UNITS, Unit, layers, shown_alone
from services.status.statistics.tallies import period_of

MONTHS = [f"2026-{month:02d}" for month in range(1, 13)]
PERIODS: dict[Unit, list[str]] = {
    unit: list(dict.fromkeys(period_of(month, unit) for month in MONTHS)) for unit in UNITS
}
Cell = tuple[str, str]
"""A service and a month."""


def by_period(monthly: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """As if no application were there in two months: the sums of quarters and years."""
    counts: dict[str, dict[str, int]] = {}
    for service, months in monthly.items():
        counts[service] = {}
        for month, number in months.items():
            for unit in UNITS:
                period = period_of(month, unit)
                counts[service][period] = counts[service].get(period, 0) + number
    return counts


def published(monthly: dict[str, dict[str, int]]) -> list[frozenset[Cell]]:
    """Every row that is shown, as the cells that it adds up."""
    rows: set[frozenset[Cell]] = set()
    for unit, alone in layers(by_period(monthly), PERIODS, overlap=False).items():
        if alone is None:
            continue
        for period in PERIODS[unit]:
            months = [month for month in MONTHS if period_of(month, unit) == period]
            groups: list[Iterable[str]] = [[service] for service in alone]
            groups += [[service for service in monthly if service not in alone], monthly]
            rows |= {frozenset((service, month) for service in group for month in months) for group in groups}
    return [row for row in rows if row]


a_year = st.dictionaries(
    st.sampled_from(["passport", "visa", "permit", "letter"]),
    st.dictionaries(st.sampled_from(MONTHS), st.sampled_from([0, 1, 2, 4, 5, 6, 30]), min_size=1),
    min_size=1,
)


@given(a_year)
def test_no_row_and_no_difference_of_rows_is_of_fewer_than_five(monthly: dict[str, dict[str, int]]) -> None:
    rows = published(monthly)

    def number(cells: Iterable[Cell]) -> int:
        return sum(monthly[service].get(month, 0) for service, month in cells)

    for row in rows:
        assert number(row) == 0 or number(row) >= LEAST
        inside = [other for other in rows if other < row]
        for other in inside:
            assert number(row - other) == 0 or number(row - other) >= LEAST
        rest = row - frozenset().union(*inside)
        assert number(rest) == 0 or number(rest) >= LEAST


@given(a_year)
def test_what_is_shown_by_months_is_shown_by_quarters_and_years_too(monthly: dict[str, dict[str, int]]) -> None:
    found = layers(by_period(monthly), PERIODS, overlap=False)
    month, quarter, year = (found[unit] or frozenset() for unit in UNITS)
    assert month <= quarter <= year


def test_a_small_service_is_put_together_with_the_next_smallest() -> None:
    counts = {"passport": {"2026-01": 90}, "visa": {"2026-01": 7}, "letter": {"2026-01": 2}}
    assert shown_alone(counts, ["2026-01"], frozenset(), overlap=False) == {"passport"}


def test_several_small_services_are_enough_together() -> None:
    counts = {"passport": {"2026-01": 90}, "visa": {"2026-01": 3}, "letter": {"2026-01": 2}}
    assert shown_alone(counts, ["2026-01"], frozenset(), overlap=False) == {"passport"}


def test_two_stages_of_three_applications_may_be_the_same_three_applications() -> None:
    counts = {"verification": {"2026-01": 3}, "decision": {"2026-01": 3}, "issue": {"2026-01": 9}}
    assert shown_alone(counts, ["2026-01"], frozenset(), overlap=False) == {"issue"}
    assert shown_alone(counts, ["2026-01"], frozenset(), overlap=True) == frozenset()


def test_where_all_together_are_too_few_nothing_is_shown() -> None:
    assert shown_alone({"passport": {"2026-01": 4}}, ["2026-01"], frozenset(), overlap=False) is None


def test_a_service_that_is_small_in_one_month_is_put_together_in_every_month_of_the_year() -> None:
    counts = {
        "passport": {"2026-01": 90, "2026-02": 90},
        "visa": {"2026-01": 50, "2026-02": 3},
        "letter": {"2026-01": 40, "2026-02": 20},
    }
    assert shown_alone(counts, ["2026-01", "2026-02"], frozenset(), overlap=False) == {"passport"}
