import datetime as dt

import pytest

from contracts.catalogue import Office, Requirement, Service, Text
from contracts.facts import Actor, DocumentSupplied, Fact, Labels, Submitted, Withdrawn
from services.intake import domain
from services.intake.domain import Application, DocumentRequest, DocumentStored, StoredDocument

NOON = dt.datetime(2026, 3, 2, 5, 0, tzinfo=dt.UTC)
NUMBER = "LBG-7F3K-9QXD-2M4T-8HVZ-C"
APPLICANT = Actor(role="applicant")
WORDS = Labels(id="kata", en="word")
SERVICE = Service(
    code="passport_new",
    version=1,
    labels=WORDS,
    summary=Text(id="a", en="a"),
    category="passport",
    product="passport",
    requirements=[
        Requirement(code="identity_card", labels=WORDS),
        Requirement(code="family_card", labels=WORDS),
        Requirement(code="statement_letter", labels=WORDS, mandatory=False),
    ],
    procedure=[],
    fees=[],
    deadlines=[],
    stages=[],
)
OFFICE = Office(
    code="lebong", prefix="LBG", labels=WORDS, source="//lebong.example", time_zone="Asia/Jakarta", holidays="ID"
)


def document(requirement: str, content: str = "a", id: str | None = None) -> StoredDocument:
    return StoredDocument(
        document=id or f"doc-{requirement}-{content}",
        requirement=requirement,
        commitment="c" * 43,
        media_type="image/png",
        size_bytes=3,
        object=f"object-{content}",
        fingerprint=f"print-{content}",
    )


def given(*facts: Fact) -> Application:
    state = None
    for fact in (domain.DraftOpened(service="passport_new", office="lebong", channel="internet"), *facts):
        state = domain.evolve(state, NUMBER, fact, NOON)
    assert state is not None
    return state


def stored(*documents: StoredDocument) -> list[Fact]:
    return [DocumentStored(stored=one) for one in documents]


COMPLETE = stored(document("identity_card", "a"), document("family_card", "b"))
SUBMITTED = Submitted(service="passport_new", office="lebong", channel="internet", by=APPLICANT)
REQUEST = DocumentRequest("//lebong.example/processing#e1", "family_card")


def test_a_draft_opens_for_a_service_that_the_office_offers() -> None:
    assert domain.open_draft(SERVICE, OFFICE, "internet") == [
        domain.DraftOpened(service="passport_new", office="lebong", channel="internet")
    ]


def test_an_unpublished_service_is_not_offered() -> None:
    hidden = Service(**{name: getattr(SERVICE, name) for name in SERVICE.__struct_fields__} | {"published": False})
    with pytest.raises(domain.ServiceNotOffered):
        domain.open_draft(hidden, OFFICE, "internet")


def test_an_office_offers_only_the_services_on_its_list() -> None:
    other = Office(**{name: getattr(OFFICE, name) for name in OFFICE.__struct_fields__} | {"services": ["visa"]})
    with pytest.raises(domain.ServiceNotOffered):
        domain.open_draft(SERVICE, other, "internet")


def test_submitting_names_every_mandatory_document_that_is_missing() -> None:
    with pytest.raises(domain.RequirementsMissing) as refusal:
        domain.submit(given(*stored(document("statement_letter"))), SERVICE, APPLICANT)
    assert refusal.value.parameters["missing"] == ["identity_card", "family_card"]


def test_submitting_publishes_references_and_nothing_else_of_the_documents() -> None:
    (fact,) = domain.submit(given(*COMPLETE), SERVICE, APPLICANT)
    assert isinstance(fact, Submitted)
    assert [(ref.document, ref.requirement) for ref in fact.documents] == [
        ("doc-identity_card-a", "identity_card"),
        ("doc-family_card-b", "family_card"),
    ]


def test_submitting_twice_changes_nothing() -> None:
    assert domain.submit(given(*COMPLETE, SUBMITTED), SERVICE, APPLICANT) == []


def test_a_document_can_be_replaced_while_the_application_is_a_draft() -> None:
    state = given(*COMPLETE, *stored(document("family_card", "better")))
    assert state.documents["family_card"].document == "doc-family_card-better"
    assert state.by_id("doc-family_card-b") is not None


