"""Every message in both languages, with all its variants."""

import datetime as dt
import re
from collections.abc import Iterator

import pytest

from contracts import catalogue
from contracts.facts import (
    Actor,
    Collected,
    DeadlinePassed,
    Decided,
    DocumentsRequested,
    DocumentsVerified,
    Fact,
    FeeAssessed,
    FeeLine,
    FeePaid,
    Invited,
    Issued,
    Paused,
    Reason,
    Remedy,
    RequestedDocument,
    Resumed,
    Submitted,
    Transferred,
    Withdrawn,
)
from services.notify.domain import Language
from services.notify.messages import TEMPLATES, Message, Messages, Occasion
from services.notify.telling import TOLD, Application

CATALOGUE = catalogue.load()
SERVICE = CATALOGUE.services["passport_new"]
RULE = SERVICE.deadlines[0]
OFFICER = Actor(role="officer", office="lebong")
NUMBER = "LBG-7F3K-9QXD-2M4T-8HVZ-C"
AT = dt.datetime(2026, 3, 6, 7, tzinfo=dt.UTC)  # Friday 14:00 in Lebong
END_OF_FRIDAY = dt.datetime(2026, 3, 6, 17, tzinfo=dt.UTC)
REASON = Reason(code="unreadable")
UNKNOWN_REASON = Reason(code="never_heard_of")
REMEDY = Remedy(code="administrative_objection", legal_basis="UU 30/2014", within_days=21)
CODE = "820220922465628"
LANGUAGES: tuple[Language, ...] = ("id", "en")


def variants() -> Iterator[tuple[str, Fact]]:
    yield "submitted", Submitted(service="passport_new", office="lebong", channel="internet", by=OFFICER)
    for reason in (REASON, UNKNOWN_REASON):
        for requirement in (SERVICE.requirements[0].code, "no_such_requirement"):
            asked = [RequestedDocument(requirement=requirement, reason=reason)]
            yield "documents_requested", DocumentsRequested(documents=asked, by=OFFICER)
            yield "documents_requested", DocumentsRequested(documents=asked, by=OFFICER, answer_by=AT)
    yield "documents_verified", DocumentsVerified(by=OFFICER)
    for fee in (SERVICE.fees[0].code, "no_such_fee"):
        line = FeeLine(fee=fee, amount=650_000, legal_basis="PP 45/2024")
        yield (
            "fee_assessed",
            FeeAssessed(billing_code=CODE, amount=650_000, expires_at=AT, by=OFFICER, lines=[line, line]),
        )
    yield "fee_assessed", FeeAssessed(billing_code=CODE, amount=650_000, expires_at=AT, by=OFFICER)
    yield "fee_paid", FeePaid(billing_code=CODE, amount=650_000, by=OFFICER)
    yield "fee_paid", FeePaid(billing_code=CODE, amount=40, currency="USD", by=OFFICER, receipt="0123456789ABCDEF")
    for examination in ("interview", "biometrics", "no_such_examination"):
        yield "invited", Invited(examination=examination, at=AT, by=OFFICER)
    for reasons in ([], [REASON, UNKNOWN_REASON]):
        yield "decided_approved", Decided(outcome="approved", by=OFFICER, reasons=reasons)
        remedies = (None, REMEDY, Remedy(code="no_such_remedy", legal_basis="UU 1/2000"))
        for remedy in remedies:
            yield "decided_refused", Decided(outcome="refused", by=OFFICER, reasons=reasons, remedy=remedy)
    yield "issued", Issued(product="passport", by=OFFICER)
    yield "issued", Issued(product="passport", by=OFFICER, valid_until=dt.date(2036, 3, 6), collect_by=AT)
    yield "collected_by_representative", Collected(by=OFFICER, to="representative")
    for role in ("applicant", "officer"):
        for why in (None, Reason(code="applicant_request")):
            yield "withdrawn", Withdrawn(by=Actor(role=role), reason=why)
    yield "paused", Paused(reason=Reason(code="force_majeure"), by=OFFICER)
    yield "paused", Paused(reason=UNKNOWN_REASON, by=OFFICER, legal_basis="UU 24/2007")
    yield "resumed", Resumed(by=OFFICER)
    for to in ("lebong", "civil_registry", "no_such_body"):
        yield "transferred", Transferred(to=to, reason=Reason(code="competent_office"), by=OFFICER)
    for rule in (RULE.code, "no_such_rule"):
        yield (
            "deadline_passed",
            DeadlinePassed(rule=rule, rule_version=RULE.version, deadline=END_OF_FRIDAY, by=OFFICER),
        )


VARIANTS = list(variants())
KNOWN = Application(NUMBER, "passport_new", "lebong", followed=True)
STRANGE = Application(NUMBER)
FULL = Messages(CATALOGUE, office="lebong", where="https://jejak.example/{number}", complaints="https://lapor.example")
BARE = Messages(CATALOGUE, office="no_such_office")


def render(
    template: str,
    fact: Fact,
    language: Language,
    *,
    application: Application = KNOWN,
    messages: Messages = FULL,
    name: str = "Pemohon Contoh",
    late: dt.timedelta = dt.timedelta(seconds=2),
) -> Message:
    occasion = Occasion(application, fact, happened_at=AT, recorded_at=AT + late)
    return messages.render(template, occasion, name=name, language=language)


