"""Statistics: what the applications of an office add up to, by service, stage, desk and month.

A pure function of what is known of the applications at a position of the log, and of the instant `until` that it is
told for; in whatever order they come, the sums are the same. What is shown of them: `services.status.statistics.figures`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.status.clocks.ledger import Piece, ledger, spent
from services.status.folding.procedure import UNDECLARED, Procedure
from services.status.folding.progress import Progress
from services.status.statistics.disclosure import UNITS
from services.status.statistics.tallies import Months, Tally, period_of, tally

DECIDED: Final = "decided"
ISSUED: Final = "issued"
OWN_APART: Final = ":own_apart"
"""Ends the name of a length of time from which the applicant's own is taken out."""
BACKLOG: Final = "backlog"
LEFT: Final = "left"
ACTS: Final = "acts"
_COUNTED: Final[tuple[str, ...]] = ("submitted", "issued", "collected", "withdrawn")


class Settled(NamedTuple):
    """A legal clock: of which rule, how it stands, and when it was met or missed; of one that runs, the present."""

    rule: str
    state: Literal["met", "missed", "running"]
    at: int


Settle = Callable[[Progress, int], Iterable[Settled]]
"""The legal clocks of an application as they stand at an instant; those that have not begun are not named."""


class Part(Struct, gc=False):
    """What is added up of a service, a stage or a desk."""

    months: dict[str, Tally]
    stays: dict[tuple[str, ...], int]
    """Months → how many applications were there in just these."""
    periods: dict[str, int] | None = None

    def of(self, month: str) -> Tally:
        """What is added up in a month."""
        found = self.months.get(month)
        if found is None:
            found = self.months[month] = tally()
        return found

    def was_present(self, months: Iterable[str]) -> None:
        """One application was there in these months."""
        stay = tuple(months)
        self.stays[stay] = self.stays.get(stay, 0) + 1
        self.periods = None

    @property
    def present(self) -> dict[str, int]:
        """Month, quarter or year → how many applications were there in it."""
        if self.periods is None:
            self.periods = {}
            for stay, number in self.stays.items():
                for period in _periods(stay):
                    self.periods[period] = self.periods.get(period, 0) + number
        return self.periods


def _periods(months: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(period_of(month, unit) for month in months for unit in UNITS))


class ServiceSums(Struct, gc=False):
    """A service at an office."""

    whole: Part
    """Volumes, durations, legal clocks."""
    stages: dict[str, Part]
    """Waiting and backlog: every moment and every open application is at one stage, so that they add up to the whole."""
    desks: dict[str, Part]


class OfficeSums(Struct, gc=False):
    """An office."""

    months: Months
    services: dict[str, ServiceSums]


class Statistics:
    """Adds applications up."""

    def __init__(
        self, until: int, procedures: Mapping[str, Procedure], zones: Mapping[str, ZoneInfo], settle: Settle
    ) -> None:
        self.until = until
        self.offices: dict[str, OfficeSums] = {}
        self._procedures = procedures
        self._zones = zones
        self._settle = settle

    def add(self, progress: Progress) -> None:
        """Add an application; one that was not submitted before `until` adds nothing."""
        submitted = progress.reached.get("submitted")
        if submitted is None or submitted >= self.until:
            return
        procedure = self._procedures.get(progress.service, UNDECLARED)
        pieces = pieces_until(progress, self.until, procedure)
        ended = None if pieces and pieces[-1].closed_by is None else pieces[-1].end if pieces else submitted
        office = self._office(progress.office)
        months, service = office.months, _service(office, progress.service)
        counted = [submitted, self.until - 1 if ended is None else ended]
        counted += self._count(progress, months, service.whole)
        counted += _settled(self._settle(progress, self.until), self.until, months, service.whole)
        service.whole.was_present(months.between(months.of(min(counted)), months.of(max(counted))))
        self._last(progress, pieces, months, service.whole)
        _wait(pieces, months.zone, service)
        _leave(pieces, months, service)
        self._remain(submitted, ended, pieces, months, service)

    def _office(self, code: str) -> OfficeSums:
        found = self.offices.get(code)
        if found is None:
            found = self.offices[code] = OfficeSums(Months(self._zones.get(code, ZoneInfo("UTC"))), {})
        return found

    def _count(self, progress: Progress, months: Months, whole: Part) -> list[int]:
        """What happened, each in the month of its own; when that was."""
        counted = {fact: at for fact, at in happened(progress).items() if at < self.until}
        for fact, at in counted.items():
            whole.of(months.of(at)).count(fact)
        return list(counted.values())

    def _last(self, progress: Progress, pieces: list[Piece], months: Months, whole: Part) -> None:
        """How long it took to the decision and to the issue, and how long of that was not the applicant's own time."""
        submitted = progress.reached["submitted"]
        decided = progress.decided_at if progress.outcome else None
        for what, at in ((DECIDED, decided), (ISSUED, progress.reached.get(ISSUED))):
            if at is None or not submitted <= at < self.until:
                continue
            own = sum(
                min(piece.end, at) - piece.begin for piece in pieces if piece.party == "applicant" and piece.begin < at
            )
            month = whole.of(months.of(at))
            month.last(what, at - submitted)
            month.last(what + OWN_APART, at - submitted - own)

    def _remain(
        self, submitted: int, ended: int | None, pieces: list[Piece], months: Months, service: ServiceSums
    ) -> None:
        """The backlog at the end of every month in which the application was still open."""
        place = 0
        for month in months.between(months.of(submitted), months.of(self.until - 1 if ended is None else ended)):
            instant = min(months.end(month), self.until)
            if ended is not None and ended <= instant:
                return
            while place < len(pieces) - 1 and pieces[place].end <= instant:
                place += 1
            _part(service.stages, pieces[place].stage).of(month).last(BACKLOG, instant - submitted)


