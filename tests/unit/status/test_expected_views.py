"""Expected times in words, and what is withheld."""

from datetime import timedelta

import pytest

from services.status.answering.views import Presenter
from services.status.answering.words import Text
from services.status.expected.coverage import Coverage
from services.status.expected.expected import NEVER, Case, History, Rules, Step
from services.status.expected.expecting import Drawing, Model, ServiceModel
from services.status.expected.views import ExpectedView, Foreteller, span
from services.status.folding.reading import in_us
from tests.unit.status.story import (
    CATALOGUE,
    MONDAY,
    NUMBER,
    PROCEDURES,
    Story,
    issued,
    refused,
    requested,
    submitted,
)

HOUR = 3_600_000_000
START = in_us(MONDAY)
FORETELLER = Foreteller(Presenter(CATALOGUE, PROCEDURES), PROCEDURES, Drawing())


def passed(day: int, length_h: int) -> Case:
    """Submitted so many days before Monday, ready after so many hours; 0: it is still open."""
    at = START - day * 24 * HOUR
    ended = at + length_h * HOUR if length_h else None
    step = Step("application", 0, length_h * HOUR or None, at)
    return Case(at, (), (step,), ended, ended or NEVER, NEVER)


UNTESTED = Coverage()


def model(*cases: Case, tested: Coverage = UNTESTED) -> Model:
    sample = History(cases).at(START, Rules())
    return Model(MONDAY, {"passport_new": ServiceModel(sample, tested, tested, (0, 0))})


def shown(story: Story, known: Model, after_h: float = 0) -> ExpectedView:
    return FORETELLER.application(NUMBER, story.progress, known, START + int(after_h * HOUR))


MINUTES_TO_DAYS = [passed(30 + place, 10 + place * 2) for place in range(50)]


@pytest.mark.parametrize(
    ("minutes", "down", "up"),
    [
        (0, "0 minutes", "0 minutes"),
        (1, "1 minute", "1 minute"),
        (119, "119 minutes", "119 minutes"),
        (125, "2 hours", "3 hours"),
        (47 * 60 + 59, "47 hours", "48 hours"),
        (48 * 60 + 1, "2 days", "3 days"),
    ],
)
def test_a_length_of_time_is_said_in_its_unit_and_rounded_outwards(minutes: int, down: str, up: str) -> None:
    us = minutes * 60_000_000
    assert (span(us, upwards=False).en, span(us, upwards=True).en) == (down, up)


def test_indonesian_knows_no_plural() -> None:
    assert span(60_000_000, upwards=True) == Text("1 menit", "1 minute")


def test_a_range_is_told_with_days_and_what_is_behind_it(story: Story) -> None:
    view = shown(story.tell(submitted()), model(*MINUTES_TO_DAYS))
    assert view.text == Text(
        "Separuh dari permohonan seperti ini siap dalam 34 jam sampai 4 hari lagi, delapan dari sepuluh dalam 18 jam sampai "
        "5 hari lagi: antara Selasa, 3 Maret 2026 dan Jumat, 6 Maret 2026. Ini berdasarkan 50 permohonan selesai yang sama "
        "lamanya berada di tahap “Permohonan diajukan”.",
        "Half of the applications like this one were ready after another 34 hours to 4 days, eight of ten after another "
        "18 hours to 5 days: between Tuesday, 3 March 2026 and Friday, 6 March 2026. This goes by 50 finished applications "
        "that had been in the step “Application handed in” for as long.",
    )
    assert view.most is not None
    assert view.most.to_at == MONDAY + timedelta(seconds=view.most.to_s)


def test_a_share_without_a_known_end_is_told_beside_the_range(story: Story) -> None:
    view = shown(story.tell(submitted()), model(*MINUTES_TO_DAYS, *[passed(100, 0) for _ in range(10)]))
    assert view.unresolved == pytest.approx(10 / 60, abs=0.001)
    assert "Of every 100 applications like this one, 17 have no known end." in view.text.en
    assert view.open == 10


def test_while_the_clock_stands_no_day_is_named(story: Story) -> None:
    view = shown(story.tell(submitted()).tell(requested("family_card"), 2), model(*MINUTES_TO_DAYS), after_h=500)
    assert (view.stands, view.waited_s) == (True, 2 * 3_600)
    assert view.most is not None
    assert view.most.from_at is None
    assert "2026" not in view.text.en + view.text.id


def test_a_refused_or_a_finished_application_has_nothing_to_expect(story: Story) -> None:
    assert shown(story.tell(submitted()).tell(refused(), 5), model(*MINUTES_TO_DAYS), after_h=9).state == "ended"
    assert shown(Story().tell(submitted()).tell(issued(), 5), model(*MINUTES_TO_DAYS), after_h=9).state == "ended"


def test_before_its_submission_is_known_no_time_is_foretold(story: Story) -> None:
    view = shown(story.tell(requested("family_card")), model(*MINUTES_TO_DAYS))
    assert (view.state, view.most, view.waited_s) == ("not_foretold", None, None)


def test_a_service_without_history_says_too_few(story: Story) -> None:
    view = shown(story.tell(submitted()), Model(MONDAY, {}))
    assert (view.state, view.tests, view.history_from) == ("too_few", None, None)


def test_an_event_within_the_minute_is_not_in_the_future(story: Story) -> None:
    view = shown(story.tell(submitted(), 0.01), model(*MINUTES_TO_DAYS))
    assert (view.state, view.waited_s) == ("range", 0)


def test_counts_of_fewer_than_five_are_withheld(story: Story) -> None:
    known = model(*[passed(30, 5)] * 3, tested=Coverage(predictions=3, within_80=3))
    (service,) = FORETELLER.table(known).services
    assert (service.state, service.finished, service.open) == ("too_few", None, 0)
    assert (service.tests.half_way.predictions, service.tests.half_way.within_80) == (0, None)


def test_coverage_is_told_in_shares(story: Story) -> None:
    tested = Coverage(predictions=200, within_50=104, within_80=163, earlier=20, later=17)
    found = FORETELLER.table(model(*MINUTES_TO_DAYS, tested=tested)).services[0].tests.at_submission
    assert (found.within_50, found.within_80, found.earlier, found.later) == (0.52, 0.815, 0.1, 0.085)
