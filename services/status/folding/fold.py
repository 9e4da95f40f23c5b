"""The records of one partition become rows: what the live projection and the rebuild have in common.

A record counts once by (application, source, id). It cannot be read (`MalformedEvent`) when its value is no event, its
key is not the event's subject, or the subject is no tracking number or belongs to another partition.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Struct

from contracts.envelope import MalformedEvent, check_characters
from services.status.clocks.clockwork import WITHOUT_DEADLINES, Clockwork
from services.status.clocks.legal import deadlines_us
from services.status.domain import declare, evolve
from services.status.folding.conformance import deviations
from services.status.folding.partitions import is_canonical, partition_of
from services.status.folding.procedure import UNDECLARED, Procedure
from services.status.folding.progress import Progress
from services.status.folding.reading import EPOCH, REAL_TIMESTAMPS_MS, read
from services.status.folding.situation import situate
from services.status.store.tables import application_row, text_field, timeline_row

EMPTY: Final[Mapping[str, Progress]] = {}

_packed: Final = struct.Struct("q").pack
_MARK_BYTES: Final = 8


encode_progress: Final = msgspec.msgpack.Encoder().encode
decode_progress: Final = msgspec.msgpack.Decoder(Progress).decode


def state_of(row: Mapping[str, Any]) -> Progress:
    """What counts of an application, from its row: columns `state` and `effective`."""
    return decode_progress(row["effective"] or row["state"])


RawRecord = tuple[int, int, bytes | None, bytes | None]
"""Offset, timestamp in milliseconds, key, value."""
Refuse = Callable[[int, MalformedEvent], None]
"""Called with the offset of a record that cannot be read, and why."""


class _Resting(Struct, array_like=True, gc=False):
    """A track packed away."""

    last_offset: int
    seen: bytes
    progress: Progress


_pack_away: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(_Resting).decode


class Track(Struct, gc=False):
    """One application while its events are folded."""

    key: bytes
    field: bytes
    """The number as a packed text value."""
    procedure: Procedure
    progress: Progress
    last_offset: int = -1
    seen: bytes = b""
    """Eight bytes of hash for each event taken in: 100 bytes an application where a set of ids would take a kilobyte.
    Among an application's few events a collision has a chance of one in 10^17; the digest would show it."""
    packed: bytes = b""
    """The progress as it is stored, where that is at hand and nothing more will be folded."""


