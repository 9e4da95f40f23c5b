"""Everything that is said in Indonesian can be said in English."""

from pathlib import Path

import pytest

from services.portal.language import missing, rooms


@pytest.mark.parametrize("room", list(rooms()), ids=lambda room: room.name)
def test_every_text_of_a_room_has_its_english(room: Path) -> None:
    assert missing(room) == []