def _service(office: OfficeSums, code: str) -> ServiceSums:
    found = office.services.get(code)
    if found is None:
        found = office.services[code] = ServiceSums(Part({}, {}), {}, {})
    return found


def _settled(clocks: Iterable[Settled], until: int, months: Months, whole: Part) -> list[int]:
    """The legal clocks, each in the month in which it was met or missed, or runs; when that was."""
    settled = [(clock, min(clock.at, until - 1)) for clock in clocks]
    for clock, at in settled:
        whole.of(months.of(at)).count(f"{clock.state}:{clock.rule}")
    return [at for _, at in settled]


def _part(parts: dict[str, Part], code: str) -> Part:
    found = parts.get(code)
    if found is None:
        found = parts[code] = Part({}, {})
    return found


def happened(progress: Progress) -> dict[str, int]:
    """What is counted of what happened to an application, and when."""
    found = {fact: progress.reached[fact] for fact in _COUNTED if fact in progress.reached}
    if progress.outcome:
        found[progress.outcome] = progress.decided_at
    return found


def pieces_until(progress: Progress, until: int, procedure: Procedure) -> list[Piece]:
    """The waiting ledger as far as `until`: the piece that holds it is open then."""
    return _until(ledger(progress, until, procedure), until)


def _until(pieces: list[Piece], until: int) -> list[Piece]:
    if not pieces or pieces[-1].end <= until:
        return pieces
    kept = [piece for piece in pieces if piece.begin <= until]
    last = kept[-1]
    kept[-1] = Piece(last.party, last.begin, until, last.opened_by, None, last.who, last.stage)
    return kept


def _wait(pieces: list[Piece], zone: ZoneInfo, service: ServiceSums) -> None:
    """The time of every party at every stage, and the office's at every desk, cut at the borders of the months."""
    at_stages: dict[str, dict[str, dict[str, int]]] = {}
    at_desks: dict[str, dict[str, int]] = {}
    for stage, desk, party, month, us in spent(pieces, zone):
        waited = at_stages.setdefault(stage, {}).setdefault(month, {})
        waited[party] = waited.get(party, 0) + us
        if party == "office":
            by_month = at_desks.setdefault(desk, {})
            by_month[month] = by_month.get(month, 0) + us
    for stage, months in at_stages.items():
        part = _part(service.stages, stage)
        part.was_present(months)
        for month, waited in months.items():
            tally = part.of(month)
            for who, us in waited.items():
                tally.wait(who, us)
    for desk, worked in at_desks.items():
        part = _part(service.desks, desk)
        part.was_present(worked)
        for month, us in worked.items():
            part.of(month).wait("office", us)


def leavings(pieces: list[Piece]) -> Iterator[tuple[str, int, int]]:
    """Each stage that was left: which, since when it was the furthest one, and when it was left."""
    begin = 0
    for place, piece in enumerate(pieces):
        if piece.closed_by is None:
            return
        if place + 1 == len(pieces) or pieces[place + 1].stage != piece.stage:
            yield piece.stage, pieces[begin].begin, piece.end
            begin = place + 1


def _leave(pieces: list[Piece], months: Months, service: ServiceSums) -> None:
    """How long each stage lasted that was left, and what each desk did, in the month in which it ended."""
    for piece in pieces:
        if piece.closed_by is not None and piece.desk:
            _part(service.desks, piece.desk).of(months.of(piece.end)).count(ACTS)
    for stage, begin, end in leavings(pieces):
        _part(service.stages, stage).of(months.of(end)).last(LEFT, end - begin)
