"""The compiled fold: `native/ordinary.c` takes what is ordinary, `PartitionFold` everything else.

It makes the same rows and states as `PartitionFold` alone, several times as fast (docs/decisions/0028). A rebuild uses it
where it was built (`services.status.folding.native.build`). A library that was built of another source than the one that
lies here is not used. `JEJAK_FOLD=python` does without it.
"""

import ctypes
import hashlib
import os
import secrets
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ctypes import byref
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw, Struct

from services.status.clocks.clockwork import WITHOUT_DEADLINES, Clockwork
from services.status.folding.fold import PartitionFold, RawRecord, Refuse, Track, decode_progress
from services.status.folding.procedure import Procedure

SOURCE: Final = Path(__file__).parent / "native" / "ordinary.c"
FLAGS: Final = ("-std=c11", "-O3", "-shared", "-fPIC")
_BY: Final = "JEJAK_FOLD"
_ROW: Final = 0
_FOR_PYTHON: Final = 2
_AT_ONCE: Final = 500
"""Applications that are asked for in one call."""
_MOST_STAGES: Final = 62
"""A mask has bits for these."""


def library_path() -> Path:
    """Where the library is, or would be: its name has the hash of its source and of how it is built."""
    made_of = hashlib.sha256(SOURCE.read_bytes() + " ".join(FLAGS).encode() + sys.platform.encode())
    return SOURCE.with_name(f"ordinary-{made_of.hexdigest()[:16]}.so")


def is_at_hand() -> bool:
    """Whether the rebuilds of this process use it."""
    return os.environ.get(_BY) != "python" and library_path().exists()


def open_fold(
    partition: int, partitions: int, procedures: Mapping[str, Procedure], clockwork: Clockwork = WITHOUT_DEADLINES
) -> PartitionFold:
    """The fastest fold at hand."""
    kind = CompiledFold if is_at_hand() else PartitionFold
    return kind(partition, partitions, procedures, clockwork)


