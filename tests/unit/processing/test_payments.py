"""The fee: assessed, paid in time, late, twice, wrongly, or under a code nobody knows."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from contracts.facts import Fact, FeeAssessed, Reason
from services.processing import refusals as no
from services.processing.application import billing_code
from services.processing.commands import AssessFee, Decide, Pause, SettlePaymentProblem
from services.processing.domain import Settlement
from services.processing.events import PaymentAccepted, PaymentProblemFound, PaymentProblemSettled
from tests.unit.processing.story import BOOK, MONDAY, PRICE, Story


def kind_of(facts: list[Fact]) -> str:
    (fact,) = facts
    assert isinstance(fact, PaymentProblemFound)
    return fact.kind


def test_the_fee_is_the_catalogues_of_the_day_and_can_be_paid_for_seven_days(story: Story) -> None:
    (fee,) = story.submitted().command(AssessFee(fees=[BOOK]), billing_code="820260302000007")
    assert isinstance(fee, FeeAssessed)
    assert (fee.amount, fee.currency, fee.billing_code) == (PRICE, "IDR", "820260302000007")
    assert fee.expires_at == MONDAY + timedelta(days=7)
    assert [line.legal_basis for line in fee.lines] == ["PP 45/2024"]


def test_a_billing_code_is_eight_the_day_and_six_digits() -> None:
    assert billing_code(datetime(2022, 9, 22, tzinfo=UTC).date(), 465628) == "820220922465628"
    assert billing_code(datetime(2026, 1, 2, tzinfo=UTC).date(), 7) == "820260102000007"


@pytest.mark.parametrize(
    ("fees", "refusal"),
    [
        (["book_of_gold"], no.UnknownFee),
        ([], no.FeeCombination),
        ([BOOK, "book_non_electronic_10y"], no.FeeCombination),
    ],
)
def test_fees_that_do_not_fit_the_catalogue_are_refused(story: Story, fees: list[str], refusal: type) -> None:
    with pytest.raises(refusal):
        story.submitted().command(AssessFee(fees=fees))


def test_a_fee_that_is_not_in_force_on_the_day_is_refused(story: Story) -> None:
    ended = [
        msgspec.structs.replace(fee, valid_until=MONDAY.date() - timedelta(days=1)) if fee.code == BOOK else fee
        for fee in story.service.fees
    ]
    with pytest.raises(no.FeeNotInForce):
        story.with_service(fees=ended).submitted().command(AssessFee(fees=[BOOK]))


def test_a_service_without_fees_has_nothing_to_assess(story: Story) -> None:
    with pytest.raises(no.NoFeeDue):
        story.with_service(fees=[]).submitted().command(AssessFee())


def test_assessing_the_same_fee_twice_changes_nothing(story: Story) -> None:
    assert story.submitted().assessed().command(AssessFee(fees=[BOOK])) == []


def test_another_assessment_replaces_an_unpaid_one(story: Story) -> None:
    story.submitted().assessed().command(AssessFee(fees=["book_electronic_10y"]))
    assert story.case.assessment is not None
    assert story.case.assessment.amount == 950_000


def test_an_expired_assessment_is_replaced_by_the_same_fee_under_a_new_code(story: Story) -> None:
    story.submitted().assessed()
    first = story.case.assessment
    (again,) = story.later(days=8).command(AssessFee(fees=[BOOK]))
    assert isinstance(again, FeeAssessed)
    assert first is not None
    assert again.billing_code != first.billing_code


def test_a_paid_fee_is_not_assessed_again(story: Story) -> None:
    with pytest.raises(no.FeeAlreadyPaid):
        story.submitted().paid().command(AssessFee(fees=["book_electronic_10y"]))


def test_a_payment_in_time_and_of_the_right_amount_settles_the_fee(story: Story) -> None:
    (fact,) = story.submitted().assessed().pays()
    assert isinstance(fact, PaymentAccepted)
    assert story.case.fee_settled
    assert story.case.turn == "office"


def test_a_payment_reported_late_is_still_accepted_and_brings_the_case_back(story: Story) -> None:
    paid_at = story.submitted().assessed().at + timedelta(days=6)
    story.later(days=20)
    (fact,) = story.pays(at=paid_at)
    assert isinstance(fact, PaymentAccepted)
    assert (fact.reported_at, story.case.times["fee_paid"]) == (story.at, (paid_at,))
    assert (story.case.turn, story.case.turn_since) == ("office", story.at)


def test_a_payment_reported_late_is_accepted_for_an_assessment_that_was_replaced(story: Story) -> None:
    story.submitted().assessed()
    first = story.case.assessments[0]
    story.later(days=8).assessed()
    (fact,) = story.pays(code=first.billing_code, at=MONDAY + timedelta(days=1))
    assert isinstance(fact, PaymentAccepted)


def test_a_payment_at_the_last_instant_is_in_time(story: Story) -> None:
    story.submitted().assessed()
    assert isinstance(story.pays(at=MONDAY + timedelta(days=7))[0], PaymentAccepted)


def test_a_payment_after_expiry_is_a_problem_and_settles_nothing(story: Story) -> None:
    story.submitted().assessed()
    assert kind_of(story.pays(at=MONDAY + timedelta(days=7, seconds=1))) == "payment_after_expiry"
    assert not story.case.fee_settled


def test_a_payment_of_the_wrong_amount_is_a_problem_that_names_what_was_asked(story: Story) -> None:
    (fact,) = story.submitted().assessed().pays(amount=PRICE - 1)
    assert isinstance(fact, PaymentProblemFound)
    assert (fact.kind, fact.expected_amount) == ("payment_wrong_amount", PRICE)


def test_a_payment_in_another_currency_is_a_problem(story: Story) -> None:
    assert kind_of(story.submitted().assessed().pays(currency="USD")) == "payment_wrong_currency"


def test_a_second_payment_is_a_problem_and_the_first_stands(story: Story) -> None:
    story.submitted().paid()
    assert kind_of(story.pays(receipt="A" * 16)) == "payment_twice"
    assert story.case.payment is not None
    assert len(story.case.problems) == 1


def test_a_payment_under_a_code_this_case_does_not_have_is_a_problem(story: Story) -> None:
    assert kind_of(story.submitted().assessed().pays(code="820200101000000")) == "payment_unknown_code"


def test_a_payment_after_the_end_is_a_problem(story: Story) -> None:
    story.submitted().assessed().withdrawn()
    assert kind_of(story.pays()) == "payment_after_end"


def test_the_same_report_of_a_payment_counts_once(story: Story) -> None:
    story.submitted().assessed().pays(id="p1")
    assert story.pays(id="p1") == []
    assert story.case.problems == ()


def test_the_same_receipt_under_another_event_id_is_the_same_payment(story: Story) -> None:
    story.submitted().assessed().pays(id="p1", receipt="0123456789ABCDEF")
    assert story.pays(id="p2", receipt="0123456789ABCDEF") == []


def test_a_payment_during_a_pause_is_accepted(story: Story) -> None:
    story.submitted().assessed().command(Pause(reason=Reason(code="system_outage")))
    assert isinstance(story.pays()[0], PaymentAccepted)


def test_nothing_to_pay_is_settled_at_once(story: Story) -> None:
    free = [msgspec.structs.replace(fee, amount=0) for fee in story.service.fees]
    story.with_service(fees=free).submitted().assessed()
    assert story.case.fee_settled
    assert story.case.turn == "office"


def test_an_approval_waits_for_the_payment(story: Story) -> None:
    story.submitted().assessed().verified()
    with pytest.raises(no.FeeNotPaid) as refused:
        story.command(Decide(outcome="approved"))
    assert story.case.assessment is not None
    assert refused.value.details["billing_code"] == story.case.assessment.billing_code


def test_a_payment_for_an_application_without_a_case_changes_nothing(story: Story) -> None:
    assert story.pays() == []


REFUNDED = Reason(code="payment_refunded")


def settle(problem: int, reason: Reason = REFUNDED) -> SettlePaymentProblem:
    return SettlePaymentProblem(problem=problem, reason=reason)


def with_two_problems(story: Story) -> Story:
    """A fee that was paid twice more than needed."""
    story.submitted().paid().pays()
    story.pays()
    return story


def test_a_problem_that_was_put_right_is_no_longer_open_and_says_how(story: Story) -> None:
    first, second = with_two_problems(story).case.problems
    (fact,) = story.command(settle(first.version))
    assert isinstance(fact, PaymentProblemSettled)
    assert story.case.problems[0].settled == Settlement(REFUNDED, story.at)
    assert story.case.open_problems == (second,)


def test_settling_a_problem_twice_changes_nothing(story: Story) -> None:
    first, second = with_two_problems(story).case.problems
    story.command(settle(first.version))
    assert story.command(settle(first.version)) == []
    story.command(settle(second.version))
    assert story.command(settle(first.version)) == []


def test_a_settled_problem_is_not_settled_otherwise(story: Story) -> None:
    first, second = with_two_problems(story).case.problems
    story.command(settle(first.version))
    with pytest.raises(no.UnknownPaymentProblem) as refused:
        story.command(settle(first.version, Reason(code="payment_kept_by_law")))
    assert refused.value.details == {"problem": first.version, "open": [second.version]}


def test_a_problem_that_the_case_does_not_have_is_refused(story: Story) -> None:
    with pytest.raises(no.NoPaymentProblem):
        story.submitted().paid().command(settle(1))
    story.pays()
    with pytest.raises(no.UnknownPaymentProblem):
        story.command(settle(99))


def test_a_problem_is_settled_with_a_reason_that_is_meant_for_it(story: Story) -> None:
    problem = with_two_problems(story).case.problems[0].version
    with pytest.raises(no.UnknownReason):
        story.command(settle(problem, Reason(code="payment_twice")))


def test_a_payment_after_the_end_can_still_be_put_right(story: Story) -> None:
    story.submitted().paid().withdrawn()
    story.pays()
    story.command(settle(story.case.problems[0].version))
    assert story.case.open_problems == ()
