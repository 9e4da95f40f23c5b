"""What must hold in what an office says about visits."""

from collections.abc import Iterator
from itertools import pairwise

from contracts.catalogue.checks_asking import twice
from contracts.catalogue.hours import minutes
from contracts.catalogue.reading import Fault, Place
from contracts.catalogue.visiting import Visiting, Week


def faults_of_visiting(visiting: Visiting) -> Iterator[Fault]:
    """Faults of one office's `visiting`."""
    here: Place = ("visiting",)
    if not visiting.address:
        yield Fault((*here, "address"), "is empty; say where the office is")
    yield from _week((*here, "hours"), visiting.hours)
    yield from twice((*here, "exceptions"), [one.date.isoformat() for one in visiting.exceptions])
    for position, day in enumerate(visiting.exceptions):
        yield from _spans((*here, "exceptions", position, "hours"), day.hours)
    for section in ("facilities", "assistance", "channels", "questions"):
        yield from twice((*here, section), [one.code for one in getattr(visiting, section)])
    for position, channel in enumerate(visiting.channels):
        if channel.hours is not None:
            yield from _week((*here, "channels", position, "hours"), channel.hours)


def _week(place: Place, week: Week) -> Iterator[Fault]:
    for day in Week.__struct_fields__:
        yield from _spans((*place, day), getattr(week, day))


def _spans(place: Place, spans: list[str]) -> Iterator[Fault]:
    times = [minutes(span) for span in spans]
    for position, (opens, closes) in enumerate(times):
        if closes <= opens:
            yield Fault((*place, position), f"`{spans[position]}` closes before it opens; end the day at 24:00")
    for position, ((_, closes), (opens, _)) in enumerate(pairwise(times), 1):
        if opens < closes:
            yield Fault((*place, position), f"`{spans[position]}` begins before the one before it ends")
