"""What the parts of the pages say, rendered."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from contracts.catalogue import HoursOn, load
from contracts.facts import Labels
from services.portal.main import open_portal
from services.portal.offering.expecting import Expectation, Range, ServiceCode
from services.portal.offering.visiting import opening
from services.portal.settings import PortalSettings

LEBONG = load().offices["lebong"]


@pytest.fixture(scope="module")
def environments(settings: PortalSettings) -> Any:
    return open_portal(settings).pages._environments


def said(environments: Any, language: str, call: str, **context: Any) -> str:
    template = environments[language].from_string(
        "{% import 'offering/parts.html' as p with context %}{{ p." + call + " }}"
    )
    return " ".join(str(template.render(**context)).replace("<strong>", "").replace("</strong>", "").split())


def open_at(environments: Any, instant: str, language: str = "id", **changes: Any) -> str:
    office = msgspec.structs.replace(LEBONG, **changes)
    assert office.visiting is not None
    open_ = opening(office.visiting, office, dt.datetime.fromisoformat(instant))
    return said(environments, language, "open_now(open)", open=open_).replace('<strong class="is-open">', "")


@pytest.mark.parametrize(
    ("instant", "language", "words"),
    [
        ("2026-03-02T09:00:00+07:00", "id", "Buka sekarang, sampai pukul 12.00."),
        ("2026-03-02T09:00:00+07:00", "en", "Open now, until 12:00."),
        ("2026-03-02T12:00:00+07:00", "id", "Tutup sekarang. Buka lagi hari ini pukul 13.00."),
        ("2026-03-02T17:00:00+07:00", "en", "Closed now. Opens again tomorrow at 08:00."),
        ("2026-03-06T17:00:00+07:00", "id", "Tutup sekarang. Buka lagi Senin, 9 Maret 2026 pukul 08.00."),
        (
            "2026-12-25T09:00:00+07:00",
            "id",
            "Tutup sekarang. Hari ini: Hari Raya Natal. Buka lagi Senin, 28 Desember 2026 pukul 08.00.",
        ),
    ],
)
def test_an_office_says_in_a_sentence_whether_it_is_open(
    environments: Any, instant: str, language: str, words: str
) -> None:
    assert open_at(environments, instant, language) == words


def test_an_office_in_another_time_zone_speaks_of_its_own_clock(environments: Any) -> None:
    assert open_at(environments, "2026-03-02T09:00:00+09:00", time_zone="Asia/Jayapura").endswith("pukul 12.00.")


def test_an_office_that_closes_for_long_names_no_day(environments: Any) -> None:
    assert LEBONG.visiting is not None
    closed = [
        HoursOn(date=dt.date(2026, 3, 2) + dt.timedelta(days), labels=Labels(id="Renovasi", en="Renovation"))
        for days in range(90)
    ]
    visiting = msgspec.structs.replace(LEBONG.visiting, exceptions=closed)
    words = open_at(environments, "2026-03-02T09:00:00+07:00", visiting=visiting)
    assert words == "Tutup sekarang. Hari ini: Renovasi."


def expected(environments: Any, expectation: Expectation | None) -> str:
    return said(environments, "en", "in_fact(expected, 30)", expected=expectation)


def test_experience_names_its_ground_or_says_that_there_is_too_little(environments: Any) -> None:
    code = ServiceCode("imk")
    range_ = Expectation(code, "range", Range(90_000, 180_000), Range(50_000, 700_000), 214)
    assert "Eight in ten applications are ready within 14 hours to 8 days" in expected(environments, range_)
    assert "from the last 214 applications" in expected(environments, range_)
    few = expected(environments, Expectation(code, "too_few", finished=12))
    assert "too few applications" in few
    assert "once 30 applications have been completed recently; so far there are 12." in few
    assert "completed recently." in expected(environments, Expectation(code, "too_few"))
    assert "cannot show just now" in expected(environments, None)
