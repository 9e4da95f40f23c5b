"""Opinions put into words. Pure."""

from datetime import datetime

from contracts.catalogue import Catalogue, body_labels
from contracts.facts import Labels
from services.processing.opinions.application import Asked
from services.processing.opinions.shapes import Choice, OpinionQuestion
from services.processing.shapes import Named
from services.processing.views import Views, named_body

OUTCOMES = ("favourable", "unfavourable", "needs_more")


def question_view(asked: Asked, catalogue: Catalogue, views: Views, now: datetime) -> OpinionQuestion:
    """What the other body sees."""
    number, case, opinion = asked
    service = catalogue.services.get(case.service)
    names = {item.code: item.labels for item in service.requirements} if service else {}
    unknown = Labels(id=case.service, en=case.service)
    return OpinionQuestion(
        number=number,
        service=Named(case.service, service.labels if service else unknown),
        office=body_labels(catalogue, case.office) or Labels(id=case.office, en=case.office),
        body=named_body(catalogue, opinion.asked.body),
        question=views.words(opinion.asked.question),
        documents=[Named(code, names.get(code, Labels(id=code, en=code))) for code in opinion.asked.requirements],
        asked_at=opinion.asked_at,
        answer_by=opinion.answer_by,
        expires_at=opinion.expires_at,
        late=opinion.open and opinion.answer_by < now,
        answered_at=opinion.given_at,
        outcome=opinion.given.outcome if opinion.given else None,
        answers={
            outcome: [Choice(code, catalogue.reasons[code]) for code in catalogue.reason_uses[f"opinion_{outcome}"]]
            for outcome in OUTCOMES
        },
    )
