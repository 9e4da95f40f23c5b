"""Both languages: Indonesian is the source text, English is in each room's `en.po`; dates and numbers by Babel.

`python -m services.portal.language` adds to every `en.po` what its room says and it lacks (to be translated by hand),
and takes out what is no longer said.
"""

import gettext
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from babel.numbers import format_currency, format_decimal

Language = Literal["id", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("id", "en")
ENGLISH_PREFIX: Final = "/en"
_LOCALES: Final = {"id": Locale("id"), "en": Locale("en", "GB")}
_KEYWORDS: Final = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
_METHODS: Final = [("**/templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
_OPTIONS: Final = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600
ROOMS: Final = Path(__file__).parent
_OF_ALL: Final = ("design", ROOMS.name)
"""Whose words are on the pages of all rooms."""


def N_(text: str) -> str:  # noqa: N802  # the customary name: marks a text that is translated where it is shown
    """`text`, found by the extraction."""
    return text


Texts = dict[str, str | tuple[str, ...]]
"""What is said, by its Indonesian source; a pair where one and many differ."""


class Words(gettext.NullTranslations):
    """The texts of one language, by their Indonesian source: those of one room before those of all."""

    def __init__(self, texts: Texts, rooms: dict[str, Texts] | None = None) -> None:
        super().__init__()
        self._texts = texts
        self._rooms = {name: Words(texts | own) for name, own in (rooms or {}).items()}

    def of(self, room: str) -> "Words":
        """As `room` means its words: the same Indonesian may be another English there."""
        return self._rooms.get(room, self)

    def gettext(self, message: str) -> str:
        """The text; its source where there is no translation."""
        found = self._texts.get(message, message)
        return found if isinstance(found, str) else found[0]

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The text for `n` of a thing. Indonesian has one form."""
        found = self._texts.get(msgid1)
        if found is None:
            return msgid1
        return found if isinstance(found, str) else found[0 if n == 1 else -1]


def load_words(rooms: Path = ROOMS) -> dict[Language, Words]:
    """The words of both languages, from the `en.po` of every room."""
    own = {file.parent.name: translations(file.parent) for file in sorted(rooms.glob("**/en.po"))}
    merged: Texts = {}
    for name in sorted(own, key=lambda name: name in _OF_ALL):
        merged |= own[name]  # what the page around every page says is not to be said by a room
    return {"id": Words({}), "en": Words(merged, own)}


def translations(room: Path) -> Texts:
    """The English of what a room says, by its source."""
    found: Texts = {}
    for message in _read(room / "en.po"):
        key = message.id if isinstance(message.id, str) else message.id[0]
        if key and message.string and not message.fuzzy:
            found[key] = message.string if isinstance(message.string, str) else tuple(message.string)
    return found


def said(room: Path) -> Catalog:
    """What the templates and modules of a room say, as an empty catalogue. The root room is the portal's own files."""
    catalog = Catalog(locale="en")
    for file, _, message, _, context in extract_from_dir(room, _METHODS, _OPTIONS, keywords=_KEYWORDS):
        if room != ROOMS or "/" not in file:
            catalog.add(message, None, [], context=context)
    return catalog


def rooms() -> Iterator[Path]:
    """The folders that have words of their own."""
    yield ROOMS
    yield from sorted(path for path in ROOMS.iterdir() if path.is_dir() and not path.name.startswith(("_", ".")))


def missing(room: Path) -> list[str]:
    """What is said in `room` and has no English."""
    known = {message.id: message.string for message in _read(room / "en.po")}
    return [str(message.id) for message in said(room) if message.id and not _whole(known.get(message.id))]


def _whole(text: Any) -> bool:
    return all(text) if isinstance(text, tuple) else bool(text)


def _read(file: Path) -> Catalog:
    if not file.exists():
        return Catalog(locale="en")
    with file.open("rb") as opened:
        return read_po(opened, locale="en")


def _write(room: Path) -> int:
    """Bring a room's `en.po` up to date; how many texts have no English."""
    catalog, fresh = _read(room / "en.po"), said(room)
    catalog.update(fresh, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    if len(catalog):
        with (room / "en.po").open("wb") as opened:
            write_po(opened, catalog, width=120, omit_header=True, sort_output=True, no_location=True)
    return len(missing(room))


class Speech:
    """How one language, in one office's time zone, puts dates, sums and lengths of time."""

    def __init__(self, language: Language, words: Words, zone: ZoneInfo) -> None:
        self.language = language
        self.words = words
        self.zone = zone
        self.locale = _LOCALES[language]

    def text(self, words: Any) -> str:
        """`{id, en}` (a mapping or a struct) in this language; a string as it is."""
        if words is None or isinstance(words, str):
            return words or ""
        if isinstance(words, dict):
            return str(words.get(self.language) or words.get("id") or "")
        return str(getattr(words, self.language))

    def day(self, moment: str | date | datetime | None) -> str:
        """`Jumat, 6 Maret 2026`."""
        pattern = "EEEE, d MMMM y" if self.language == "id" else "EEEE d MMMM y"
        return "" if moment is None else format_date(self._date(moment), pattern, locale=self.locale)

    def day_time(self, moment: str | datetime | None) -> str:
        """`Sen 2 Mar 2026 09.12`."""
        pattern = "EEE d MMM y HH.mm" if self.language == "id" else "EEE d MMM y HH:mm"
        return "" if moment is None else format_datetime(self._local(moment), pattern, locale=self.locale)

    def time(self, moment: str | datetime | time | None) -> str:
        """`09.12`."""
        if moment is None:
            return ""
        local = moment if isinstance(moment, time) else self._local(moment)
        return format_time(local, "HH.mm" if self.language == "id" else "HH:mm", locale=self.locale)

    def ago(self, moment: str | datetime | None, now: datetime | None = None) -> str:
        """`3 jam yang lalu`."""
        if moment is None:
            return ""
        passed = self._local(moment) - (now or datetime.now(UTC))
        return format_timedelta(passed, add_direction=True, locale=self.locale)

    def length_of(self, seconds: float | timedelta | None) -> str:
        """`46 jam`, `5 hari`: one unit, the largest that says enough."""
        if seconds is None:
            return ""
        passed = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
        unit: Literal["day", "hour", "minute"] = (
            "day" if passed >= 3 * _DAY_S else "hour" if passed >= _HOUR_S else "minute"
        )
        return format_timedelta(timedelta(seconds=passed), granularity=unit, threshold=1e9, locale=self.locale)

    def money(self, amount: int, currency: str = "IDR") -> str:
        """`Rp650.000`, in English `IDR 650,000` as the services say it; rupiah have no smaller unit in use."""
        if currency == "IDR":
            sign = "Rp" if self.language == "id" else "IDR\N{NO-BREAK SPACE}"
            return sign + format_decimal(amount, "#,##0", locale=self.locale)
        return format_currency(amount, currency, locale=self.locale)

    def number(self, value: float) -> str:
        """`1.720`."""
        return format_decimal(value, locale=self.locale)

    def _local(self, moment: str | datetime) -> datetime:
        when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return (when if when.tzinfo else when.replace(tzinfo=self.zone)).astimezone(self.zone)

    def _date(self, moment: str | date | datetime) -> date:
        if isinstance(moment, str) and len(moment) == len("2026-11-24"):
            return date.fromisoformat(moment)
        if isinstance(moment, str | datetime):
            return self._local(moment).date()
        return moment


def number_groups(number: str) -> str:
    """A tracking number as it is written: in groups of four, with dashes; one that is written so already as it is."""
    return number.upper()


def main() -> None:
    """Bring every `en.po` up to date; say what is left to be translated. Exit code 1 where something is."""
    left = {room.name: count for room in rooms() if (count := _write(room))}
    for room, count in left.items():
        sys.stdout.write(f"{room}/en.po: {count} texts without English\n")
    sys.exit(1 if left else 0)


if __name__ == "__main__":
    main()
