"""A visit as far as views need one."""

from typing import Any
from zoneinfo import ZoneInfo

from services.portal.language import Language, Speech, load_words

WORDS = load_words()


class Saying:
    """Says everything in one language."""

    def __init__(self, language: Language = "id") -> None:
        self.speech = Speech(language, WORDS[language], ZoneInfo("Asia/Jakarta"))

    def _(self, text: str, /, **values: object) -> str:
        translated = self.speech.words.gettext(text)
        return translated % values if values else translated

    def text(self, words: Any) -> str:
        return self.speech.text(words)

    def url(self, path: str) -> str:
        return f"/en{path}" if self.speech.language == "en" else path
