"""The fee of an application as the API shows it: what is owed, of what it is made, what was paid. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from contracts.facts import FeeAssessed, FeePaid
from services.status import domain
from services.status.answering import words
from services.status.answering.views import Named, Presenter, at
from services.status.answering.words import Text, templates
from services.status.folding.procedure import Procedure
from services.status.folding.progress import Fee, Payment, Progress
from services.status.folding.reading import in_us
from services.status.folding.situation import situate
from services.status.past.asof import corrections_of

State = Literal["not_assessed", "not_owed", "due", "expired", "problem", "paid"]
_PROBLEMS: Final = (domain.UNKNOWN_BILLING_CODE, domain.WRONG_AMOUNT, domain.AFTER_EXPIRY, domain.PAID_AGAIN)


class FeeLineView(Struct, frozen=True):
    """One position of the fee."""

    fee: Named
    amount: int
    legal_basis: str


class PaymentView(Struct, frozen=True):
    """A payment as it was reported."""

    n: int
    """Of its event on the timeline."""
    billing_code: str
    amount: int
    currency: str
    paid_at: datetime
    reported_at: datetime
    """When we learned of it."""
    accepted: bool
    text: Text
    """What became of it."""


class FeeView(Struct, frozen=True):
    """What is to be paid for an application, and what was paid."""

    number: str
    state: State
    text: Text
    """One sentence: what it means."""
    billing_code: str | None
    amount: int | None
    currency: str | None
    expires_at: datetime | None
    assessed_at: datetime | None
    lines: list[FeeLineView]
    payments: list[PaymentView]


class _Payment(Struct, frozen=True):
    """A payment that counts, with what is odd about it."""

    n: int
    data: FeePaid
    paid_at: datetime
    reported_at: datetime
    odd: frozenset[str]

    def is_same(self, accepted: Payment | None) -> bool:
        """Whether it is the one that met the assessment."""
        return accepted is not None and (accepted.code, accepted.paid_at) == (
            self.data.billing_code,
            in_us(self.paid_at),
        )


_of_assessment: Final = msgspec.json.Decoder(FeeAssessed)
_of_payment: Final = msgspec.json.Decoder(FeePaid)


def fee_view(number: str, progress: Progress, rows: Sequence[Any], presenter: Presenter, now_us: int) -> FeeView:
    """The fee at an instant; `rows` is the whole timeline, of which the state keeps only what its clocks need."""
    procedure = presenter.procedure(progress.service)
    fee, payments = progress.fee, _payments(rows)
    state = _state(progress, procedure, payments, now_us)
    return FeeView(
        number=number,
        state=state,
        text=_text(state, progress, payments, presenter),
        billing_code=fee.code if fee else None,
        amount=fee.amount if fee else None,
        currency=fee.currency if fee else None,
        expires_at=at(fee.expires_at) if fee else None,
        assessed_at=at(fee.assessed_at) if fee else None,
        lines=_lines(fee, rows, progress.service, presenter) if fee else [],
        payments=[_payment_view(one, progress) for one in payments],
    )


def _state(progress: Progress, procedure: Procedure, payments: Sequence[_Payment], now_us: int) -> State:
    if progress.paid is not None:
        return "paid"
    if situate(progress, procedure).waits_for == "nobody":
        return "problem" if payments else "not_owed"
    if payments:
        return "problem"
    if progress.fee is None:
        return "not_assessed"
    return "expired" if progress.fee.expires_at <= now_us else "due"


def _text(state: State, progress: Progress, payments: Sequence[_Payment], presenter: Presenter) -> Text:
    fee, paid = progress.fee, progress.paid
    surplus = [one for one in payments if not one.is_same(paid)]
    said = templates().fee["paid_more" if state == "paid" and surplus else state]
    amount, currency = (paid.amount, paid.currency) if paid else (fee.amount, fee.currency) if fee else (0, "IDR")
    return said.fill(
        amount=words.money(amount, currency),
        billing_code=fee.code if fee else "",
        by=words.instant(fee.expires_at, presenter.zone(progress.office)) if fee else "",
        problem=_problem(surplus[-1]) if surplus else "",
    )


def _payments(rows: Sequence[Any]) -> list[_Payment]:
    """Payments in the order of the log, but those that a correction has taken the place of."""
    replaced = corrections_of(rows).replaced_by
    return [
        _Payment(
            row["n"],
            _of_payment.decode(row["data"]),
            row["occurred"],
            row["recorded"],
            frozenset(row["deviations"] or ()),
        )
        for row in rows
        if row["fact"] == "fee_paid" and row["n"] not in replaced
    ]


def _lines(fee: Fee, rows: Sequence[Any], service: str, presenter: Presenter) -> list[FeeLineView]:
    assessments = [_of_assessment.decode(row["data"]) for row in rows if row["fact"] == "fee_assessed"]
    of_code = [one for one in assessments if one.billing_code == fee.code and one.amount == fee.amount]
    known = presenter.catalogue.services.get(service)
    labels = {one.code: one.labels for one in known.fees} if known else {}
    return [
        FeeLineView(Named(line.fee, words.text_of(labels.get(line.fee), "fee")), line.amount, line.legal_basis)
        for line in (of_code[-1].lines if of_code else ())
    ]


def _payment_view(payment: _Payment, progress: Progress) -> PaymentView:
    accepted = payment.is_same(progress.paid)
    return PaymentView(
        n=payment.n,
        billing_code=payment.data.billing_code,
        amount=payment.data.amount,
        currency=payment.data.currency,
        paid_at=payment.paid_at,
        reported_at=payment.reported_at,
        accepted=accepted,
        text=_accepted(payment) if accepted else _sentence(_problem(payment)),
    )


def _accepted(payment: _Payment) -> Text:
    if domain.REPORTED_LATE not in payment.odd:
        return templates().fee["accepted"]
    delay = words.duration(in_us(payment.reported_at) - in_us(payment.paid_at))
    return templates().fee["reported_late"].fill(delay=delay)


def _problem(payment: _Payment) -> Text:
    code = next((code for code in _PROBLEMS if code in payment.odd), domain.PAID_AGAIN)
    return templates().deviations[code]


def _sentence(text: Text) -> Text:
    return Text(f"{text.id[:1].upper()}{text.id[1:]}.", f"{text.en[:1].upper()}{text.en[1:]}.")
