"""Who is waited on, one event after the other: the state that the waiting ledger steps through.

The events come in the order of their own times. Rules: `CLOCKS.md` of the design. Times are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the workers of a rebuild start faster without the catalogue
    from services.status.folding.procedure import Procedure
    from services.status.folding.progress import Moment, Payment
    from services.status.folding.situation import Party

REPORTED: Final = "payment_reported"
"""Not an event but a cut: the instant at which a payment was reported."""
NOTICES: Final = frozenset({"deadline_passed", "notification_sent", "notification_failed", "personal_data_erased"})
"""What is told about an application, and changes nothing that anyone has to do."""
OF_OTHERS: Final = frozenset({"submitted", "document_supplied", "fee_paid"})
"""What the applicant and the bank do."""
_NO_ANSWER: Final = NOTICES | OF_OTHERS | {REPORTED, "withdrawn", "transferred"}
"""What is not an act of the body that has the case."""


@dataclass(slots=True)
class Waits:
    """Who is waited on, after the moments taken so far."""

    office: str
    paid: Payment | None
    """The payment that meets the fee."""
    procedure: Procedure
    party: Party = "office"
    stage: str = ""
    """The furthest declared stage that was reached."""
    agency: str = ""
    """Which body has the case, where the office does not."""
    place: int = -1
    """Of `stage`."""
    paused: bool = False
    missing: set[str] = field(default_factory=set)
    invited: dict[str, bool] = field(default_factory=dict)
    """Examination → invited to it after a decision."""
    owed: bool = False
    settled: bool = False
    unreported: bool = False
    outcome: str = ""
    issued: bool = False

    def take(self, moment: Moment) -> None:
        """What `moment` changes."""
        fact = moment.fact
        change = _CHANGES.get(fact)
        if change is not None:
            change(self, moment)
        if self.agency and fact not in _NO_ANSWER:
            self.agency = ""
            self.party = self._holder()
        elif change is not None:
            self.party = self._holder()
        step = self.procedure.steps.get(fact)
        if step is not None and (fact != "fee_paid" or self.settled):
            place = step[0].bit_length() - 1
            if place > self.place:
                self.place, self.stage = place, self.procedure.stages[place][0]

    def _holder(self) -> Party:
        """Where two would hold, the one who can act next."""
        if self.paused:
            return "legal_pause"
        if self.issued:
            return "applicant"
        if not self.outcome:
            if self.missing or self.invited or (self.owed and not self.settled):
                return "applicant"
        elif self.invited and self.outcome == "approved" and any(self.invited.values()):
            return "applicant"
        if self.unreported:
            return "bank"
        return "agency" if self.agency else "office"


def is_payment(moment: Moment, paid: Payment) -> bool:
    """Whether `moment` is the one at which `paid` was paid."""
    return moment.at == paid.paid_at and moment.fact == "fee_paid" and moment.detail == (paid.code,)


def _documents_requested(waits: Waits, moment: Moment) -> None:
    waits.missing.update(moment.detail)


def _document_supplied(waits: Waits, moment: Moment) -> None:
    waits.missing.difference_update(moment.detail)


def _fee_assessed(waits: Waits, moment: Moment) -> None:
    waits.owed = True


def _fee_paid(waits: Waits, moment: Moment) -> None:
    paid = waits.paid
    if paid is not None and not waits.settled and is_payment(moment, paid):
        waits.settled, waits.unreported = True, paid.reported_at > paid.paid_at


def _payment_reported(waits: Waits, moment: Moment) -> None:
    waits.unreported = False


def _invited(waits: Waits, moment: Moment) -> None:
    waits.invited[moment.detail[0]] = bool(waits.outcome)


def _examined(waits: Waits, moment: Moment) -> None:
    for examination in moment.detail:
        waits.invited.pop(examination, None)


def _decided(waits: Waits, moment: Moment) -> None:
    waits.outcome = moment.detail[0]


def _issued(waits: Waits, moment: Moment) -> None:
    waits.issued = True


def _paused(waits: Waits, moment: Moment) -> None:
    waits.paused = True


def _resumed(waits: Waits, moment: Moment) -> None:
    waits.paused = False


def _transferred(waits: Waits, moment: Moment) -> None:
    """To another body; to the office itself is coming back."""
    to = moment.detail[0]
    waits.agency = "" if to == waits.office else to


_CHANGES: Final[dict[str, Callable[[Waits, Moment], None]]] = {
    "documents_requested": _documents_requested,
    "document_supplied": _document_supplied,
    "fee_assessed": _fee_assessed,
    "fee_paid": _fee_paid,
    REPORTED: _payment_reported,
    "invited": _invited,
    "examined": _examined,
    "decided": _decided,
    "issued": _issued,
    "paused": _paused,
    "resumed": _resumed,
    "transferred": _transferred,
}
