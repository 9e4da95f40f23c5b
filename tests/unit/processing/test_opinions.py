"""Opinions of other bodies: asked, answered once, withdrawn, given a new link; and what the applicant sees of them."""

from datetime import timedelta

import pytest

from contracts import catalogue
from contracts.facts import Actor, Reason, StageRecorded
from services.processing import refusals as no
from services.processing.commands import Decide, Transfer
from services.processing.domain import evolve
from services.processing.events import Happened
from services.processing.opinions import refusals as link
from services.processing.opinions.commands import AskOpinion, GiveOpinion, ReissueOpinionLink, WithdrawOpinion
from services.processing.opinions.decisions import check_link, give_opinion
from services.processing.opinions.events import OpinionAsked, OpinionGiven
from services.processing.worklist import row_of
from tests.unit.processing.story import MONDAY, OFFICER, Story

ASK = AskOpinion(
    body="civil_registry", question="identity_matches_register", link="a" * 43, requirements=["family_card"]
)
YES = GiveOpinion(outcome="favourable", reasons=[Reason(code="confirmed_by_register")])
NO = GiveOpinion(outcome="unfavourable", reasons=[Reason(code="not_in_register")])
OFFICE = catalogue.load().offices["lebong"]


def answer(story: Story, command: GiveOpinion, digest: str = "a" * 43) -> list[object]:
    """As the use case does it: the link is checked, then the answer is decided and happens."""
    opinion = story.case.opinions[0]
    check_link(story.case, opinion, digest, story.at)
    known = catalogue.load()
    facts = give_opinion(
        story.case, opinion, command, reasons=known.reason_uses, bodies=known.names.agencies
    )  # fmt: skip
    for fact in facts:
        story.case = evolve(story.case, Happened(story.at, fact))
    return list(facts)


def test_asking_another_body_is_told_to_the_applicant_as_a_stage_with_its_name(story: Story) -> None:
    asked, told = story.submitted().command(ASK)
    assert isinstance(asked, OpinionAsked)
    assert isinstance(told, StageRecorded)
    assert (told.stage, told.by) == ("opinion_requested.2", OFFICER)
    assert told.labels.id == "Pendapat diminta dari Dinas Kependudukan dan Pencatatan Sipil"
    assert (story.case.opinions[0].version, story.case.opinions[0].open) == (2, True)


def test_the_office_goes_on_having_the_case_while_a_body_is_asked(story: Story) -> None:
    story.submitted().command(ASK)
    assert (story.case.turn, story.case.turn_since) == ("office", MONDAY)


def test_an_opinion_is_awaited_for_a_week_where_no_limit_is_said(story: Story) -> None:
    asked, _ = story.submitted().command(ASK)
    assert isinstance(asked, OpinionAsked)
    assert (asked.answer_by, asked.expires_at) == (MONDAY + timedelta(days=7), MONDAY + timedelta(days=21))


def test_the_same_body_is_not_asked_the_same_question_twice_at_a_time(story: Story) -> None:
    story.submitted().command(ASK)
    with pytest.raises(link.OpinionAlreadyAsked):
        story.command(AskOpinion(body=ASK.body, question=ASK.question, link="b" * 43))
    assert story.command(ASK) == []
    other = AskOpinion(body="police", question=ASK.question, link="c" * 43)
    assert len(story.command(other)) == 2


@pytest.mark.parametrize(
    ("ask", "refusal"),
    [
        (AskOpinion(body="neighbours", question="document_genuine", link="a" * 43), link.UnknownBody),
        (AskOpinion(body="police", question="missing", link="a" * 43), no.UnknownReason),
        (AskOpinion(body="police", question="loss_reported", link="a" * 43, requirements=["x"]), no.UnknownRequirement),
        (AskOpinion(body="police", question="loss_reported", link="a" * 43, answer_by=MONDAY), no.TimeInThePast),
    ],
)
def test_what_nobody_can_be_asked_is_refused(story: Story, ask: AskOpinion, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        story.submitted().command(ask)


def test_a_decided_case_asks_nobody(story: Story) -> None:
    story.submitted().command(Decide(outcome="refused", reasons=[Reason(code="not_eligible")]))
    with pytest.raises(no.CaseClosed):
        story.command(ASK)


def test_an_answer_counts_once_and_the_applicant_sees_that_it_came_but_not_what_it_says(story: Story) -> None:
    story.submitted().command(ASK)
    given, told = answer(story, NO)
    assert isinstance(given, OpinionGiven)
    assert isinstance(told, StageRecorded)
    assert (told.stage, told.by) == ("opinion_received.2", Actor(role="agency", office="civil_registry"))
    assert "not_in_register" not in str(told)
    assert "unfavourable" not in str(told)
    assert answer(story, NO) == []
    with pytest.raises(link.OpinionAlreadyGiven):
        answer(story, YES)


def test_an_answer_needs_a_reason_that_fits_it(story: Story) -> None:
    story.submitted().command(ASK)
    with pytest.raises(no.UnknownReason):
        answer(story, GiveOpinion(outcome="favourable", reasons=[Reason(code="not_in_register")]))


def test_a_late_answer_still_counts_until_the_link_expires(story: Story) -> None:
    story.submitted().command(ASK)
    story.later(days=22)
    with pytest.raises(link.LinkExpired):
        answer(story, YES)
    story.later(days=-2)
    assert len(answer(story, YES)) == 2


def test_a_new_link_ends_the_first_one(story: Story) -> None:
    story.submitted().command(ASK)
    story.command(ReissueOpinionLink(opinion=2, link="b" * 43))
    with pytest.raises(link.LinkReplaced):
        answer(story, YES)
    assert len(answer(story, YES, digest="b" * 43)) == 2


def test_a_new_link_after_the_limit_has_a_limit_of_its_own(story: Story) -> None:
    story.submitted().command(ASK)
    story.later(days=30).command(ReissueOpinionLink(opinion=2, link="b" * 43))
    assert story.case.opinions[0].answer_by == story.at + timedelta(days=7)


def test_a_withdrawn_opinion_is_not_answered_and_withdrawing_again_changes_nothing(story: Story) -> None:
    story.submitted().command(ASK)
    _, told = story.command(WithdrawOpinion(opinion=2))
    assert isinstance(told, StageRecorded)
    assert told.stage == "opinion_withdrawn.2"
    assert story.command(WithdrawOpinion(opinion=2)) == []
    with pytest.raises(link.OpinionIsWithdrawn):
        answer(story, YES)


def test_after_the_decision_an_opinion_is_not_needed(story: Story) -> None:
    story.submitted().command(ASK)
    story.command(Decide(outcome="refused", reasons=[Reason(code="not_eligible")]))
    with pytest.raises(link.OpinionNotNeeded):
        answer(story, YES)


def test_while_the_case_is_elsewhere_an_answer_is_noted_and_not_published(story: Story) -> None:
    story.submitted().command(ASK)
    story.command(Transfer(to="police", reason=Reason(code="expert_opinion")))
    assert [type(fact) for fact in answer(story, YES)] == [OpinionGiven]


def test_the_inbox_knows_what_is_awaited_until_when_and_what_came(story: Story) -> None:
    story.submitted().command(ASK)
    row = row_of("LBG-X", story.case, story.service, OFFICE)
    assert (row.opinions_awaited, row.opinion_due_at) == (1, MONDAY + timedelta(days=7))
    answer(story, YES)
    row = row_of("LBG-X", story.case, story.service, OFFICE)
    assert (row.opinions_awaited, row.opinion_due_at, row.opinion_given_at) == (0, None, MONDAY)
