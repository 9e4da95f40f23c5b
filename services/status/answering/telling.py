"""What the words of each fact are filled with: one function a fact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from contracts.catalogue import Service
from contracts.facts import (
    Collected,
    DeadlinePassed,
    Decided,
    DocumentsRequested,
    DocumentSupplied,
    Examined,
    FeeAssessed,
    FeePaid,
    Invited,
    Issued,
    NotificationFailed,
    NotificationSent,
    Reason,
    RequestedDocument,
    StageRecorded,
    Submitted,
    Transferred,
)
from services.status.answering import words
from services.status.answering.views import Presenter
from services.status.answering.words import Text, templates
from services.status.folding.reading import in_us

Values = Mapping[str, Text | str]


@dataclass(frozen=True)
class Telling:
    """Words for the facts of one application."""

    presenter: Presenter
    service: Service | None
    zone: ZoneInfo

    def values(self, fact: str, data: Any) -> Values:
        """The values for the placeholders of `fact`'s words."""
        tell = _TELLS.get(fact)
        return tell(self, data) if tell else {}

    def asked(self, item: RequestedDocument) -> Text:
        """A document with why it is needed."""
        named = self.presenter.requirement(self.service, item.requirement)
        why = self.reasons(item.reason)
        return Text(f"{named.id} ({why.id.rstrip('.')})", f"{named.en} ({why.en.rstrip('.')})") if why.id else named

    def reasons(self, *given: Reason | None) -> Text:
        """Reasons as sentences."""
        return words.reasons(self.presenter.catalogue, [reason for reason in given if reason])


def _submitted(telling: Telling, data: Submitted) -> Values:
    labels = telling.service.labels if telling.service else None
    return {"service": words.text_of(labels, "service"), "office": telling.presenter.office(data.office)}


def _documents_requested(telling: Telling, data: DocumentsRequested) -> Values:
    return {"documents": words.joined([telling.asked(item) for item in data.documents])}


def _document_supplied(telling: Telling, data: DocumentSupplied) -> Values:
    return {"documents": telling.presenter.requirement(telling.service, data.document.requirement)}


def _fee_assessed(telling: Telling, data: FeeAssessed) -> Values:
    expires = words.instant(in_us(data.expires_at), telling.zone)
    return {"amount": words.money(data.amount, data.currency), "billing_code": data.billing_code, "by": expires}


def _fee_paid(telling: Telling, data: FeePaid) -> Values:
    return {"amount": words.money(data.amount, data.currency), "billing_code": data.billing_code}


def _invited(telling: Telling, data: Invited) -> Values:
    when = words.instant(in_us(data.at), telling.zone)
    return {"examination": telling.presenter.examinations([data.examination]), "at": when}


def _examined(telling: Telling, data: Examined) -> Values:
    return {"examination": telling.presenter.examinations(data.examinations)}


def _decided(telling: Telling, data: Decided) -> Values:
    remedy = words.remedy(telling.presenter.catalogue, data.remedy)
    return {"reasons": telling.reasons(*data.reasons), "remedy": remedy}


def _issued(telling: Telling, data: Issued) -> Values:
    by = words.instant(in_us(data.collect_by), telling.zone) if data.collect_by else None
    until = templates().terms["collect_by"].fill_in_place(by=by) if by else ""
    return {"product": telling.presenter.product(data.product), "collect_by": until}


def _collected(telling: Telling, data: Collected) -> Values:
    return {"receiver": templates().terms["representative" if data.to == "representative" else "applicant"]}


def _with_reason(telling: Telling, data: Any) -> Values:
    return {"reasons": telling.reasons(data.reason)}


def _transferred(telling: Telling, data: Transferred) -> Values:
    return {"body": words.body(telling.presenter.catalogue, data.to), "reasons": telling.reasons(data.reason)}


def _deadline_passed(telling: Telling, data: DeadlinePassed) -> Values:
    return {"by": words.limit(in_us(data.deadline), telling.zone)}


def _notified(telling: Telling, data: NotificationSent | NotificationFailed) -> Values:
    terms = templates().terms
    reason = data.reason if isinstance(data, NotificationFailed) else None
    return {"channel": terms.get(data.channel, terms["message"]), "reasons": telling.reasons(reason)}


def _stage_recorded(telling: Telling, data: StageRecorded) -> Values:
    return {"own_stage": Text(data.labels.id, data.labels.en)}


_TELLS: Final[dict[str, Callable[[Telling, Any], Values]]] = {
    "submitted": _submitted,
    "documents_requested": _documents_requested,
    "document_supplied": _document_supplied,
    "fee_assessed": _fee_assessed,
    "fee_paid": _fee_paid,
    "invited": _invited,
    "examined": _examined,
    "decided": _decided,
    "issued": _issued,
    "collected": _collected,
    "withdrawn": _with_reason,
    "paused": _with_reason,
    "transferred": _transferred,
    "deadline_passed": _deadline_passed,
    "notification_sent": _notified,
    "notification_failed": _notified,
    "personal_data_erased": _with_reason,
    "stage_recorded": _stage_recorded,
}