def test_every_message_of_the_table_has_a_template_in_both_languages_and_no_template_is_left_over() -> None:
    wanted = {row.template for row in TOLD} | {"layout"}
    for language in LANGUAGES:
        assert {path.stem for path in (TEMPLATES / language).glob("*.txt")} == wanted


def test_every_message_of_the_table_is_among_the_variants() -> None:
    assert {template for template, _ in VARIANTS} == {row.template for row in TOLD}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("template", "fact"), VARIANTS)
def test_every_variant_is_complete_in_both_languages(template: str, fact: Fact, language: Language) -> None:
    for application, messages, late in (
        (KNOWN, FULL, dt.timedelta(seconds=2)),
        (KNOWN, FULL, dt.timedelta(hours=18)),
        (STRANGE, BARE, dt.timedelta(days=3)),
    ):
        message = render(template, fact, language, application=application, messages=messages, late=late)
        assert NUMBER in message.subject
        assert NUMBER in message.text
        assert len(message.subject) < 120
        for page in (message.subject, message.text):
            assert "None" not in page
            assert "no_such" not in page
            assert "never_heard_of" not in page
            assert "{" not in page
            assert not re.search(r" [,.;:)]|\( |  ", page)
        assert "\n\n\n" not in message.text
        assert message.text.startswith(("Yth. ", "Dear "))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_names_the_person_once_and_nothing_else_about_them(language: Language) -> None:
    message = render(*VARIANTS[0], language)
    assert message.text.count("Pemohon Contoh") == 1
    assert "Pemohon Contoh" not in message.subject


def test_without_a_name_the_salutation_is_still_one() -> None:
    assert render(*VARIANTS[0], "id", name="  ").text.startswith("Yth. Pemohon,\n")
    assert render(*VARIANTS[0], "en", name="").text.startswith("Dear applicant,\n")


def test_a_name_cannot_break_out_of_its_line() -> None:
    text = render(*VARIANTS[0], "en", name="A\r\nBcc: x@example.org\n{{ number }}").text
    assert text.startswith("Dear A Bcc: x@example.org {{ number }},\n")


def test_a_fee_says_first_that_it_can_be_paid_then_how_much_under_which_code_and_until_when() -> None:
    line = FeeLine(fee=SERVICE.fees[0].code, amount=650_000, legal_basis="PP 45/2024")
    fact = FeeAssessed(billing_code=CODE, amount=650_000, expires_at=AT, by=OFFICER, lines=[line])
    indonesian, english = render("fee_assessed", fact, "id"), render("fee_assessed", fact, "en")
    assert "Anda dapat membayar sekarang, paling lambat Jumat, 6 Maret 2026 pukul 14.00 WIB." in indonesian.text
    assert "Jumlah: Rp650.000\nKode billing: 820220922465628" in indonesian.text
    assert f"- {SERVICE.fees[0].labels.id}: Rp650.000 (PP 45/2024)" in indonesian.text
    assert "You can pay now, until Friday, 6 March 2026, 14:00 WIB." in english.text
    assert "Amount: IDR 650,000" in english.text


def test_requested_documents_are_listed_with_the_reason_in_words() -> None:
    requirement = SERVICE.requirements[0]
    fact = DocumentsRequested(documents=[RequestedDocument(requirement=requirement.code, reason=REASON)], by=OFFICER)
    assert (
        f"- {requirement.labels.id}: {CATALOGUE.reasons['unreadable'].id}"
        in render("documents_requested", fact, "id").text
    )


def test_a_payment_that_was_reported_late_is_not_held_against_the_applicant() -> None:
    fact = FeePaid(billing_code=CODE, amount=650_000, by=OFFICER)
    late = dt.timedelta(hours=18)
    assert (
        "keterlambatan 18 jam. Waktu itu tidak dihitung sebagai waktu Anda."
        in render("fee_paid", fact, "id", late=late).text
    )
    assert "18 hours late. That time does not count as yours." in render("fee_paid", fact, "en", late=late).text
    assert "late" not in render("fee_paid", fact, "en").text


def test_a_deadline_at_the_end_of_a_day_is_named_by_that_day() -> None:
    fact = DeadlinePassed(rule=RULE.code, rule_version=RULE.version, deadline=END_OF_FRIDAY, by=OFFICER)
    text = render("deadline_passed", fact, "id").text
    assert "Kami terlambat." in text
    assert "adalah Jumat, 6 Maret 2026, dan sudah lewat" in text
    assert "https://lapor.example" in text


def test_a_refusal_says_what_can_be_done_against_it() -> None:
    fact = Decided(outcome="refused", by=OFFICER, reasons=[REASON], remedy=REMEDY)
    assert "dalam 21 hari kerja: Keberatan administratif (UU 30/2014)." in render("decided_refused", fact, "id").text


def test_the_access_code_is_never_asked_for_and_never_in_a_message() -> None:
    assert "Kami tidak pernah meminta kode akses" in render(*VARIANTS[0], "id").text
    assert "We never ask for your access code" in render(*VARIANTS[0], "en").text


def test_a_message_says_where_to_look() -> None:
    assert f"https://jejak.example/{NUMBER}" in render(*VARIANTS[0], "id").text
