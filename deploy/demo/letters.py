"""The mail that was sent, as it lies in the Maildir of the mail sink."""

import re
from collections import Counter
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Final

from contracts.number import InvalidNumber, parse_number

_NUMBER: Final = re.compile(r"\s*–?\s*\b[A-Z]{3}(?:-[0-9A-Z]{4}){4}-[0-9A-Z*~$=]\s*")
_AMOUNT: Final = re.compile(r"\b(Rp|IDR)\s?[\d.,]+")


@dataclass(frozen=True)
class Letter:
    """One mail: whose it is by its subject, and what the subject says besides."""

    subject: str
    number: str | None

    @property
    def kind(self) -> str:
        """The subject without what differs from one application to another."""
        return _AMOUNT.sub(r"\1 …", _NUMBER.sub("", self.subject))


def read_letters(folder: Path) -> list[Letter]:
    """Every mail in the Maildir, in the order in which it came."""
    parser = BytesParser(policy=policy.default)
    files = sorted(folder.glob("new/*"), key=lambda file: file.stat().st_mtime_ns)
    return [_letter(str(parser.parsebytes(file.read_bytes(), headersonly=True)["Subject"])) for file in files]


def count_kinds(letters: list[Letter]) -> Counter[str]:
    """How many mails said what."""
    return Counter(letter.kind for letter in letters)


def _letter(subject: str) -> Letter:
    found = _NUMBER.search(subject)
    try:
        return Letter(subject, parse_number(found[0].strip(" –")) if found else None)
    except InvalidNumber:
        return Letter(subject, None)
