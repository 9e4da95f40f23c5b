"""What is expected, as the API shows it and in words; what was foretold before, and how often it came true. Pure."""

from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.status.answering import words
from services.status.answering.views import Named, Presenter, at
from services.status.answering.words import Text, templates
from services.status.expected.coverage import Coverage
from services.status.expected.expected import (
    Case,
    Forecast,
    NoForecast,
    Place,
    case_of,
    forecast,
    forecast_in_stage,
    place_of,
)
from services.status.expected.expecting import Drawing, Model, ServiceModel
from services.status.folding.procedure import UNDECLARED, Procedure
from services.status.folding.progress import Progress
from services.status.folding.situation import situate

FEWEST_TOLD: Final = 5
"""Smaller counts of applications are withheld, as in the statistics."""
State = Literal["range", "too_few", "longer_than_most", "ended", "not_foretold"]
_S: Final = 1_000_000
_MINUTE: Final = 60 * _S
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_UNITS: Final = (("days", _DAY), ("hours", _HOUR), ("minutes", _MINUTE))


class Range(Struct, frozen=True):
    """A range of what remains, in whole seconds of the application's own clock, which stands while it waits for its
    applicant; and when that is, if it does not stand. Outwards: the first is rounded down, the second up."""

    from_s: int
    to_s: int
    from_at: datetime | None = None
    to_at: datetime | None = None


class CoverageView(Struct, frozen=True):
    """How often predictions came true, as shares of 1; none where fewer than five could be tested."""

    predictions: int
    within_50: float | None
    within_80: float | None
    earlier: float | None
    """Ready before the 80 % range."""
    later: float | None
    """Ready after it."""


class Tests(Struct, frozen=True):
    """The back-test of a service: applications that ended last, foretold anew by what was known before."""

    at_submission: CoverageView
    half_way: CoverageView
    """When they reached the middle one of the stages that they went through."""


class ExpectedView(Struct, frozen=True):
    """What to expect of one application."""

    number: str
    service: Named
    state: State
    text: Text
    as_of: datetime
    """To the minute."""
    waited_s: int | None
    """What the application's clock shows: since submission, without the applicant's own time."""
    stands: bool
    """The clock stands: the applicant is waited on."""
    half: Range | None
    """50 % of the applications like this one."""
    most: Range | None
    """80 %."""
    like: Literal["stage", "service"] | None
    """Compared with those that were in the same stage as long, or with those of the service that had taken as long."""
    stage: Named | None
    finished: int | None
    """How many of those ended. Fewer than five are not told."""
    open: int | None
    """How many of those were still open when last seen."""
    unresolved: float | None
    """The share of which no end is known; the ranges are of the others."""
    history_from: datetime | None
    """Since when applications were watched for this."""
    computed_at: datetime
    tests: Tests | None


class StageExpectation(Struct, frozen=True):
    """What remains for an application that just reached a stage."""

    stage: Named
    state: State
    half: Range | None
    most: Range | None
    finished: int | None
    open: int | None
    unresolved: float | None


class ServiceExpectation(Struct, frozen=True):
    """What to expect of a service, on the day of submission and in each stage."""

    service: Named
    state: State
    half: Range | None
    most: Range | None
    finished: int | None
    open: int | None
    unresolved: float | None
    history_from: datetime | None
    stages: list[StageExpectation]
    tests: Tests


class ExpectedTable(Struct, frozen=True):
    """What to expect of every service."""

    computed_at: datetime
    fewest: int
    """Where fewer have ended, no range is given."""
    services: list[ServiceExpectation]


