"""Whatever officers command and the world reports, in whatever order: what must always hold."""

from datetime import datetime, timedelta
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import catalogue
from contracts.facts import (
    Actor,
    Collected,
    Decided,
    DocumentSupplied,
    Fact,
    FeePaid,
    Issued,
    Reason,
    RequestedDocument,
    Submitted,
    Transferred,
    Withdrawn,
)
from services.processing.commands import (
    AssessFee,
    Command,
    Decide,
    Examine,
    HandOver,
    Invite,
    Issue,
    Pause,
    RequestDocuments,
    Resume,
    SettlePaymentProblem,
    Transfer,
    VerifyDocuments,
)
from services.processing.domain import Case
from services.processing.events import PaymentAccepted, PaymentProblemFound, PaymentProblemSettled
from services.processing.opinions.commands import AskOpinion, ReissueOpinionLink, WithdrawOpinion
from services.processing.refusals import Refusal
from services.processing.worklist import possibilities, row_of
from tests.unit.processing.story import MONDAY, OFFICER, PRICE, TREASURY, Story, document

REQUIREMENTS = ["identity_card", "family_card", "birth_record", "statement_letter"]
OFFICE = catalogue.load().offices["lebong"]
CODES = [f"82026030200000{n}" for n in range(3)]
OFFICERS = [OFFICER, Actor(role="supervisor", office="lebong"), Actor(role="officer", office="curup")]
times = st.integers(-400, 400).map(lambda hours: MONDAY + timedelta(hours=hours))

commands: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from(REQUIREMENTS).map(
        lambda code: RequestDocuments(documents=[RequestedDocument(requirement=code, reason=Reason(code="unreadable"))])
    ),
    st.just(VerifyDocuments()),
    st.sampled_from(["book_non_electronic_5y", "book_electronic_10y"]).map(lambda fee: AssessFee(fees=[fee])),
    times.map(lambda at: Invite(examination="interview", at=at)),
    st.just(Examine(examinations=["interview", "biometrics"])),
    st.just(Decide(outcome="approved")),
    st.just(Decide(outcome="refused", reasons=[Reason(code="not_eligible")])),
    st.just(Issue()),
    st.just(HandOver()),
    st.just(Pause(reason=Reason(code="legal_hold"))),
    st.just(Resume()),
    st.sampled_from(["civil_registry", "lebong"]).map(
        lambda body: Transfer(to=body, reason=Reason(code="data_confirmation"))
    ),
    st.tuples(st.sampled_from(["police", "civil_registry"]), st.sampled_from("abc")).map(
        lambda ask: AskOpinion(body=ask[0], question="document_genuine", link=ask[1] * 43)
    ),
    st.integers(1, 20).map(lambda version: ReissueOpinionLink(opinion=version, link="d" * 43)),
    st.integers(1, 20).map(lambda version: WithdrawOpinion(opinion=version)),
    st.integers(1, 20).map(
        lambda version: SettlePaymentProblem(problem=version, reason=Reason(code="payment_refunded"))
    ),
)
Step = Command | Fact | Literal["pay"]
"""`pay`: what the treasury reports when the applicant pays what is asked."""
facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(
        Submitted,
        service=st.just("passport_new"),
        office=st.just("lebong"),
        channel=st.just("desk"),
        by=st.just(OFFICER),
        documents=st.lists(st.sampled_from(REQUIREMENTS).map(document), max_size=4),
    ),
    st.builds(
        DocumentSupplied,
        document=st.builds(document, st.sampled_from(REQUIREMENTS), st.sampled_from(["d1", "d2", "d3"])),
        by=st.just(OFFICER),
    ),
    st.builds(
        FeePaid,
        billing_code=st.sampled_from([*CODES, "000000000000000"]),
        amount=st.sampled_from([PRICE, 950_000, 0, 10**12]),
        currency=st.sampled_from(["IDR", "IDR", "IDR", "USD"]),
        receipt=st.sampled_from([None, "0123456789ABCDEF"]),
        by=st.just(TREASURY),
    ),
    st.just(Withdrawn(by=OFFICER)),
    st.builds(
        Transferred,
        to=st.sampled_from(["lebong", "civil_registry"]),
        reason=st.just(Reason(code="answer_received")),
        by=st.just(OFFICER),
    ),
)
whole_way: list[Step] = [
    Submitted(
        service="passport_new",
        office="lebong",
        channel="desk",
        by=OFFICER,
        documents=[document(code) for code in REQUIREMENTS],
    ),
    AssessFee(fees=["book_non_electronic_5y"]),
    "pay",
    VerifyDocuments(),
    Examine(examinations=["interview"]),
    Decide(outcome="approved"),
    Issue(),
    HandOver(),
]


def _woven(disturbances: list[Step | None]) -> list[Step]:
    way = iter(whole_way)
    return [step for item in disturbances if (step := item if item is not None else next(way, None)) is not None]


mostly_on_the_way: st.SearchStrategy[Step | None] = st.sampled_from([True] * 5 + [False]).flatmap(
    lambda on_the_way: st.none() if on_the_way else st.one_of(commands, facts)
)
# Where anything may come at any time little gets far: most sequences follow the way and are disturbed.
steps = st.one_of(
    st.lists(st.one_of(commands, facts), max_size=25),
    *[st.lists(mostly_on_the_way, min_size=6, max_size=40).map(_woven)] * 3,
)


@settings(max_examples=400, deadline=None)
@given(steps, st.data())
def test_no_sequence_of_commands_and_facts_breaks_the_case(sequence: list[Step], data: st.DataObject) -> None:
    story, appended, serials = Story(), [], iter(CODES * 20)
    for step in sequence:
        before = story.case
        made = _take(step, story, data, next(serials))
        assert story.case.version == before.version + len(made)
        appended += made
        _check(story.case, appended)
        _check_views(story)
        story.later(hours=data.draw(st.sampled_from([0, 0, 0, 1, 30])))


def _take(step: Step, story: Story, data: st.DataObject, serial: str) -> list[Fact]:
    if step == "pay":
        return story.pays()
    if isinstance(step, Fact):
        return story.arrives(step, at=_maybe_another_time(story, data), id=data.draw(st.sampled_from([None, "e", "f"])))
    before = story.case
    try:
        made = story.command(step, by=data.draw(st.sampled_from([*OFFICERS[:1] * 4, *OFFICERS])), billing_code=serial)
    except Refusal:
        assert story.case is before
        return []
    # What holds already is not done again.
    assert story.command(step, billing_code=serial) == [] or story.case.holder != "lebong"
    return made


def _maybe_another_time(story: Story, data: st.DataObject) -> datetime:
    return data.draw(st.one_of(st.just(story.at), times))


def _check(case: Case, appended: list[Fact]) -> None:
    kinds = [type(fact) for fact in appended]
    assert kinds.count(Decided) <= 1
    assert kinds.count(PaymentAccepted) <= 1
    assert kinds.count(Collected) <= 1
    assert len(case.problems) == kinds.count(PaymentProblemFound)
    assert len(case.problems) - len(case.open_problems) == kinds.count(PaymentProblemSettled)
    if Issued in kinds:
        assert case.decision is not None
        assert case.decision.outcome == "approved"
        assert kinds.index(Decided) < kinds.index(Issued)
    if case.decision and case.decision.outcome == "approved":
        assert case.fee_settled
        assert case.examined
    if case.closed:
        assert case.turn == "nobody"
        assert all(span.until for span in case.interruptions)


def _check_views(story: Story) -> None:
    if story.case.exists:
        row_of("LBG", story.case, story.service, OFFICE)
        assert len(possibilities(story.case, story.now())) == 16
