"""The expected time on real history: the permit log, foretold from its first half."""

import pytest

from services.status.expected.coverage import coverage_of
from services.status.expected.expected import History
from tests.backtest.__main__ import fixed, line, main, rolling
from tests.backtest.permits import PERMITS, permit_history

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def history() -> History:
    if not PERMITS.exists():
        pytest.skip(f"{PERMITS.name} is not beside this checkout")
    return permit_history()


def test_what_the_later_half_of_the_permit_log_was_told_came_true_as_often_as_said(history: History) -> None:
    tested = rolling(history)
    for moment in ("at_submission", "half_way"):
        coverage = coverage_of(tested, moment)
        print(line(f"rolling {moment}", coverage))
        assert coverage.predictions > 600
        assert 0.75 <= coverage.within_80 / coverage.predictions <= 0.90
        assert 0.45 <= coverage.within_50 / coverage.predictions <= 0.65


def test_a_model_that_stopped_learning_foretells_too_wide_a_range_for_a_municipality_that_became_faster(
    history: History,
) -> None:
    coverage = coverage_of(fixed(history), "at_submission")
    assert coverage.predictions == 627
    assert 0.85 <= coverage.within_80 / coverage.predictions <= 0.97


def test_where_the_log_is_missing_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.backtest.__main__.PERMITS", tmp_path / "none.csv.gz")
    assert main() == 0
    assert "skipped" in capsys.readouterr().out
