"""What an officer can choose from when commanding about a case: everything that a form of it needs, with its words. Pure."""

from datetime import date
from typing import Final

from msgspec import Struct

from contracts.catalogue import Catalogue, Service, Text, fees_on
from contracts.facts import Labels
from services.processing.shapes import Named

_USES: Final = {
    "request-documents": "document_request",
    "approve": "approval",
    "refuse": "refusal",
    "pause": "pause",
    "transfer": "transfer",
    "settle-payment-problem": "payment_settlement",
    "ask-opinion": "opinion_question",
    "open": "case_opening",
}


class ReasonChoice(Struct, frozen=True):
    """A reason code and its words; `{name}` in them stands for a parameter to be given."""

    code: str
    words: Text


class RequirementChoice(Struct, frozen=True, kw_only=True):
    """A requirement of the service."""

    code: str
    labels: Labels
    mandatory: bool
    help: Text | None


class FeeChoice(Struct, frozen=True, kw_only=True):
    """A fee in force today. Of one group exactly one is chosen; `always` without a group needs no choosing."""

    code: str
    labels: Labels
    amount: int
    currency: str
    group: str | None
    charged: str
    condition: Text | None
    legal_basis: str


class Choices(Struct, frozen=True, kw_only=True):
    """What fits a case of one service, today."""

    requirements: list[RequirementChoice]
    fees: list[FeeChoice]
    examinations: list[Named]
    bodies: list[Named]
    """Offices and agencies that it can be transferred to; agencies can be asked for an opinion."""
    agencies: list[Named]
    products: list[Named]
    remedies: list[Named]
    reasons: dict[str, list[ReasonChoice]]
    """By command; `approve` and `refuse` tell the two decisions apart, `open` is the help desk's."""


def choices(catalogue: Catalogue, service: Service, day: date) -> Choices:
    """What can be chosen for a case of `service` on `day`."""
    names = catalogue.names
    agencies = [Named(code, labels) for code, labels in names.agencies.items()]
    return Choices(
        requirements=[
            RequirementChoice(code=item.code, labels=item.labels, mandatory=item.mandatory, help=item.help)
            for item in service.requirements
        ],
        fees=[
            FeeChoice(
                code=fee.code, labels=fee.labels, amount=fee.amount, currency=fee.currency, group=fee.group,
                charged=fee.charged, condition=fee.condition, legal_basis=fee.legal_basis,
            )
            for fee in fees_on(service, day)
        ],
        examinations=[Named(code, labels) for code, labels in names.examinations.items()],
        bodies=[*(Named(code, office.labels) for code, office in catalogue.offices.items()), *agencies],
        agencies=agencies,
        products=[Named(code, labels) for code, labels in names.products.items()],
        remedies=[Named(code, labels) for code, labels in names.remedies.items()],
        reasons={command: _reasons(catalogue, use) for command, use in _USES.items()},
    )  # fmt: skip


def _reasons(catalogue: Catalogue, use: str) -> list[ReasonChoice]:
    return [ReasonChoice(code, catalogue.reasons[code]) for code in catalogue.reason_uses.get(use, ())]
