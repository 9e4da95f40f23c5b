"""From what was added up to the document of statistics: a row for each service and period of an office.

Rows of fewer than five applications are put together with others or left out (`services.status.statistics.disclosure`). The document
is the same, to the byte, for the same applications, position and instant.
"""

from array import array
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from services.status.answering.views import at
from services.status.statistics.disclosure import UNITS, Unit, layers
from services.status.statistics.figures import (
    PARTIES,
    VOLUMES,
    Backlog,
    DeskRow,
    Document,
    Legal,
    Of,
    Position,
    Row,
    StageRow,
    Taking,
    WaitedFor,
)
from services.status.statistics.statistics import (
    ACTS,
    BACKLOG,
    DECIDED,
    ISSUED,
    LEFT,
    OWN_APART,
    OfficeSums,
    Part,
    ServiceSums,
    Statistics,
)
from services.status.statistics.tallies import Tally, in_seconds, percentiles, period_of, share, together


def document(statistics: Statistics, *, log: str, positions: list[Position], version: str) -> Document:
    """What is shown of `statistics`, made from the log as far as `positions`."""
    offices = sorted(statistics.offices.items())
    years = [_Year(code, office, year, statistics.until) for code, office in offices for year in _years(office)]
    return Document(
        log=log,
        positions=positions,
        until=at(statistics.until).isoformat().replace("+00:00", "Z"),
        version=version,
        zones={code: str(office.months.zone) for code, office in offices},
        rows=[row for year in years for row in year.rows()],
        desks=[row for year in years for row in year.desks()],
    )


def _years(office: OfficeSums) -> list[str]:
    return sorted({label for sums in office.services.values() for label in sums.whole.present if len(label) == 4})


class _Sight(NamedTuple):
    """A unit and a period of it, with its months as far as they have begun."""

    unit: Unit
    period: str
    months: list[str]
    complete: bool


class _Year:
    """One year of an office."""

    def __init__(self, code: str, office: OfficeSums, year: str, until: int) -> None:
        self._code, self._services = code, office.services
        months = office.months
        last = months.of(until - 1)
        self._sights = [
            _Sight(unit, period, [month for month in within if month <= last], months.end(within[-1]) <= until)
            for unit in UNITS
            for period, within in _grouped(months.between(f"{year}-01", f"{year}-12"), unit).items()
            if within[0] <= last
        ]
        self._periods = {unit: [sight.period for sight in self._sights if sight.unit == unit] for unit in UNITS}
        self._shown = layers(
            {service: sums.whole.present for service, sums in office.services.items()}, self._periods, overlap=False
        )

    def rows(self) -> Iterator[Row]:
        """A row for each service, the others together and all of them, in every unit and period."""
        wholes = {code: sums.whole for code, sums in self._services.items()}
        everything: _Group = ("all", "", list(wholes))
        stages = {code: self._layers(sums.stages) for code, sums in self._services.items()}
        for sight in self._sights:
            alone = self._shown[sight.unit]
            if alone is None or not any(whole.present.get(sight.period) for whole in wholes.values()):
                continue
            for of, code, codes in [*_groups(wholes, alone, sight.period), everything]:
                shown = stages[code][sight.unit] if of == "one" else None
                own = self._services[code].stages if of == "one" else {}
                yield self._row(
                    (of, code),
                    [self._services[one] for one in codes],
                    sight,
                    [
                        _stage(group, stage, [own[one] for one in together], sight)
                        for group, stage, together in (_groups(own, shown, sight.period) if shown is not None else ())
                    ],
                )

    def desks(self) -> Iterator[DeskRow]:
        """A row for each desk of a service that has rows of its own, and the others together."""
        layered = {code: self._layers(sums.desks) for code, sums in self._services.items()}
        for sight in self._sights:
            for service in sorted(self._shown[sight.unit] or ()):
                alone, desks = layered[service][sight.unit], self._services[service].desks
                if alone is not None:
                    for of, desk, codes in _groups(desks, alone, sight.period):
                        yield _desk((self._code, service), (of, desk), [desks[one] for one in codes], sight)

    def _row(self, what: tuple[Of, str], services: list[ServiceSums], sight: _Sight, stages: list[StageRow]) -> Row:
        sums = _summed([service.whole for service in services], sight)
        everywhere = [stage for service in services for stage in service.stages.values()]
        return Row(
            office=self._code,
            of=what[0],
            service=what[1],
            unit=sight.unit,
            period=sight.period,
            complete=sight.complete,
            applications=sum(service.whole.present.get(sight.period, 0) for service in services),
            volumes={name: sums.counts.get(name, 0) for name in VOLUMES},
            taking=Taking(
                *[
                    percentiles(sums.lengths.get(name))
                    for name in (DECIDED, DECIDED + OWN_APART, ISSUED, ISSUED + OWN_APART)
                ]
            ),
            legal=_legal(sums.counts),
            waited=_waited(everywhere, sight),
            backlog=_backlog(everywhere, sight),
            stages=stages,
        )

    def _layers(self, parts: Mapping[str, Part]) -> dict[Unit, frozenset[str] | None]:
        return layers({code: part.present for code, part in parts.items()}, self._periods, overlap=True)