def test_the_same_file_again_changes_nothing() -> None:
    assert domain.attach(given(*COMPLETE), SERVICE, document("family_card", "b", id="new-id")) == []


def test_one_file_for_two_requirements_is_one_document() -> None:
    (fact,) = domain.attach(given(*COMPLETE), SERVICE, document("statement_letter", "b", id="new-id"))
    assert isinstance(fact, DocumentStored)
    assert (fact.stored.document, fact.stored.requirement) == ("doc-family_card-b", "statement_letter")


def test_nothing_can_be_attached_after_submitting() -> None:
    with pytest.raises(domain.AlreadySubmitted):
        domain.attach(given(*COMPLETE, SUBMITTED), SERVICE, document("family_card", "c"))


def test_a_document_for_a_requirement_that_the_service_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(domain.UnknownRequirement) as refusal:
        domain.attach(given(), SERVICE, document("ticket"))
    assert refusal.value.parameters["known"] == ["identity_card", "family_card", "statement_letter"]


def test_supplying_a_requested_document_answers_the_request() -> None:
    state = given(*COMPLETE, SUBMITTED)
    noted, published = domain.supply(state, document("family_card", "c"), [REQUEST], None, APPLICANT)
    assert isinstance(noted, DocumentStored)
    assert noted.answers == (REQUEST.key,)
    assert isinstance(published, DocumentSupplied)
    assert published.document.requirement == "family_card"


def test_supplying_what_nobody_asked_for_is_refused_with_what_is_asked_for() -> None:
    with pytest.raises(domain.NotRequested) as refusal:
        domain.supply(given(*COMPLETE, SUBMITTED), document("identity_card", "c"), [REQUEST], None, APPLICANT)
    assert refusal.value.parameters["requested"] == ["family_card"]


def test_a_request_is_answered_once_even_before_the_log_has_the_answer() -> None:
    state = given(*COMPLETE, SUBMITTED, DocumentStored(stored=document("family_card", "c"), answers=(REQUEST.key,)))
    with pytest.raises(domain.NotRequested):
        domain.supply(state, document("family_card", "d"), [REQUEST], None, APPLICANT)


def test_the_same_document_can_be_asked_for_and_supplied_again() -> None:
    state = given(*COMPLETE, SUBMITTED, DocumentStored(stored=document("family_card", "c"), answers=(REQUEST.key,)))
    again = DocumentRequest("//lebong.example/processing#e9", "family_card")
    assert len(domain.supply(state, document("family_card", "d"), [REQUEST, again], None, APPLICANT)) == 2


def test_a_draft_supplies_nothing() -> None:
    with pytest.raises(domain.NotSubmitted):
        domain.supply(given(*COMPLETE), document("family_card"), [REQUEST], None, APPLICANT)


def test_an_application_is_withdrawn() -> None:
    assert domain.withdraw(given(*COMPLETE, SUBMITTED), None, APPLICANT, None) == [Withdrawn(by=APPLICANT)]


def test_what_has_been_collected_cannot_be_withdrawn() -> None:
    with pytest.raises(domain.AlreadyEnded) as refusal:
        domain.withdraw(given(*COMPLETE, SUBMITTED), "collected", APPLICANT, None)
    assert refusal.value.parameters["by"] == "collected"


def test_an_application_is_not_withdrawn_twice() -> None:
    with pytest.raises(domain.AlreadyEnded):
        domain.withdraw(given(*COMPLETE, SUBMITTED, Withdrawn(by=APPLICANT)), None, APPLICANT, None)


def test_a_draft_cannot_be_withdrawn() -> None:
    with pytest.raises(domain.NotSubmitted):
        domain.withdraw(given(), None, APPLICANT, None)


def test_no_event_of_intake_has_a_field_for_personal_data() -> None:
    from services.intake.applicant import Applicant

    personal = set(Applicant.__struct_fields__) - {"language"}
    for fact in domain.STORED_FACTS.values():
        assert not personal & set(fact.__struct_fields__)
    assert not personal & set(StoredDocument.__struct_fields__)
