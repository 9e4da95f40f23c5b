"""An event as a message to the applicant: subject and plain text, from the templates of one language.

Plain text only, on purpose: every mail program and screen reader shows it, nothing in it can be loaded from
elsewhere, and no link hides its address. The only personal datum in it is the name in the salutation; the access code
is never in a mail. What needs words comes from the catalogue.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from contracts.catalogue import Catalogue, DeadlineRule, Service, body_labels, reason_words
from contracts.facts import (
    DeadlinePassed,
    Decided,
    DocumentsRequested,
    Fact,
    FeeAssessed,
    FeePaid,
    Invited,
    Issued,
    Labels,
    Paused,
    Reason,
    Transferred,
    Withdrawn,
)
from services.notify import words
from services.notify.domain import Language
from services.notify.telling import Application

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"
REPORTED_LATE: Final = timedelta(hours=1)
"""A payment reported later than this is said to be late, so that nobody thinks the applicant was."""
_UNNAMED: Final = {
    "reason": Labels(
        id="Alasannya dijelaskan pada halaman permohonan Anda.", en="The page of your application explains why."
    ),
    "document": Labels(id="Dokumen", en="A document"),
    "fee": Labels(id="Biaya", en="Fee"),
    "examination": Labels(id="Pemeriksaan", en="Examination"),
    "remedy": Labels(id="Keberatan", en="Objection"),
}
"""What is said where the catalogue has no words: never a bare code."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a message is about: the fact, when it happened and when it was recorded."""

    application: Application
    fact: Fact
    happened_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, without its recipient."""

    subject: str
    text: str
    language: Language


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """What the catalogue says, in one language and in the time zone of one office."""

    catalogue: Catalogue
    language: Language
    zone: ZoneInfo
    service: Service | None

    def reason(self, reason: Reason) -> str:
        """A reason code in words, its parameters put in."""
        if reason.code not in self.catalogue.reasons:
            return words.pick(_UNNAMED["reason"], self.language)
        return reason_words(self.catalogue, reason, self.language)

    def requirement(self, code: str) -> str:
        """What a required document is called."""
        known = {one.code: one.labels for one in self.service.requirements} if self.service else {}
        return self._called(known, code, "document")

    def fee(self, code: str) -> str:
        """What a fee is called."""
        known = {one.code: one.labels for one in self.service.fees} if self.service else {}
        return self._called(known, code, "fee")

    def examination(self, code: str) -> str:
        """What the applicant is invited to."""
        return self._called(self.catalogue.names.examinations, code, "examination")

    def remedy(self, code: str) -> str:
        """What can be done against a decision."""
        return self._called(self.catalogue.names.remedies, code, "remedy")

    def body(self, code: str) -> str | None:
        """What an office or agency is called; None for one that the catalogue does not have."""
        labels = body_labels(self.catalogue, code)
        return words.pick(labels, self.language) if labels else None

    def _called(self, known: Mapping[str, Labels], code: str, kind: str) -> str:
        return words.pick(known.get(code) or _UNNAMED[kind], self.language)

    def deadline_rule(self, code: str, version: int) -> DeadlineRule | None:
        """A deadline rule in one version."""
        rules = self.service.deadlines if self.service else []
        return next((rule for rule in rules if (rule.code, rule.version) == (code, version)), None)


@cache
def texts() -> "Environment":
    """The templates of all that is sent. Jinja comes with the first message, since it is 4 MiB of a service that may be idle."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - with the first message

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text: escaping would show as garbage
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


