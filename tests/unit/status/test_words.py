"""The words: complete, the same in both languages, and never a code without them."""

import re
from pathlib import Path

import msgspec
import pytest

from contracts.facts import Actor, EventRef, NotificationSent
from services.status import domain
from services.status.answering.entries import Entries
from services.status.answering.views import Presenter
from services.status.answering.words import Text, duration, instant, money, templates
from services.status.folding.reading import FACT_TYPES
from tests.unit.status.story import (
    CATALOGUE,
    MONDAY,
    NUMBER,
    PROCEDURES,
    Story,
    assessed,
    paid,
    refused,
    requested,
    submitted,
)

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def _all_texts() -> list[Text]:
    found: list[Text] = []

    def collect(value: object) -> None:
        if isinstance(value, Text):
            found.append(value)
        elif isinstance(value, dict):
            for inner in value.values():
                collect(inner)

    for field in templates().__struct_fields__:
        collect(getattr(templates(), field))
    return found


def test_both_languages_use_the_same_placeholders() -> None:
    for text in _all_texts():
        assert set(PLACEHOLDER.findall(text.id)) == set(PLACEHOLDER.findall(text.en)), text


def test_every_fact_has_words() -> None:
    assert set(templates().facts) == {kind.name for kind in FACT_TYPES.values()}


def test_every_situation_that_the_code_names_has_words() -> None:
    source = (Path(domain.__file__).parent / "folding" / "situation.py").read_text().partition("_OFFICE_WORK")[2]
    named = set(re.findall(r'"([a-z_]+)", "(?:nobody|office|applicant|agency|legal_pause)"', source))
    named |= set(re.findall(r'": "([a-z_]+)",', source)) | {"in_progress", "payment_problem", "fee_due"}
    assert named <= set(templates().situations)
    for words in templates().situations.values():
        assert set(words) == {"headline", "todo"}


def test_every_deviation_has_words() -> None:
    codes = [value for name, value in vars(domain).items() if name.isupper() and isinstance(value, str)]
    assert {code.rstrip(":") for code in codes} - {domain.REPORTED_LATE} <= set(templates().deviations)


def test_a_moment_is_said_in_the_offices_own_time() -> None:
    from zoneinfo import ZoneInfo

    us = int(MONDAY.timestamp() * 1_000_000)
    said = instant(us, ZoneInfo("Asia/Jakarta"))
    assert said == Text("Senin, 2 Maret 2026 pukul 09.00 WIB", "Monday, 2 March 2026, 09:00 WIB")


def test_sums_and_lengths_are_said_as_people_say_them() -> None:
    assert money(650_000, "IDR") == Text("Rp650.000", "IDR 650,000")
    assert duration(18 * 3_600_000_000) == Text("18 jam", "18 hours")
    assert duration(72 * 3_600_000_000) == Text("3 hari", "3 days")


def test_a_missing_document_is_named_and_what_to_do_is_said(story: Story) -> None:
    view = story.tell(submitted()).tell(requested("family_card"), 2).view
    assert view.headline.en == "We are waiting for you: Family card (KK)."
    assert view.todo.needed
    assert view.todo.documents[0].code == "family_card"
    assert view.waiting.text.id == "Menunggu Anda, sejak Senin, 2 Maret 2026 pukul 11.00 WIB."


def test_a_due_fee_names_sum_code_and_limit(story: Story) -> None:
    view = story.tell(submitted()).tell(assessed(), 2).view
    assert view.todo.text.id == (
        "Bayar Rp650.000 dengan kode billing 820260302000001 paling lambat Senin, 9 Maret 2026 pukul 09.00 WIB."
    )


def test_there_is_always_something_said_about_what_to_do(story: Story) -> None:
    assert story.tell(submitted()).view.todo.text.en == "There is nothing you need to do now."


def test_a_refusal_gives_its_reasons_and_the_remedy(story: Story) -> None:
    view = story.tell(submitted()).tell(refused(), 5).view
    assert "requirements are not met" in view.headline.en
    assert "Administrative objection" in view.todo.text.en
    assert "21 working days" in view.todo.text.en


def test_stages_show_what_is_done_what_is_next_and_what_lies_ahead(story: Story) -> None:
    states = {stage.code: stage.state for stage in story.tell(submitted()).tell(assessed(), 2).view.stages}
    assert states["application"] == "done"
    assert states["payment"] == "current"
    assert states["decision"] == "ahead"


def test_a_code_that_the_catalogue_does_not_know_is_still_words(story: Story) -> None:
    view = story.tell(submitted()).tell(requested("phase_of_the_moon"), 2).view
    assert "phase_of_the_moon" not in view.headline.en


@pytest.mark.parametrize("late", [False, True])
def test_a_late_report_is_said_on_the_timeline(late: bool) -> None:
    entries = Entries(Presenter(CATALOGUE, PROCEDURES))
    row = {
        "n": 3,
        "fact": "fee_paid",
        "occurred": MONDAY,
        "recorded": MONDAY.replace(hour=20),
        "source": "//treasury",
        "event_id": "1",
        "data": msgspec.json.encode(paid()),
        "deviations": ["payment_reported_late"] if late else None,
    }
    entry = entries.entry(row, "passport_new", "lebong")
    assert ("18 hours late" in entry.text.en) == late
    assert entry.deviations == []
    assert NUMBER not in entry.text.en


def test_what_the_applicant_was_told_of_is_said_by_source_and_id() -> None:
    about = EventRef(source="//lebong.imigrasi.go.id/processing", id="7")
    told = NotificationSent(
        about=about, channel="email", template="decided", language="id", attempt=1, by=Actor(role="system")
    )
    row = {"n": 3, "fact": "notification_sent", "occurred": MONDAY, "recorded": MONDAY, "source": "//notify",
           "event_id": "1", "data": msgspec.json.encode(told), "deviations": None}  # fmt: skip
    assert Entries(Presenter(CATALOGUE, PROCEDURES)).entry(row, "passport_new", "lebong").about == about
