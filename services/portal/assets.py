"""Styles, scripts and pictures: read once, addressed by their content, kept by browsers for ever."""

import gzip
import hashlib
from pathlib import Path
from typing import Final

from litestar.exceptions import NotFoundException
from msgspec import Struct

_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}
_WORTH_PACKING: Final = (".css", ".js", ".svg")


class Asset(Struct, frozen=True):
    """One file, plain and packed."""

    media_type: str
    plain: bytes
    packed: bytes | None
    digest: str


class Assets:
    """The `static/` files of all rooms, by `room/file`."""

    def __init__(self, rooms: Path) -> None:
        self._rooms = rooms
        self._files = dict(self._read())
        self.version = hashlib.sha256("".join(sorted(one.digest for one in self._files.values())).encode()).hexdigest()

    def _read(self) -> list[tuple[str, Asset]]:
        found = sorted(path for path in self._rooms.glob("*/static/**/*") if path.suffix in _TYPES)
        return [(self._name(path), _asset(path)) for path in found]

    def _name(self, path: Path) -> str:
        room = path.relative_to(self._rooms).parts[0]
        return f"{room}/{path.relative_to(self._rooms / room / 'static').as_posix()}"

    def address(self, name: str) -> str:
        """Where the file is; changes with its content. Raises KeyError for an unknown one."""
        return f"/aset/{self._files[name].digest}/{name}"

    def reread(self) -> None:
        """Read the files again, while they are being written."""
        self._files = dict(self._read())

    def find(self, name: str) -> Asset:
        """The file. Raises `NotFoundException`."""
        if (asset := self._files.get(name)) is None:
            raise NotFoundException
        return asset

    def names(self) -> list[str]:
        """All of them."""
        return list(self._files)


def _asset(path: Path) -> Asset:
    plain = path.read_bytes()
    packed = gzip.compress(plain, 9, mtime=0) if path.suffix in _WORTH_PACKING else None
    return Asset(_TYPES[path.suffix], plain, packed, hashlib.sha256(plain).hexdigest()[:12])
