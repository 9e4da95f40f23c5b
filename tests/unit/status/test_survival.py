"""The product-limit estimator: published and reference figures, and what must hold whatever the figures are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.status.expected.survival import Curve, Spell, product_limit

WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
REMISSION = [Spell(0, weeks, bool(relapsed)) for weeks, relapsed in zip(WEEKS, RELAPSED, strict=True)]
"""Weeks in remission under 6-mercaptopurine (Freireich et al., Blood 21, 1963), the textbook example."""

LATE = [
    (2, 5, 0), (6, 7, 1), (6, 13, 1), (0, 3, 1), (4, 19, 0), (4, 7, 0), (10, 27, 0), (2, 3, 1), (10, 43, 0), (4, 5, 1),
    (10, 15, 1), (2, 9, 1), (8, 27, 1), (4, 13, 0), (8, 11, 1), (4, 9, 1), (4, 7, 0), (0, 1, 1), (4, 11, 1), (10, 15, 0),
    (2, 3, 0), (10, 21, 1), (4, 9, 1), (10, 19, 0), (0, 19, 0), (4, 19, 1), (2, 3, 0), (4, 11, 1), (10, 11, 0), (4, 17, 0),
]  # fmt: skip
"""Watched from different ages on; what lifelines 0.30.3 makes of them is `BY_LIFELINES`."""
BY_LIFELINES = [
    (1, 0.666667), (3, 0.47619), (5, 0.442177), (7, 0.410593), (9, 0.315841), (11, 0.260104), (13, 0.240096),
    (15, 0.218269), (19, 0.190985), (21, 0.143239), (27, 0.095493),
]  # fmt: skip

ages = st.integers(0, 40)
spells = st.builds(lambda until, ended: Spell(0, until, ended), st.integers(1, 40), st.booleans())
late_spells = st.builds(
    lambda entered, length, ended: Spell(entered, entered + length, ended), ages, st.integers(1, 40), st.booleans()
)
many = st.lists(spells, min_size=1, max_size=40)
many_late = st.lists(late_spells, min_size=1, max_size=40)


def test_the_remission_data_give_the_published_curve() -> None:
    curve = product_limit(REMISSION)
    assert curve.ages == (6, 7, 10, 13, 16, 22, 23)
    assert curve.survival == pytest.approx((0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482), abs=5e-5)
    assert curve.quantile(0.5) == 23  # the published median


def test_cases_that_are_watched_late_give_what_lifelines_gives() -> None:
    curve = product_limit([Spell(entered, until, bool(ended)) for entered, until, ended in LATE])
    assert list(curve.ages) == [age for age, _ in BY_LIFELINES]
    assert curve.survival == pytest.approx([share for _, share in BY_LIFELINES], abs=1e-6)


def test_without_open_cases_it_is_the_share_that_lasts_longer() -> None:
    curve = product_limit([Spell(0, age, True) for age in (1, 2, 2, 3, 8)])
    assert [curve.at(age) for age in (0, 1, 2, 3, 7, 8)] == pytest.approx([1, 0.8, 0.4, 0.2, 0.2, 0])


def test_an_end_counts_before_a_case_that_is_last_seen_at_the_same_age() -> None:
    assert product_limit([Spell(0, 5, True), Spell(0, 5, False)]).at(5) == pytest.approx(0.5)


def test_one_early_end_does_not_end_those_who_are_watched_later() -> None:
    curve = product_limit([Spell(0, 1, True), Spell(3, 7, True), Spell(3, 9, True)])
    assert curve.at(1) == 1.0
    assert curve.at(7) == pytest.approx(0.5)


def test_nothing_is_known_of_nobody() -> None:
    curve = product_limit([])
    assert (curve.unresolved, curve.quantile(0.5), curve.after(3)) == (1.0, None, Curve())


def test_those_who_end_are_told_without_those_who_never_do() -> None:
    curve = product_limit([Spell(0, age, True) for age in (1, 2, 3, 4)] + [Spell(0, 100, False)] * 4)
    assert curve.unresolved == pytest.approx(0.5)
    assert curve.quantile(0.9) is None
    assert [curve.of_those_that_end().quantile(share) for share in (0.25, 0.5, 0.9)] == [1, 2, 4]


@given(many_late)
def test_quantiles_never_decrease(watched: list[Spell]) -> None:
    for curve in (product_limit(watched), product_limit(watched).of_those_that_end()):
        found = [curve.quantile(share) for share in (0.1, 0.25, 0.5, 0.75, 0.9)]
        known = [age for age in found if age is not None]
        assert known == sorted(known)
        assert found[: len(known)] == known  # once unknown, unknown for all greater shares


@given(many_late)
def test_having_waited_no_time_changes_nothing(watched: list[Spell]) -> None:
    curve = product_limit(watched)
    assert curve.after(0) == curve


@given(many, ages, ages)
def test_what_remains_after_a_wait_is_the_ratio_of_the_curve(watched: list[Spell], waited: int, more: int) -> None:
    curve = product_limit(watched)
    if curve.at(waited) > 0:
        assert curve.after(waited).at(more) == pytest.approx(curve.at(waited + more) / curve.at(waited))


@given(many, ages)
def test_what_remains_is_what_those_who_waited_as_long_give_by_themselves(watched: list[Spell], waited: int) -> None:
    longer = [Spell(0, one.until - waited, one.ended) for one in watched if one.until > waited]
    remaining, alone = product_limit(watched).after(waited), product_limit(longer)
    assert remaining.ages == alone.ages
    assert remaining.survival == pytest.approx(alone.survival)


@given(many, st.data())
def test_an_end_that_is_not_known_only_lengthens_what_is_expected(watched: list[Spell], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(watched) - 1))
    hidden = [one._replace(ended=False) if n == place else one for n, one in enumerate(watched)]
    curve, without = product_limit(watched), product_limit(hidden)
    for age in range(42):
        assert without.at(age) >= curve.at(age) - 1e-12
    for share in (0.1, 0.5, 0.9):
        longer = without.quantile(share)
        assert longer is None or longer >= (curve.quantile(share) or 0)


@given(many_late)
def test_shares_stay_between_none_and_all_and_never_rise(watched: list[Spell]) -> None:
    curve = product_limit(watched)
    assert all(0.0 <= share <= 1.0 for share in curve.survival)
    assert list(curve.survival) == sorted(curve.survival, reverse=True)
