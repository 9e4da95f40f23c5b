"""Everything that is said in Indonesian can be said in English."""

from pathlib import Path

import pytest

from services.portal.language import Words, missing, rooms


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
