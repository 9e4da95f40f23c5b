"""What must hold in questions: every reference leads somewhere, and nobody is led astray."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from contracts.catalogue.asking import Answer, Choice, Choosing, HowToPay
from contracts.catalogue.reading import Entry, Fault, Place
from contracts.catalogue.schema import Service


def faults_of_questions(service: Service) -> Iterator[Fault]:
    """Faults of the questions of one service's form."""
    yield from twice(("questions",), [question.code for question in service.questions])
    for number, question in enumerate(service.questions):
        place: Place = ("questions", number, "answers")
        yield from twice(place, [answer.code for answer in question.answers])
        for position, answer in enumerate(question.answers):
            yield from _brought((*place, position), answer, service)


def faults_of_choosing(entry: Entry[Choosing], services: Sequence[Entry[Service]]) -> Iterator[Fault]:
    """Faults of the tree: dead ends, circles, questions that nobody reaches."""
    choosing = entry.value
    published = {one.value.code for one in services if one.value.published}
    if choosing.first not in choosing.questions:
        yield Fault(("first",), f"`{choosing.first}` is no question of this file")
        return
    for code, crossroads in choosing.questions.items():
        place: Place = ("questions", code, "answers")
        yield from twice(place, [answer.code for answer in crossroads.answers])
        for position, answer in enumerate(crossroads.answers):
            yield from _leads((*place, position), answer, choosing, published)
    yield from _circles(choosing)


def faults_of_several(*kinds: Sequence[Entry[Choosing]] | Sequence[Entry[HowToPay]]) -> Iterator[str]:
    """Files of which there is one in all folders together."""
    for entries in kinds:
        for entry in entries[1:]:
            yield entry.describe(Fault((), f"is there already ({entries[0].path}); what exists cannot be replaced"))


def twice(place: Place, codes: Sequence[str]) -> Iterator[Fault]:
    """Codes that are there more than once."""
    counts = Counter(codes)
    for position, code in enumerate(codes):
        if counts[code] > 1:
            yield Fault((*place, position), f"`{code}` stands here {counts[code]} times; it must be there once")


def _brought(place: Place, answer: Answer, service: Service) -> Iterator[Fault]:
    requirements = {one.code: one for one in service.requirements}
    for position, code in enumerate(answer.requirements):
        if code not in requirements:
            yield Fault((*place, "requirements", position), f"`{code}` is no requirement of this service")
        elif requirements[code].mandatory:
            message = f"`{code}` is mandatory anyway; write `mandatory: false` there, or leave it out here"
            yield Fault((*place, "requirements", position), message)
    groups = {fee.code: fee.group for fee in service.fees}
    for position, code in enumerate(answer.fees):
        if code not in groups:
            yield Fault((*place, "fees", position), f"`{code}` is no fee of this service")
    chosen = Counter(groups[code] for code in answer.fees if groups.get(code))
    for group, count in chosen.items():
        if count > 1:
            yield Fault((*place, "fees"), f"has {count} fees of the group `{group}`, of which one is charged")


def _leads(place: Place, answer: Choice, choosing: Choosing, published: Iterable[str]) -> Iterator[Fault]:
    if answer.next is not None and (answer.service is not None or answer.words is not None):
        yield Fault(place, "leads on to `next` and says more; an answer either leads on or ends")
    elif answer.next is None and answer.service is None and answer.words is None:
        yield Fault(place, "leads nowhere; give it `next`, `service` or `words`")
    if answer.next is not None and answer.next not in choosing.questions:
        yield Fault((*place, "next"), f"`{answer.next}` is no question of this file")
    if answer.service is not None and answer.service not in published:
        yield Fault((*place, "service"), f"`{answer.service}` is no published service")


def _circles(choosing: Choosing) -> Iterator[Fault]:
    """Questions that come back, and those that no answer leads to."""
    reached: set[str] = set()
    ways: list[tuple[str, ...]] = [(choosing.first,)]
    while ways:
        way = ways.pop()
        reached.add(way[-1])
        for answer in choosing.questions[way[-1]].answers:
            if answer.next in way:
                yield Fault(("questions", way[-1]), f"leads back to `{answer.next}`: the questions would never end")
                return
            if answer.next in choosing.questions:
                ways.append((*way, answer.next))
    for code in choosing.questions:
        if code not in reached:
            yield Fault(("questions", code), "is reached by no answer")
