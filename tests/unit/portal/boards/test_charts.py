"""Pictures that a strict policy lets through, that no screen reader stumbles over, and whose bars lead to the cases."""

import sys
from xml.etree import ElementTree as ET

import pytest

from services.portal.boards.charts import Bar, Row, bars, ticks


def drawn(*rows: Row, kinds: tuple[str, ...] = ("late", "fine")) -> ET.Element:
    return ET.fromstring(str(bars(rows, kinds)))


TWO = Row("7–13 hari", [Bar(12, "12", "/papan/kasus?a=1&b=2"), Bar(228, "228", "/papan/kasus")])
NONE = Row("kosong", [Bar(0, "0"), Bar(0, "0")])


def test_nothing_in_a_picture_needs_an_inline_style_or_a_script() -> None:
    for element in drawn(TWO, NONE).iter():
        assert element.tag not in {"style", "script", "defs", "foreignObject", "image", "use"}
        assert "style" not in element.attrib
        assert not [name for name in element.attrib if name.startswith("on")]
        assert "http" not in "".join(element.attrib.values())


def test_a_picture_is_hidden_from_screen_readers_and_from_the_tab_order() -> None:
    picture = drawn(TWO)
    assert picture.get("aria-hidden") == "true"
    assert {link.get("tabindex") for link in picture.iter("a")} == {"-1"}


def test_every_part_leads_to_its_cases() -> None:
    assert [link.get("href") for link in drawn(TWO, NONE).iter("a")] == ["/papan/kasus?a=1&b=2", "/papan/kasus"]


def test_what_is_written_in_a_label_stays_text() -> None:
    picture = drawn(Row("<script>alert(1)</script>", [Bar(1, "1"), Bar(1, "1")]))
    assert not list(picture.iter("script"))
    assert "<script>alert(1)</script>" in [text.text for text in picture.iter("text")]


def test_the_bars_are_as_long_as_what_they_show() -> None:
    widths = [float(rect.get("width", 0)) for group in drawn(TWO).iter("a") for rect in group.iter("rect")]
    assert widths[1] / widths[0] == pytest.approx(228 / 12, rel=0.01)


def test_values_of_nothing_are_not_written() -> None:
    written = {text.text for text in drawn(TWO, NONE).iter("text") if text.get("class") == "value"}
    assert written == {"12", "228"} or written == {"228"}  # a narrow part has no room for its value
    assert "0" not in written


def test_a_value_that_does_not_fit_stands_behind_the_last_part() -> None:
    picture = drawn(Row("a", [Bar(1000, "1.000")]), Row("b", [Bar(1, "1 jam 3 menit")]), kinds=("plain",))
    (value,) = [text for text in picture.iter("text") if text.text == "1 jam 3 menit"]
    assert value.get("text-anchor") == "start"


def test_drawing_leaves_the_way_modules_are_found_as_it_was() -> None:
    drawn(TWO)
    assert [finder for finder in sys.meta_path if type(finder).__module__.startswith("pygal")] == []


def test_no_rows_are_no_picture() -> None:
    assert bars([]) == ""


@pytest.mark.parametrize("top", [1, 3, 7, 12, 99, 240, 1_720, 1_000_000])
def test_an_axis_has_few_round_marks(top: float) -> None:
    marks = ticks(top)
    assert marks[0] == 0
    assert marks[-1] <= top
    assert 2 <= len(marks) <= 6