def _grouped(months: list[str], unit: Unit) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for month in months:
        grouped.setdefault(period_of(month, unit), []).append(month)
    return grouped


_Group = tuple[Of, str, list[str]]
"""What a row is of: its kind, its code, and the codes of all that it adds up."""


def _groups(parts: Mapping[str, Part], alone: frozenset[str], period: str) -> list[_Group]:
    """What has rows in a period: parts by themselves, by code, and the others together."""
    there = sorted(code for code, part in parts.items() if part.present.get(period, 0))
    groups: list[_Group] = [("one", code, [code]) for code in there if code in alone]
    others = [code for code in there if code not in alone]
    return [*groups, ("others", "", others)] if others else groups


def _stage(of: Of, code: str, parts: list[Part], sight: _Sight) -> StageRow:
    lasted = _summed(parts, sight).lengths.get(LEFT)
    return StageRow(
        of=of,
        code=code,
        applications=parts[0].present[sight.period] if of == "one" else None,
        left=len(lasted or ()),
        lasted=percentiles(lasted),
        waited=_waited(parts, sight),
        backlog=_backlog(parts, sight),
    )


def _desk(where: tuple[str, str], what: tuple[Of, str], parts: list[Part], sight: _Sight) -> DeskRow:
    sums = _summed(parts, sight)
    return DeskRow(
        office=where[0],
        service=where[1],
        unit=sight.unit,
        period=sight.period,
        of=what[0],
        desk=what[1],
        applications=parts[0].present[sight.period] if what[0] == "one" else None,
        seconds=in_seconds(sums.waited, ("office",))["office"],
        acts=sums.counts.get(ACTS, 0),
    )


def _summed(parts: list[Part], sight: _Sight) -> Tally:
    return together(part.months[month] for part in parts for month in sight.months if month in part.months)


def _backlog(parts: list[Part], sight: _Sight) -> Backlog:
    """At the end of the period: of its last month, which for an unfinished period is the one that runs."""
    ages: array[int] = array("I")
    for part in parts:
        last = part.months.get(sight.months[-1])
        if last is not None and BACKLOG in last.lengths:
            ages.extend(last.lengths[BACKLOG])
    return Backlog(len(ages), percentiles(ages))


def _legal(counts: Mapping[str, int]) -> list[Legal]:
    rules = sorted(
        {name.partition(":")[2] for name in counts if name.partition(":")[0] in ("met", "missed", "running")}
    )
    return [
        Legal(rule, met, missed, share(met, met + missed), counts.get(f"running:{rule}", 0))
        for rule in rules
        for met, missed in [(counts.get(f"met:{rule}", 0), counts.get(f"missed:{rule}", 0))]
    ]


def _waited(parts: list[Part], sight: _Sight) -> list[WaitedFor]:
    waited: dict[str, int] = {}
    for part in parts:
        for month in sight.months:
            for party, us in part.months[month].waited.items() if month in part.months else ():
                waited[party] = waited.get(party, 0) + us
    seconds, whole = in_seconds(waited, PARTIES), sum(waited.values())
    return [WaitedFor(party, seconds[party], share(waited[party], whole)) for party in PARTIES if party in waited]
