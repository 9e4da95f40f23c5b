"""The records of one partition become rows: what the live projection and the rebuild have in common.

A record counts once by (application, source, id). It cannot be read (`MalformedEvent`) when its value is no event, its
key is not the event's subject, or the subject is no tracking number or belongs to another partition.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from contracts.envelope import MalformedEvent
from services.status.domain import Progress, evolve
from services.status.partitions import is_canonical, partition_of
from services.status.procedure import UNDECLARED, Procedure
from services.status.reading import FACT_TYPES, read, recorded_at
from services.status.situation import situate
from services.status.tables import application_row, text_field, timeline_row

_MARK_BYTES: Final = 8
_FACT_FIELDS: Final = {kind.name: text_field(kind.name) for kind in FACT_TYPES.values()}

encode_progress: Final = msgspec.msgpack.Encoder().encode
decode_progress: Final = msgspec.msgpack.Decoder(Progress).decode


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


class PartitionFold:
    """Folds the records of one partition, in order."""

    def __init__(self, partition: int, partitions: int, procedures: Mapping[str, Procedure]) -> None:
        self.tracks: dict[str, Track] = {}
        self._partition = partition
        self._partitions = partitions
        self._procedures = procedures
        self._source_fields: dict[str, bytes] = {}

    def resume(self, number: str, state: bytes, last_offset: int) -> None:
        """Go on from a stored application row."""
        progress = decode_progress(state)
        procedure = self._procedures.get(progress.service, UNDECLARED)
        self.tracks[number] = Track(number.encode(), text_field(number), procedure, progress, last_offset)

    def take(self, offset: int, timestamp_ms: int, key: bytes | None, value: bytes | None) -> bytes | None:
        """The packed timeline row of a record; nothing for a repeated event. Raises `MalformedEvent`."""
        reading = read(value)
        source, event_id, number, at = reading.source, reading.id, reading.number, reading.at
        track = self.tracks.get(number)
        if track is None or key != track.key:
            track = self._open(number, key)
        mark = hash((source, event_id)).to_bytes(_MARK_BYTES, "big", signed=True)
        if mark in track.seen and _holds(track.seen, mark):
            return None
        track.seen += mark
        track.last_offset = offset
        progress = track.progress
        recorded = recorded_at(timestamp_ms, at)
        found = evolve(progress, track.procedure, reading.fact, at, recorded, reading.data)
        if track.procedure is UNDECLARED and progress.service:
            track.procedure = self._procedures.get(progress.service, UNDECLARED)
        source_field = self._source_fields.get(source)
        if source_field is None:
            source_field = self._source_fields[source] = text_field(source)
        return timeline_row(
            self._partition,
            offset,
            progress.n,
            at,
            recorded,
            (track.field, _FACT_FIELDS[reading.fact], source_field),
            event_id.encode(),
            reading.raw_data,
            found,
        )

    def application_rows(self) -> Iterator[bytes]:
        """The packed row of every application at hand."""
        for number, track in self.tracks.items():
            progress = track.progress
            situation = situate(progress, track.procedure)
            yield application_row(
                partition=self._partition,
                last_offset=track.last_offset,
                n=progress.n,
                times_us=(situation.since, progress.last_at, progress.last_recorded),
                submitted_us=progress.reached.get("submitted"),
                texts=(number, progress.service, progress.office, situation.stage, situation.code, situation.waits_for),
                deviations=sorted(progress.standing or ()),
                state=encode_progress(progress),
            )

    def _open(self, number: str, key: bytes | None) -> Track:
        if key != number.encode():
            raise MalformedEvent("the record's key is not the event's subject - at `$.subject`")
        if not is_canonical(number):
            raise MalformedEvent("no tracking number in its canonical form - at `$.subject`")
        if partition_of(number, self._partitions) != self._partition:
            raise MalformedEvent("the record is in a partition where its key does not belong")
        track = self.tracks[number] = Track(key, text_field(number), UNDECLARED, Progress())
        return track


def _holds(seen: bytes, mark: bytes) -> bool:
    """Whether one of the marks in `seen` is `mark` (and not the end of one and the beginning of the next)."""
    place = seen.find(mark)
    while place >= 0 and place % _MARK_BYTES:
        place = seen.find(mark, place + 1)
    return place >= 0
