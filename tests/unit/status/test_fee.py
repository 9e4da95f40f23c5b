"""The fee as applicants are told it: what to pay, whether it still can be paid, and what became of payments."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from contracts.facts import Fact, FeeAssessed, FeeLine, FeePaid, Withdrawn
from services.status.answering.views import Presenter
from services.status.fee.views import FeeView, fee_view
from services.status.folding.reading import in_us
from tests.unit.status.story import (
    APPLICANT,
    CATALOGUE,
    MONDAY,
    NUMBER,
    OFFICER,
    PROCEDURES,
    TREASURY,
    Story,
    assessed,
    hours,
    paid,
    submitted,
)


@dataclass
class Told:
    """A story with the rows of its timeline."""

    story: Story = field(default_factory=Story)
    rows: list[Any] = field(default_factory=list)

    def tell(self, fact: Fact, after_h: float, *, recorded_h: float | None = None) -> "Told":
        self.story.tell(fact, after_h, recorded_h=recorded_h)
        recorded = MONDAY + hours(after_h if recorded_h is None else recorded_h)
        self.rows.append(
            {
                "n": len(self.rows) + 1,
                "fact": type(fact).TYPE.split(".")[-2],
                "occurred": MONDAY + hours(after_h),
                "recorded": recorded,
                "source": "s",
                "event_id": str(len(self.rows)),
                "data": msgspec.json.encode(fact),
                "deviations": list(self.story.found[-1]),
            }
        )
        return self

    def view(self, after_h: float = 10) -> FeeView:
        presenter = Presenter(CATALOGUE, PROCEDURES)
        return fee_view(NUMBER, self.story.progress, self.rows, presenter, in_us(MONDAY + hours(after_h)))


def test_before_the_assessment_there_is_nothing_to_pay() -> None:
    view = Told().tell(submitted(), 0).view()
    assert (view.state, view.billing_code, view.lines) == ("not_assessed", None, [])


def test_what_is_due_is_told_with_code_lines_and_the_law() -> None:
    lines = [FeeLine(fee="book_electronic_10y", amount=650_000, legal_basis="PP 45/2024")]
    fact = FeeAssessed(
        billing_code="820260302000001", amount=650_000, expires_at=MONDAY + timedelta(days=7), by=OFFICER, lines=lines
    )
    view = Told().tell(submitted(), 0).tell(fact, 1).view()
    assert view.state == "due"
    assert (view.billing_code, view.amount) == ("820260302000001", 650_000)
    assert [(line.amount, line.legal_basis) for line in view.lines] == [(650_000, "PP 45/2024")]
    assert "820260302000001" in view.text.en


def test_after_its_end_a_billing_code_is_told_as_expired_and_not_to_be_used() -> None:
    told = Told().tell(submitted(), 0).tell(assessed(days=1), 1)
    assert told.view(24).state == "expired"
    assert "Do not pay" in told.view(24).text.en
    assert told.view(23.9).state == "due"


def test_a_payment_that_meets_the_fee_settles_it() -> None:
    view = Told().tell(submitted(), 0).tell(assessed(), 1).tell(paid(), 2).view()
    assert view.state == "paid"
    assert [(one.accepted, one.text.en) for one in view.payments] == [(True, "Accepted.")]


def test_a_late_report_by_the_bank_is_said_not_to_be_the_applicants_time() -> None:
    view = Told().tell(submitted(), 0).tell(assessed(), 1).tell(paid(), 2, recorded_h=20).view(30)
    assert view.state == "paid"
    assert "18 hours late" in view.payments[0].text.en


def test_paying_twice_is_told_as_paid_with_a_surplus() -> None:
    view = Told().tell(submitted(), 0).tell(assessed(), 1).tell(paid(), 2).tell(paid(), 3).view()
    assert view.state == "paid"
    assert [one.accepted for one in view.payments] == [True, False]
    assert "surplus" in view.text.en


@pytest.mark.parametrize(
    ("payment", "words"),
    [
        (paid(amount=1), "the amount differs"),
        (paid(code="820260302999999"), "no such billing code"),
    ],
)
def test_a_payment_that_does_not_fit_is_a_problem_and_is_not_to_be_paid_once_more(payment: FeePaid, words: str) -> None:
    view = Told().tell(submitted(), 0).tell(assessed(), 1).tell(payment, 2).view()
    assert view.state == "problem"
    assert words in view.text.en
    assert "do not pay once more" in view.text.en


def test_a_withdrawn_application_owes_nothing() -> None:
    view = Told().tell(submitted(), 0).tell(assessed(), 1).tell(Withdrawn(by=APPLICANT), 2).view()
    assert view.state == "not_owed"


def test_a_payment_that_a_correction_took_the_place_of_is_no_longer_told() -> None:
    told = Told().tell(submitted(), 0).tell(assessed(), 1).tell(paid(amount=1), 2)
    source = told.rows[-1]["source"]
    corrected = FeePaid(
        billing_code="820260302000001",
        amount=650_000,
        by=TREASURY,
        corrects={"source": source, "id": "2"},  # type: ignore[arg-type]
    )
    told.rows.append(told.rows[-1] | {"n": 4, "event_id": "3", "data": msgspec.json.encode(corrected)})
    assert [one.amount for one in told.view().payments] == [650_000]