class PartitionFold:
    """Folds the records of one partition, in order."""

    def __init__(
        self,
        partition: int,
        partitions: int,
        procedures: Mapping[str, Procedure],
        clockwork: Clockwork = WITHOUT_DEADLINES,
    ) -> None:
        self.tracks: dict[str, Track] = {}
        self.events = 0
        """How many events were taken in."""
        self.corrected: set[str] = set()
        """Applications of which an event was corrected: what counts of them is to be replayed."""
        self._resting: dict[str, bytes] = {}
        self._partition = partition
        self._partitions = partitions
        self._procedures = procedures
        self._clockwork = clockwork
        self._origins: dict[tuple[str, str], bytes] = {}
        """(fact, source) → both as packed text values; they are few."""

    def resume(self, number: str, state: bytes, last_offset: int) -> None:
        """Go on from a stored application row."""
        progress = decode_progress(state)
        procedure = self._procedures.get(progress.service, UNDECLARED)
        self.tracks[number] = Track(number.encode(), text_field(number), procedure, progress, last_offset)
        if progress.corrected:
            self.corrected.add(number)

    def take(self, records: Iterable[RawRecord], refuse: Refuse) -> list[bytes]:
        """The packed timeline rows of records; none for a repeated event. `refuse` is told what cannot be read."""
        # The loop of the rebuild: what happens here a hundred thousand times a second is written out, not called.
        tracks, procedures, origins, mark_of = self.tracks, self._procedures, self._origins, self._mark_of
        rows: list[bytes] = []
        for offset, timestamp_ms, key, value in records:
            try:
                event, kind, data = read(value)
                event_id, fact = event.id, kind.name
                origin = origins.get((fact, event.source)) or self._origin(fact, event.source)
                track = tracks.get(event.subject)
                if track is None or key != track.key:
                    track = self._open(event.subject, key)
            except MalformedEvent as error:
                refuse(offset, error)
                continue
            mark = mark_of(event.source, event_id)
            if mark in track.seen and _holds(track.seen, mark):
                continue
            track.seen += mark
            track.last_offset = offset
            progress = track.progress
            since = event.time - EPOCH
            at = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
            recorded = timestamp_ms * 1_000 if timestamp_ms > REAL_TIMESTAMPS_MS else at
            found = evolve(progress, track.procedure, fact, at, recorded, data)
            if data.corrects is not None:
                self.corrected.add(event.subject)
            if track.procedure is UNDECLARED and progress.service in procedures:
                track.procedure = procedures[progress.service]
                declare(progress, track.procedure)
            rows.append(
                timeline_row(
                    offset, progress.n, at, recorded, track.field, origin, event_id.encode(), event.data, found
                )
            )
        self.events += len(rows)
        return rows

    def rest(self, most: int) -> None:
        """Keep at most `most` tracks as they are folded, 4 KB each; the others, longest at hand, take a seventh of it."""
        if len(self.tracks) <= most:
            return
        for number in list(islice(self.tracks, len(self.tracks) - most // 2)):
            track = self.tracks.pop(number)
            self._resting[number] = _pack_away(_Resting(track.last_offset, track.seen, track.progress))

    def applications(self) -> Iterator[Track]:
        """Every application, at hand or resting."""
        yield from self.tracks.values()
        for number, packed in self._resting.items():
            yield self._wake(number, packed)

    def _wake(self, number: str, packed: bytes) -> Track:
        resting = _unpack(packed)
        return self._track(number, resting.progress, resting.last_offset, resting.seen)

    def _track(self, number: str, progress: Progress, last_offset: int, seen: bytes = b"") -> Track:
        procedure = self._procedures.get(progress.service, UNDECLARED)
        return Track(number.encode(), text_field(number), procedure, progress, last_offset, seen)

    def application_rows(self, effective: Mapping[str, Progress] = EMPTY) -> Iterator[bytes]:
        """The packed row of every application. `effective`: what counts of those that were `corrected`."""
        for track in self.applications():
            counting = track.progress
            if counting.corrected:
                counting = effective[track.key.decode()]
            procedure = self._procedures.get(counting.service, UNDECLARED)
            yield _application_row(track, counting, procedure, self._clockwork)

    def _origin(self, fact: str, source: str) -> bytes:
        check_characters("source", source)
        origin = self._origins[fact, source] = text_field(fact) + text_field(source)
        return origin

    def _mark_of(self, source: str, event_id: str) -> bytes:
        """Eight bytes by which a repeated event is known."""
        return _packed(hash((source, event_id)))

    def _open(self, number: str, key: bytes | None) -> Track:
        if key != number.encode():
            raise MalformedEvent("the record's key is not the event's subject - at `$.subject`")
        if not is_canonical(number):
            raise MalformedEvent("no tracking number in its canonical form - at `$.subject`")
        if partition_of(number, self._partitions) != self._partition:
            raise MalformedEvent("the record is in a partition where its key does not belong")
        packed = self._resting.pop(number, None)
        if packed is not None:
            track = self.tracks[number] = self._wake(number, packed)
            return track
        track = self.tracks[number] = Track(key, text_field(number), UNDECLARED, Progress())
        return track


def _application_row(track: Track, counting: Progress, procedure: Procedure, clockwork: Clockwork) -> bytes:
    progress = track.progress
    situation = situate(counting, procedure)
    return application_row(
        last_offset=track.last_offset,
        n=progress.n,
        times_us=(situation.since, progress.last_at, progress.last_recorded),
        submitted_us=counting.reached.get("submitted"),
        number=track.field,
        texts=(counting.service, counting.office, situation.stage, situation.code, situation.waits_for),
        deviations=deviations(counting, procedure, ended=situation.waits_for == "nobody"),
        state=track.packed or encode_progress(progress),
        deadlines_us=deadlines_us(counting, clockwork),
        desk=counting.desk,
        effective=None if counting is progress else encode_progress(counting),
    )


def _holds(seen: bytes, mark: bytes) -> bool:
    """Whether one of the marks in `seen` is `mark` (and not the end of one and the beginning of the next)."""
    place = seen.find(mark)
    while place >= 0 and place % _MARK_BYTES:
        place = seen.find(mark, place + 1)
    return place >= 0
