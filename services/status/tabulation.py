"""From what was added up to the document of statistics: a row for each service and period of an office.

Rows of fewer than five applications are put together with others or left out (`services.status.disclosure`). The document
is the same, to the byte, for the same applications, position and instant.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from services.status.disclosure import UNITS, Unit, layers
from services.status.figures import (
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
    Waited,
)
from services.status.statistics import ACTS, BACKLOG, DECIDED, ISSUED, LEFT, OWN_APART, OfficeSums, Part, Statistics
from services.status.tallies import Tally, in_seconds, percentiles, period_of, share, together
from services.status.views import at


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
        stages = {code: self._layers(sums.stages) for code, sums in self._services.items()}
        for sight in self._sights:
            alone = self._shown[sight.unit]
            if alone is None:
                continue
            for of, code, parts in [*_groups(wholes, alone, sight.period), ("all", "", list(wholes.values()))]:
                shown = stages[code][sight.unit] if of == "one" else None
                row = _row(self._code, (of, code), parts, sight)
                if shown is not None and row is not None:
                    groups = _groups(self._services[code].stages, shown, sight.period)
                    row.stages.extend(_stage(group, stage, own, sight) for group, stage, own in groups)
                if row is not None:
                    yield row

    def desks(self) -> Iterator[DeskRow]:
        """A row for each desk of a service that has rows of its own, and the others together."""
        layered = {code: self._layers(sums.desks) for code, sums in self._services.items()}
        for sight in self._sights:
            for service in sorted(self._shown[sight.unit] or ()):
                alone = layered[service][sight.unit]
                if alone is not None:
                    for of, desk, parts in _groups(self._services[service].desks, alone, sight.period):
                        yield _desk((self._code, service), (of, desk), parts, sight)

    def _layers(self, parts: Mapping[str, Part]) -> dict[Unit, frozenset[str] | None]:
        return layers({code: part.present for code, part in parts.items()}, self._periods, overlap=True)


def _grouped(months: list[str], unit: Unit) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for month in months:
        grouped.setdefault(period_of(month, unit), []).append(month)
    return grouped


def _groups(parts: Mapping[str, Part], alone: frozenset[str], period: str) -> list[tuple[Of, str, list[Part]]]:
    """What has rows in a period: parts by themselves, by code, and the others together."""
    there = sorted(code for code, part in parts.items() if part.present.get(period, 0))
    groups: list[tuple[Of, str, list[Part]]] = [("one", code, [parts[code]]) for code in there if code in alone]
    others = [parts[code] for code in there if code not in alone]
    return [*groups, ("others", "", others)] if others else groups


def _row(office: str, what: tuple[Of, str], parts: list[Part], sight: _Sight) -> Row | None:
    """The row of a service without its stages; none where no application was there."""
    applications = sum(part.present.get(sight.period, 0) for part in parts)
    if not applications:
        return None
    sums = _summed(parts, sight)
    return Row(
        office=office,
        of=what[0],
        service=what[1],
        unit=sight.unit,
        period=sight.period,
        complete=sight.complete,
        applications=applications,
        volumes={name: sums.counts.get(name, 0) for name in VOLUMES},
        taking=Taking(
            *[
                percentiles(sums.lengths.get(name))
                for name in (DECIDED, DECIDED + OWN_APART, ISSUED, ISSUED + OWN_APART)
            ]
        ),
        legal=_legal(sums.counts),
        waited=_waited(sums.waited),
        backlog=_backlog(parts, sight),
        stages=[],
    )


def _stage(of: Of, code: str, parts: list[Part], sight: _Sight) -> StageRow:
    sums = _summed(parts, sight)
    lasted = sums.lengths.get(LEFT)
    return StageRow(
        of=of,
        code=code,
        applications=parts[0].present[sight.period] if of == "one" else None,
        left=len(lasted or ()),
        lasted=percentiles(lasted),
        waited=_waited(sums.waited),
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


def _waited(waited: Mapping[str, int]) -> list[Waited]:
    seconds = in_seconds(waited, PARTIES)
    whole = sum(waited.values())
    return [Waited(party, seconds[party], share(waited[party], whole)) for party in _those_in(waited)]


def _those_in(waited: Mapping[str, int]) -> Iterable[str]:
    return (party for party in PARTIES if party in waited)
