"""Everything that is said in Indonesian can be said in English."""

from pathlib import Path

import pytest

from services.portal.language import Words, load_words, missing, rooms


@pytest.mark.parametrize("room", list(rooms()), ids=lambda room: room.name)
def test_every_text_of_a_room_has_its_english(room: Path) -> None:
    assert missing(room) == []


def test_a_room_means_its_own_words() -> None:
    rooms = {"officers": {"Tutup": "Close"}, "offering": {"Tutup": "Closed"}}
    words = Words({"Tutup": "Close", "Kirim": "Send"}, rooms)  # type: ignore[arg-type]
    assert [words.of(room).gettext("Tutup") for room in ("officers", "offering", "tracking")] == [
        "Close", "Closed", "Close",
    ]  # fmt: skip
    assert words.of("offering").gettext("Kirim") == "Send"


def test_the_page_around_every_page_says_the_same_in_every_room() -> None:
    english = load_words()["en"]
    assert {room.name for room in rooms() if english.of(room.name).gettext("Lacak") != "Track"} == set()
    assert english.gettext("Layanan") == "Services"
