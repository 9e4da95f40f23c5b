"""Bar charts as SVG that stands in the page: geometry by pygal, colours by the style sheet.

pygal brings a style sheet, a script and descriptions for it within each picture; a policy without inline styles and scripts
forbids them, and the page needs none: they are taken out. The picture is for the eye. Whoever does not see it has the
sentence above and the table under it, which say the same, so it is hidden from screen readers and left out of the tab
order; its bars lead to the cases as the table does.
"""

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final
from xml.etree import ElementTree as ET

from markupsafe import Markup
from msgspec import Struct

WIDTH: Final = 640
_ROW: Final = 40
_AROUND: Final = 56
_FONT: Final = 15
_LABEL_CHARS: Final = 26
_STEPS: Final = (1, 2, 5)
_XLINK: Final = "{http://www.w3.org/1999/xlink}href"
_CHAR: Final = 10.0
"""A digit's width, with its share of the space around."""
_HIDDEN: Final = frozenset({"overlay", "tooltip-overlay", "titles"})
_NOT_NEEDED: Final = frozenset({"defs", "title", "desc", "script", "style"})


class Bar(Struct, frozen=True):
    """A part of a bar. `shown`: its value as it is written; `href`: to its cases, empty where there is no way."""

    value: float
    shown: str
    href: str = ""


class Row(Struct, frozen=True):
    """A bar: what it is of, and its parts, one of each series."""

    label: str
    bars: Sequence[Bar]


def bars(rows: Sequence[Row], kinds: Sequence[str] = ("plain",), *, whole: float | None = None) -> Markup:
    """Horizontal bars from top to bottom, their parts in a row; `kinds` are the parts' classes in the style sheet.

    `whole`: where the axis ends, e.g. 100 of percent.
    """
    if not rows:
        return Markup()
    chart = _chart(len(rows), max([sum(bar.value for bar in row.bars) for row in rows], default=0), whole)
    upwards = list(reversed(rows))
    chart.x_labels = [_short(row.label) for row in upwards]
    for place in range(len(rows[0].bars)):
        chart.add(str(place), [_value(row.bars[place]) for row in upwards])
    return _pruned(chart.render_tree(), kinds)


def _chart(rows: int, largest: float, whole: float | None) -> Any:
    pygal = _pygal()
    top = whole or largest or 1
    style = pygal.style.Style(
        label_font_size=_FONT, major_label_font_size=_FONT, value_font_size=_FONT, font_family="sans-serif"
    )
    return pygal.HorizontalStackedBar(
        js=[],
        width=WIDTH,
        height=rows * _ROW + _AROUND,
        margin=6,
        style=style,
        show_legend=False,
        print_values=True,
        print_zeroes=False,
        truncate_label=_LABEL_CHARS,
        range=(0, top),
        y_labels=ticks(top),
        value_formatter=lambda value: f"{value:g}",
        spacing=8,
    )


@lru_cache(maxsize=1)
def _pygal() -> Any:
    """Ten megabytes that only boards need, so it is imported with the first picture.

    It also puts a finder for plug-ins of its own among those of Python, which is asked for every module that nobody else
    has and is of a kind that Python warns of: taken out again.
    """
    before = list(sys.meta_path)
    import pygal  # type: ignore[import-untyped]  # noqa: PLC0415
    import pygal.style  # type: ignore[import-untyped]  # noqa: PLC0415

    sys.meta_path[:] = [finder for finder in sys.meta_path if finder in before]
    return pygal


def ticks(top: float) -> list[float]:
    """At most six round numbers from zero to `top`."""
    step, place = 1.0, 0
    while top / step > 5:
        place += 1
        step = _STEPS[place % 3] * 10.0 ** (place // 3)
    return [number * step for number in range(int(top / step) + 1)]


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_CHARS else label[: _LABEL_CHARS - 1].rstrip() + "…"


def _value(bar: Bar) -> dict[str, Any]:
    value: dict[str, Any] = {"value": bar.value, "formatter": _saying(bar.shown if bar.value else "")}
    return value | {"xlink": {"href": bar.href, "target": "_self"}} if bar.href else value


@lru_cache(maxsize=512)
def _saying(text: str) -> Callable[[float], str]:
    return lambda _: text


class _Rects(dict[tuple[int, int], tuple[float, float]]):
    """Where the parts of the bars are: (series, place) → where it begins, how wide it is. None of nothing."""

    def is_last(self, series: int, place: int) -> bool:
        """Whether no other part follows in this bar."""
        return not any(other > series and at == place for other, at in self)


def _pruned(tree: Any, kinds: Sequence[str]) -> Markup:
    """The picture without what a strict policy forbids, and without what is not seen."""
    root = ET.Element(
        "svg", {"viewBox": tree.get("viewBox"), "class": "chart", "aria-hidden": "true", "focusable": "false"}
    )
    rects = _Rects()
    for series, group in enumerate(_found(tree, "bars")):
        for place, bar in enumerate(_found(group, "bar")):
            for rect in _found(bar, "rect"):
                if float(rect.get("width", 0)) > 0:
                    rects[series, place] = float(rect.get("x")), float(rect.get("width"))
    for series, group in enumerate(_found(tree, f"serie-{place}") for place in range(len(kinds))):
        for one in group:
            one.set("class", kinds[series])
            for place, text in enumerate(_found(one, "value") if not _found(one, "bars") else []):
                _set_value(text, rects, series, place)
    for child in tree:
        _take(child, root)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - made here, escaped by the serializer


def _found(tree: Any, name: str) -> list[Any]:
    return [one for one in tree.iter() if isinstance(one.tag, str) and name in one.get("class", "").split()]


def _set_value(text: Any, rects: _Rects, series: int, place: int) -> None:
    """A value stands within its part where that is wide enough, else behind it; not where another part follows there."""
    begin, width = rects.get((series, place), (0.0, 0.0))
    needed = len(text.text or "") * _CHAR
    if width >= needed:
        return
    if width and rects.is_last(series, place):
        text.set("x", f"{begin + width + 6:.1f}")
        text.set("text-anchor", "start")
    else:
        text.text = ""


def _take(source: Any, into: ET.Element) -> None:
    tag = source.tag
    if not isinstance(tag, str) or (name := tag.rpartition("}")[2]) in _NOT_NEEDED:
        return
    classes = source.get("class", "").split()
    if not _HIDDEN.isdisjoint(classes) or ("value" in classes and not source.text):
        return
    kept = {key: value for key, value in source.attrib.items() if key not in ("style", "target") and value}
    if name == "a":
        kept = {"href": source.get("xlink:href") or source.get(_XLINK, ""), "tabindex": "-1"}
    if name == "rect" and "width" not in kept:
        return
    taken = ET.SubElement(into, name, kept)
    taken.text = source.text
    for child in source:
        _take(child, taken)
