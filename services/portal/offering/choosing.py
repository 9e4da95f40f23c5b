"""The way through the questions that lead to a service. Pure: everything is in the answers given so far."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from contracts.catalogue import Choice, Choosing, Crossroads

SENT = "dijawab"
"""The field that tells a form that was sent without an answer from a page that was just opened."""


class Answered(NamedTuple):
    """A question that has its answer."""

    code: str
    question: Crossroads
    choice: Choice


class Way(NamedTuple):
    """How far someone came: what was answered, then either what is `asked` next or the `end`."""

    answered: list[Answered]
    asked: tuple[str, Crossroads] | None
    end: Choice | None

    def answers(self, before: int | None = None) -> dict[str, str]:
        """The answers as query parameters; of the first `before` questions only, where given."""
        return {one.code: one.choice.code for one in self.answered[:before]}

    def back(self) -> str:
        """The address (a query) of the question before; empty at the first."""
        return self.at(len(self.answered) - 1) if self.answered else ""

    def at(self, number: int) -> str:
        """The query that asks the question of this position again."""
        return "?" + urlencode(self.answers(number))


def way(choosing: Choosing, given: Mapping[str, str]) -> Way:
    """Follow the answers `given` (question code → answer code) from the first question; what is no answer is asked."""
    answered: list[Answered] = []
    code: str | None = choosing.first
    while code is not None:
        question = choosing.questions[code]
        choice = next((one for one in question.answers if one.code == given.get(code)), None)
        if choice is None:
            return Way(answered, (code, question), None)
        answered.append(Answered(code, question, choice))
        code = choice.next
    return Way(answered, None, answered[-1].choice)