class Foreteller:
    """Puts what a model says into words, with one catalogue."""

    def __init__(self, presenter: Presenter, procedures: Mapping[str, Procedure], drawing: Drawing) -> None:
        self._presenter = presenter
        self._procedures = procedures
        self._rules = drawing.rules

    def application(self, number: str, progress: Progress, model: Model, now_us: int) -> ExpectedView:
        """What to expect of an application at `now_us`, a whole minute."""
        procedure = self._procedures.get(progress.service, UNDECLARED)
        case = case_of(progress, procedure)
        known = model.services.get(progress.service)
        found: Forecast | NoForecast | Literal["ended", "not_foretold"] = "not_foretold"
        place = Place("", 0, 0)
        now_us = max(now_us, min(progress.last_at, now_us + _MINUTE))  # of what is on its timeline nothing is to come
        if case is not None and case.submitted <= now_us:
            place = place_of(case, now_us)
            found = forecast(known.sample, place, self._rules) if known else NoForecast("too_few", 0, 0.0)
        if case is not None and _is_over(case, progress, procedure):
            found = "ended"
        stands = found != "ended" and case is not None and case.stands(now_us)
        stage = self._stage(progress.service, place.stage)
        half, most, like, finished, open_, unresolved = _figures(found, None if stands else now_us)
        return ExpectedView(
            number=number,
            service=self._service(progress.service),
            state=_state(found),
            text=self._text(found, stage, stands, now_us, self._presenter.zone(progress.office)),
            as_of=at(now_us),
            waited_s=None if case is None or found == "ended" else place.age // _S,
            stands=stands,
            half=half,
            most=most,
            like=like,
            stage=stage,
            finished=finished,
            open=open_,
            unresolved=unresolved,
            history_from=at(known.sample.since) if known and known.sample.cases else None,
            computed_at=model.computed,
            tests=_tests(known) if known else None,
        )

    def table(self, model: Model) -> ExpectedTable:
        """What to expect of every service of which there is an application."""
        services = [self._of_service(code, known) for code, known in model.services.items()]
        return ExpectedTable(model.computed, self._rules.fewest, services)

    def _of_service(self, code: str, known: ServiceModel) -> ServiceExpectation:
        found = forecast(known.sample, Place("", 0, 0), self._rules)
        half, most, _, finished, open_, unresolved = _figures(found, None)
        stages = [
            self._of_stage(stage, code, known)
            for stage in [stage for stage, _, _ in self._procedures[code].stages][:-1]
        ]
        return ServiceExpectation(
            service=self._service(code),
            state=_state(found),
            half=half,
            most=most,
            finished=_told(known.sample.finished) if finished is None else finished,
            open=_told(known.sample.open) if open_ is None else open_,
            unresolved=unresolved,
            history_from=at(known.sample.since) if known.sample.cases else None,
            stages=[stage for stage in stages if stage is not None],
            tests=_tests(known),
        )

    def _of_stage(self, stage: str, service: str, known: ServiceModel) -> StageExpectation | None:
        named = self._stage(service, stage)
        if named is None:
            return None
        found = forecast_in_stage(known.sample, Place(stage, 0, 0), self._rules)
        half, most, _, finished, open_, unresolved = _figures(found or NoForecast("too_few", 0, 0.0), None)
        return StageExpectation(named, "range" if found else "too_few", half, most, finished, open_, unresolved)

    def _service(self, code: str) -> Named:
        service = self._presenter.catalogue.services.get(code)
        return Named(code, words.text_of(service.labels if service else None, "service"))

    def _stage(self, service: str, code: str) -> Named | None:
        labels = self._presenter.stage_labels(service).get(code)
        return Named(code, Text(labels.id, labels.en)) if labels else None

    def _text(
        self, found: Forecast | NoForecast | str, stage: Named | None, stands: bool, now_us: int, zone: ZoneInfo
    ) -> Text:
        said = templates().expected
        if isinstance(found, NoForecast):
            return said[found.reason].fill(share=str(int(found.faster * 100)))
        if not isinstance(found, Forecast):
            return said[found]
        low80, low50, _, high50, high80 = found.remaining
        dated = words.day if high80 >= 2 * _DAY else words.instant
        sentences = [
            said["range_standing" if stands else "range"].fill(
                low50=span(low50, upwards=False),
                high50=span(high50, upwards=True),
                low80=span(low80, upwards=False),
                high80=span(high80, upwards=True),
                begin=dated(now_us + low80, zone),
                end=dated(now_us + high80, zone),
            ),
            said["of_stage" if found.like == "stage" and stage else "of_service"].fill(
                finished=str(found.finished), stage=stage.labels if stage else ""
            ),
        ]
        if round(found.unresolved * 100) >= 1:
            sentences.append(said["unresolved"].fill(share=str(round(found.unresolved * 100))))
        return Text(" ".join(one.id for one in sentences), " ".join(one.en for one in sentences))


def span(us: int, *, upwards: bool) -> Text:
    """A length of time in the greatest unit of which it has two: *3 hari* / *3 days*; rounded down, or upwards."""
    unit, size = next(((unit, size) for unit, size in _UNITS if us >= 2 * size), _UNITS[-1])
    count = ceil(us / size) if upwards else us // size
    said = templates().expected[unit].fill(count=str(count))
    return Text(said.id, said.en.removesuffix("s")) if count == 1 else said


def _is_over(case: Case, progress: Progress, procedure: Procedure) -> bool:
    return case.ended is not None or situate(progress, procedure).waits_for == "nobody"


def _state(found: Forecast | NoForecast | Literal["ended", "not_foretold"]) -> State:
    if isinstance(found, Forecast):
        return "range"
    return found.reason if isinstance(found, NoForecast) else found


_Figures = tuple[Range | None, Range | None, Literal["stage", "service"] | None, int | None, int | None, float | None]


def _figures(found: Forecast | NoForecast | str, now_us: int | None) -> _Figures:
    """50 % and 80 %, whom it was compared with, how many ended, how many are open, the share without a known end."""
    if not isinstance(found, Forecast):
        return None, None, None, None, None, None
    low80, low50, _, high50, high80 = found.remaining
    half, most = _range(low50, high50, now_us), _range(low80, high80, now_us)
    return half, most, found.like, _told(found.finished), _told(found.open), round(found.unresolved, 3)


def _range(low: int, high: int, now_us: int | None) -> Range:
    from_s, to_s = low // _S, ceil(high / _S)
    if now_us is None:
        return Range(from_s, to_s)
    return Range(from_s, to_s, at(now_us + from_s * _S), at(now_us + to_s * _S))


def _told(count: int) -> int | None:
    return count if count >= FEWEST_TOLD or count == 0 else None


def _tests(known: ServiceModel) -> Tests:
    return Tests(_coverage(known.at_submission), _coverage(known.half_way))


def _coverage(found: Coverage) -> CoverageView:
    n = found.predictions
    if n < FEWEST_TOLD:
        return CoverageView(0, None, None, None, None)
    within_50, within_80 = round(found.within_50 / n, 3), round(found.within_80 / n, 3)
    return CoverageView(n, within_50, within_80, round(found.earlier / n, 3), round(found.later / n, 3))