_POINTER: Final = ctypes.c_void_p
_INT: Final = ctypes.c_int64


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path()))
    p, text, int_, int64 = _POINTER, ctypes.c_char_p, ctypes.c_int, _INT
    for name, result, *arguments in (
        ("fold_new", p, int_, int_, p, int_),
        ("fold_free", None, p),
        ("fold_declare", int_, p, text, int64, int_, p),
        ("fold_fact", text, int_),
        ("fold_take", int_, p, int_, int_, text, p, text, p, p, p, p, p, p),
        ("fold_mark", ctypes.c_uint64, p, text, int64, text, int64),
        ("fold_hand_over", int64, p, text, int64, p, p, p, p),
        ("fold_tell", int64, p, p, int_, p),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@cache
def _facts() -> list[str]:
    """The facts that the library knows, in its order."""
    named = (_library().fold_fact(place) for place in range(100))
    return [name.decode() for name in iter(lambda: next(named), None)]


class _Block(NamedTuple):
    """Records as columns, as the library wants them, and what it says of each."""

    values: bytes
    value_lengths: "array[int]"
    keys: bytes
    key_lengths: "array[int]"
    offsets: "array[int]"
    timestamps: "array[int]"
    outcomes: "ctypes.Array[ctypes.c_uint8]"
    ends: "array[int]"

    @classmethod
    def of(cls, records: Sequence[RawRecord]) -> "_Block":
        offsets, timestamps, keys, values = zip(*records, strict=True)
        return cls(
            *_laid_end_to_end(values), *_laid_end_to_end(keys), array("q", offsets), array("q", timestamps),
            (ctypes.c_uint8 * len(records))(), array("q", bytes(8 * len(records))),
        )  # fmt: skip


def _laid_end_to_end(pieces: Sequence[bytes | None]) -> "tuple[bytes, array[int]]":
    if None in pieces:
        return b"".join(piece or b"" for piece in pieces), array("q", [-1 if p is None else len(p) for p in pieces])
    return b"".join(pieces), array("q", map(len, pieces))  # type: ignore[arg-type]  # none is None


def _address(column: "array[int]") -> int:
    return column.buffer_info()[0]


class _Known(Struct, array_like=True, gc=False):
    """What the library knows of an application."""

    number: str
    last_offset: int
    state: Raw


_decode_known: Final = msgspec.msgpack.Decoder(list[_Known]).decode


class CompiledFold(PartitionFold):
    """A `PartitionFold` that leaves what is ordinary to the library. Its methods raise `MemoryError` where it has none."""

    def __init__(
        self,
        partition: int,
        partitions: int,
        procedures: Mapping[str, Procedure],
        clockwork: Clockwork = WITHOUT_DEADLINES,
    ) -> None:
        super().__init__(partition, partitions, procedures, clockwork)
        self._library = _library()
        self._state, self._seen, self._rows = _POINTER(), _POINTER(), _POINTER()
        self._seen_length, self._last_offset = _INT(), _INT()
        self._answer = tuple(map(byref, (self._state, self._seen, self._seen_length, self._last_offset)))
        key = array("Q", secrets.token_bytes(16))
        self._fold: int | None = self._library.fold_new(partition, partitions, _address(key), len(procedures))
        if self._fold is None:
            raise MemoryError
        for service, procedure in procedures.items():
            self._declare(service.encode(), procedure)

    def __del__(self) -> None:
        if getattr(self, "_fold", None) is not None:
            self._library.fold_free(self._fold)

    def take(self, records: Iterable[RawRecord], refuse: Refuse) -> list[bytes]:
        """As `PartitionFold.take`; a piece may be several rows."""
        records = list(records)
        if not records:
            return []
        block, place = _Block.of(records), 0
        pieces: list[bytes] = []
        while place < len(records):
            begin, place = place, self._take_ordinary(block, place)
            outcomes = bytes(memoryview(block.outcomes)[begin:place])
            rows, taken = ctypes.string_at(self._rows, block.ends[place - 1]), 0
            self.events += outcomes.count(_ROW)
            other = outcomes.find(_FOR_PYTHON)
            while other >= 0:
                pieces.append(rows[taken : block.ends[begin + other]])
                pieces += super().take(records[begin + other : begin + other + 1], refuse)
                taken = block.ends[begin + other]
                other = outcomes.find(_FOR_PYTHON, other + 1)
            pieces.append(rows[taken:])
        return pieces

    def applications(self) -> Iterator[Track]:
        """As `PartitionFold.applications`."""
        place = _INT()
        while known := _decode_known(self._told(self._state, self._tell(place))):
            for one in known:
                track = self._track(one.number, decode_progress(one.state), one.last_offset)
                track.packed = bytes(one.state)
                yield track
        yield from super().applications()

    def _take_ordinary(self, block: _Block, begin: int) -> int:
        """Let the library take in records from `begin` on; the place to go on from."""
        place: int = self._library.fold_take(
            self._fold, begin, len(block.outcomes), block.values, _address(block.value_lengths), block.keys,
            _address(block.key_lengths), _address(block.offsets), _address(block.timestamps), block.outcomes,
            _address(block.ends), byref(self._rows),
        )  # fmt: skip
        if place < 0:
            raise MemoryError
        return place

    def _open(self, number: str, key: bytes | None) -> Track:
        track = super()._open(number, key)
        size = self._library.fold_hand_over(self._fold, key, len(number), *self._answer)
        if size:
            progress = decode_progress(self._told(self._state, size))
            seen = self._told(self._seen, self._seen_length.value)
            track = self.tracks[number] = self._track(number, progress, self._last_offset.value, seen)
        return track

    def _tell(self, place: ctypes.c_int64) -> int:
        size: int = self._library.fold_tell(self._fold, byref(place), _AT_ONCE, byref(self._state))
        return size

    @staticmethod
    def _told(place: ctypes.c_void_p, size: int) -> bytes:
        if size < 0:
            raise MemoryError
        return ctypes.string_at(place, size)

    def _mark_of(self, source: str, event_id: str) -> bytes:
        of, id_ = source.encode(), event_id.encode()
        mark: int = self._library.fold_mark(self._fold, of, len(of), id_, len(id_))
        return mark.to_bytes(8, sys.byteorder)

    def _declare(self, service: bytes, procedure: Procedure) -> None:
        usable = len(procedure.stages) <= _MOST_STAGES
        pairs = (procedure.steps.get(fact, (0, 0)) if usable else (0, 0) for fact in _facts())
        steps = array("Q", chain.from_iterable(pairs))
        if self._library.fold_declare(self._fold, service, len(service), usable, _address(steps)) < 0:
            raise MemoryError
