"""What is told after which event."""

import datetime as dt

import pytest

from contracts.facts import (
    FACTS,
    Actor,
    Collected,
    Decided,
    DocumentSupplied,
    Examined,
    Fact,
    FeeAssessed,
    FeePaid,
    Invited,
    PersonalDataErased,
    Reason,
    Submitted,
)
from services.notify.telling import (
    NOT_TOLD,
    TOLD,
    Application,
    News,
    Planned,
    Skip,
    concerns,
    out_of_date,
    plan,
    remember,
)

NOON = dt.datetime(2026, 3, 2, 5, tzinfo=dt.UTC)
OFFICER = Actor(role="officer", office="lebong")
TREASURY = Actor(role="treasury")
NUMBER = "LBG-0000-0000-0000-0000-0"
SUBMITTED = Submitted(service="passport_new", office="lebong", channel="internet", by=Actor(role="applicant"))
PAID = FeePaid(billing_code="820220922465628", amount=650_000, by=TREASURY)


def planned(
    fact: Fact,
    *,
    age: dt.timedelta = dt.timedelta(),
    application: Application | None = None,
    handled_elsewhere: bool = False,
) -> Planned | None:
    return plan(
        application or Application(NUMBER),
        fact,
        happened_at=NOON - age,
        arrived_at=NOON,
        handled_elsewhere=handled_elsewhere,
        news=News(),
    )


def test_every_kind_of_event_is_either_told_or_has_a_reason_why_not() -> None:
    told = {row.fact for row in TOLD}
    assert told | set(NOT_TOLD) == set(FACTS.values())
    assert not told & set(NOT_TOLD)


def test_a_submission_is_confirmed() -> None:
    assert planned(SUBMITTED) == Planned("submitted")


@pytest.mark.parametrize(("outcome", "template"), [("approved", "decided_approved"), ("refused", "decided_refused")])
def test_each_decision_has_its_own_words(outcome: str, template: str) -> None:
    assert planned(Decided(outcome=outcome, by=OFFICER)) == Planned(template)


def test_who_collects_in_person_is_not_told_what_they_hold_in_their_hands() -> None:
    assert planned(Collected(by=OFFICER)) is None
    assert planned(Collected(by=OFFICER, to="representative")) == Planned("collected_by_representative")


def test_an_old_event_is_history_and_not_told() -> None:
    assert planned(SUBMITTED, age=dt.timedelta(hours=47)) == Planned("submitted")
    assert planned(SUBMITTED, age=dt.timedelta(hours=49)) == Planned("submitted", Skip.TOO_OLD)
    assert planned(SUBMITTED, age=dt.timedelta(days=5500)) == Planned("submitted", Skip.TOO_OLD)


def test_what_another_system_handles_is_told_by_that_system() -> None:
    assert planned(SUBMITTED, handled_elsewhere=True) == Planned("submitted", Skip.HANDLED_ELSEWHERE)


def test_a_payment_reported_days_late_is_still_news_for_an_application_followed_here() -> None:
    followed = Application(NUMBER, "passport_new", "lebong", followed=True)
    assert planned(PAID, age=dt.timedelta(days=4), application=followed) == Planned("fee_paid")
    assert planned(PAID, age=dt.timedelta(days=4)) == Planned("fee_paid", Skip.TOO_OLD)
    assert planned(PAID, age=dt.timedelta(days=400), application=followed) == Planned("fee_paid", Skip.TOO_OLD)


def test_an_application_is_followed_when_its_submission_was_news() -> None:
    def known(age: dt.timedelta) -> Application:
        return remember(Application(NUMBER), SUBMITTED, happened_at=NOON - age, arrived_at=NOON, news=News())

    assert known(dt.timedelta(hours=1)) == Application(NUMBER, "passport_new", "lebong", followed=True)
    assert known(dt.timedelta(days=5500)) == Application(NUMBER, "passport_new", "lebong", followed=False)


ERASURE = PersonalDataErased(reason=Reason(code="erasure_requested"), legal_basis="UU 27/2022", by=OFFICER)


@pytest.mark.parametrize("fact", [SUBMITTED, PAID, ERASURE, Collected(by=OFFICER, to="representative")])
def test_what_is_remembered_or_told_concerns_us(fact: Fact) -> None:
    assert concerns(fact)


@pytest.mark.parametrize("fact", [Collected(by=OFFICER), Examined(examinations=["interview"], by=OFFICER)])
def test_nothing_comes_of_what_does_not_concern_us(fact: Fact) -> None:
    before = Application(NUMBER)
    assert not concerns(fact)
    assert planned(fact) is None
    assert remember(before, fact, happened_at=NOON, arrived_at=NOON, news=News()) == before


def test_after_erasure_nothing_is_told_any_more() -> None:
    erased = remember(Application(NUMBER), ERASURE, happened_at=NOON, arrived_at=NOON, news=News())
    assert planned(ERASURE, application=erased) is None
    assert planned(Decided(outcome="approved", by=OFFICER), application=erased) == Planned(
        "decided_approved", Skip.ERASED
    )


def test_an_uploaded_document_needs_no_mail() -> None:
    document = {"document": "d1", "requirement": "kk", "commitment": "A" * 43}
    import msgspec

    assert planned(msgspec.convert({"document": document, "by": {"role": "applicant"}}, DocumentSupplied)) is None


def test_a_billing_code_that_has_expired_is_not_asked_to_be_paid() -> None:
    fee = FeeAssessed(billing_code="820220922465628", amount=650_000, expires_at=NOON, by=OFFICER)
    assert not out_of_date(fee, NOON - dt.timedelta(seconds=1))
    assert out_of_date(fee, NOON)


def test_nobody_is_invited_to_an_appointment_that_is_over() -> None:
    assert out_of_date(Invited(examination="interview", at=NOON, by=OFFICER), NOON)
    assert not out_of_date(PAID, NOON)
