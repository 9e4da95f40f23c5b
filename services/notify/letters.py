"""A mail with a link, in words: subject and plain text from the templates of one language."""

from typing import Final
from zoneinfo import ZoneInfo

from contracts.catalogue import Office
from services.notify import words
from services.notify.link_source import Letter
from services.notify.messages import Message, texts

_PATHS: Final = {"id": "/saya/tautan/", "en": "/en/saya/tautan/"}


class Letters:
    """Renders them. `portal`: the address under which people reach the web pages."""

    def __init__(self, office: Office, portal: str) -> None:
        self._office = office
        self._portal = portal.rstrip("/")

    def render(self, letter: Letter) -> Message:
        """The message; its link opens a page with a button, which alone uses the link up."""
        language = letter.language
        context = {
            "name": " ".join(letter.name.split()),
            "number": letter.number,
            "link": f"{self._portal}{_PATHS[language]}{letter.token}",
            "until": words.moment(letter.expires_at, ZoneInfo(self._office.time_zone), language),
            "office": words.pick(self._office.labels, language),
        }
        page = texts().get_template(f"links/{language}/{letter.purpose}.txt")
        subject = "".join(page.blocks["subject"](page.new_context(context)))
        return Message(" ".join(subject.split()), page.render(context).strip() + "\n", language)
