"""A payment that did not settle a fee, as a row to be followed up: what the read model keeps and the case's view shows."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.processing.domain import Problem


@dataclass(frozen=True, slots=True)
class PaymentProblemRow:
    """The fields are the columns of the table `payment_problems`; `version` tells those of one case apart."""

    number: str
    version: int
    kind: str
    source: str
    event_id: str
    billing_code: str
    amount: int
    expected_amount: int | None
    currency: str
    receipt: str | None
    paid_at: datetime
    reported_at: datetime
    expires_at: datetime | None
    settled_at: datetime | None
    settled_reason: str | None
    settled_parameters: str | None
    """JSON: an object of texts."""


def problem_row(number: str, problem: Problem) -> PaymentProblemRow:
    """The row of a case's payment problem."""
    found, settled = problem.found, problem.settled
    return PaymentProblemRow(
        number=number,
        version=problem.version,
        kind=found.kind,
        source=found.about.source,
        event_id=found.about.id,
        billing_code=found.billing_code,
        amount=found.amount,
        expected_amount=found.expected_amount,
        currency=found.currency,
        receipt=found.receipt,
        paid_at=problem.paid_at,
        reported_at=found.reported_at,
        expires_at=found.expires_at,
        settled_at=settled.at if settled else None,
        settled_reason=settled.reason.code if settled else None,
        settled_parameters=msgspec.json.encode(settled.reason.parameters).decode() if settled else None,
    )