class Messages:
    """Renders messages. `where` is the address of an application's page, with `{number}` in it, or None."""

    def __init__(
        self, catalogue: Catalogue, *, office: str, where: str | None = None, complaints: str | None = None
    ) -> None:
        self._catalogue = catalogue
        self._office = office
        self._where = where
        self._complaints = complaints

    def render(self, template: str, occasion: Occasion, *, name: str, language: Language) -> Message:
        """The message that `template` makes of `occasion` for the person called `name` (may be empty)."""
        context = self._context(occasion, name, language)
        page = texts().get_template(f"{language}/{template}.txt")
        subject = "".join(page.blocks["subject"](page.new_context(context)))
        return Message(" ".join(subject.split()), page.render(context).strip() + "\n", language)

    def headline(self, template: str, occasion: Occasion, language: Language) -> tuple[str, str]:
        """The same message as a title (the service) and one sentence (what happened): nothing that the page of the number, which
        anybody can open who has it, does not say.
        """
        subject = self.render(template, occasion, name="", language=language).subject
        service = self._context(occasion, "", language)["service"]
        return service or "Jejak", subject.removesuffix(f" – {occasion.application.number}")

    def _context(self, occasion: Occasion, name: str, language: Language) -> dict[str, Any]:
        application = occasion.application
        service = self._catalogue.services.get(application.service or "")
        office = self._catalogue.offices.get(application.office or "") or self._catalogue.offices.get(self._office)
        zone = ZoneInfo(office.time_zone if office else "Asia/Jakarta")
        book = Phrasebook(self._catalogue, language, zone, service)
        late = occasion.recorded_at - occasion.happened_at
        return {
            "name": " ".join(name.split()),
            "number": application.number,
            "service": words.pick(service.labels, language) if service else None,
            "office": words.pick(office.labels, language) if office else None,
            "where": self._where.replace("{number}", application.number) if self._where else None,
            "complaints": self._complaints,
            "happened": words.moment(occasion.happened_at, zone, language),
            "late": words.duration(late, language) if late > REPORTED_LATE else None,
            **_DETAILS.get(type(occasion.fact), _nothing)(occasion.fact, book),
        }


Details = Mapping[str, Any]


def _documents(fact: DocumentsRequested, book: Phrasebook) -> Details:
    return {
        "documents": [(book.requirement(one.requirement), book.reason(one.reason)) for one in fact.documents],
        "answer_by": fact.answer_by and words.limit(fact.answer_by, book.zone, book.language),
    }


def _fee(fact: FeeAssessed, book: Phrasebook) -> Details:
    def money(amount: int) -> str:
        return words.sum_of_money(amount, fact.currency, book.language)

    return {
        "amount": money(fact.amount),
        "billing_code": fact.billing_code,
        "pay_by": words.limit(fact.expires_at, book.zone, book.language),
        "lines": [(book.fee(line.fee), money(line.amount), line.legal_basis) for line in fact.lines],
    }


def _payment(fact: FeePaid, book: Phrasebook) -> Details:
    return {"amount": words.sum_of_money(fact.amount, fact.currency, book.language), "receipt": fact.receipt}


def _invitation(fact: Invited, book: Phrasebook) -> Details:
    return {
        "examination": book.examination(fact.examination),
        "at": words.moment(fact.at, book.zone, book.language),
    }


def _decision(fact: Decided, book: Phrasebook) -> Details:
    remedy = fact.remedy
    return {
        "reasons": [book.reason(reason) for reason in fact.reasons],
        "remedy": remedy
        and {
            "what": book.remedy(remedy.code),
            "legal_basis": remedy.legal_basis,
            "within": remedy.within_days and f"{remedy.within_days} {words.unit(remedy.unit, book.language)}",
        },
    }


def _product(fact: Issued, book: Phrasebook) -> Details:
    return {
        "valid_until": fact.valid_until and words.in_days(fact.valid_until, book.language),
        "collect_by": fact.collect_by and words.limit(fact.collect_by, book.zone, book.language),
    }


def _withdrawal(fact: Withdrawn, book: Phrasebook) -> Details:
    return {"by_applicant": fact.by.role == "applicant", "reason": fact.reason and book.reason(fact.reason)}


def _pause(fact: Paused, book: Phrasebook) -> Details:
    return {"reason": book.reason(fact.reason), "legal_basis": fact.legal_basis}


def _transfer(fact: Transferred, book: Phrasebook) -> Details:
    return {"to": book.body(fact.to), "reason": book.reason(fact.reason)}


def _lateness(fact: DeadlinePassed, book: Phrasebook) -> Details:
    rule = book.deadline_rule(fact.rule, fact.rule_version)
    return {
        "deadline": words.limit(fact.deadline, book.zone, book.language),
        "legal_basis": rule.legal_basis if rule else None,
    }


_DETAILS: Final[Mapping[type[Fact], Callable[[Any, Phrasebook], Details]]] = {
    DocumentsRequested: _documents,
    FeeAssessed: _fee,
    FeePaid: _payment,
    Invited: _invitation,
    Decided: _decision,
    Issued: _product,
    Withdrawn: _withdrawal,
    Paused: _pause,
    Transferred: _transfer,
    DeadlinePassed: _lateness,
}
"""What only one kind of fact says."""


def _nothing(_fact: Fact, _book: Phrasebook) -> Details:
    return {}
