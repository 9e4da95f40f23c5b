"""The projection's tables: their shape, and their rows packed as PostgreSQL's binary COPY format wants them.

One generation of the projection is two tables, `g<id>_timeline` and `g<id>_application`, each partitioned by the log's
partitions: what is in one partition of the log is in one partition of the tables. Live projection and rebuild pack
their rows here, so the same events make the same bytes. Source of the format: PostgreSQL documentation, "COPY",
section "Binary Format"; `timestamptz` is microseconds since 2000, `text[]` is array_send's form.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from msgspec import Raw

COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
COPY_TRAILER: Final = b"\xff\xff"
NULL: Final = b"\xff\xff\xff\xff"
_EPOCH_2000_US: Final = 946_684_800_000_000

TIMELINE: Final = """
    "offset" bigint NOT NULL,
    occurred timestamptz NOT NULL,
    recorded timestamptz NOT NULL,
    n integer NOT NULL,
    partition smallint NOT NULL DEFAULT {partition},
    number text COLLATE "C" NOT NULL,
    fact text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    data bytea NOT NULL,
    deviations text[]
"""
"""`n` counts the application's events from 1 in the order of the log; `data` is the event's data as received. The
partition of a leaf is its default, so that no row has to say it."""
TIMELINE_COLUMNS: Final = (
    '"offset", occurred, recorded, n, number, fact, source, event_id, data, deviations'  # in packed order
)

APPLICATION: Final = """
    last_offset bigint NOT NULL,
    since timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    last_recorded timestamptz NOT NULL,
    submitted_at timestamptz,
    n integer NOT NULL,
    partition smallint NOT NULL DEFAULT {partition},
    number text COLLATE "C" NOT NULL,
    service text COLLATE "C" NOT NULL,
    office text COLLATE "C" NOT NULL,
    stage text COLLATE "C" NOT NULL,
    situation text COLLATE "C" NOT NULL,
    waits_for text COLLATE "C" NOT NULL,
    deviations text[],
    state bytea NOT NULL,
    due timestamptz,
    unsaid timestamptz,
    desk text COLLATE "C" NOT NULL,
    effective bytea
"""
"""`state` is the fold's `Progress` (MessagePack) of every event as it came, `effective`, where an event was corrected,
that of the events that count. The other columns are drawn from what counts, for search, statistics and deadlines:
`due` is the deadline of the first legal clock that runs or was missed, `unsaid` the first such of which the log does
not say yet that it passed, `desk` where the office last acted."""
APPLICATION_COLUMNS: Final = (
    "last_offset, since, last_at, last_recorded, submitted_at, n, "
    "number, service, office, stage, situation, waits_for, deviations, state, due, unsaid, desk, effective"
)

_SHAPES: Final = {"timeline": TIMELINE, "application": APPLICATION}

_fixed_timeline: Final = struct.Struct("!h iq iq iq ii").pack
_fixed_application: Final = struct.Struct("!h iq iq iq iq").pack
_from_int2: Final = struct.Struct("!h").unpack_from
_int2: Final = struct.Struct("!h").pack
_int2_field: Final = struct.Struct("!ih").pack
_int4: Final = struct.Struct("!i").pack
_int4_field: Final = struct.Struct("!ii").pack
_int8_field: Final = struct.Struct("!iq").pack
_array_head: Final = struct.Struct("!iiiii").pack
_TEXT_OID: Final = 25


_LENGTHS: Final = [_int4(length) for length in range(4_096)]
"""The lengths of nearly all values, packed."""


def text_field(text: str) -> bytes:
    """A text value with its length."""
    encoded = text.encode()
    return _int4(len(encoded)) + encoded


_cached_field: Final = lru_cache(maxsize=1_024)(text_field)
"""Of codes, which are few."""


def text_array_field(texts: Sequence[str]) -> bytes:
    """A `text[]` value with its length; NULL for none."""
    if not texts:
        return NULL
    value = _array_head(1, 0, _TEXT_OID, len(texts), 1) + b"".join([text_field(text) for text in texts])
    return _int4(len(value)) + value


def timeline_row(  # noqa: PLR0917 - called a hundred thousand times a second, and names cost
    offset: int,
    n: int,
    occurred_us: int,
    recorded_us: int,
    number: bytes,
    origin: bytes,
    event_id: bytes,
    data: Raw,
    deviations: Sequence[str],
) -> bytes:
    """One packed row; `number` and `origin` (fact and source) are packed already."""
    size = len(data)
    return b"".join(
        (
            _fixed_timeline(10, 8, offset, 8, occurred_us - _EPOCH_2000_US, 8, recorded_us - _EPOCH_2000_US, 4, n),
            number,
            origin,
            _LENGTHS[len(event_id)],
            event_id,
            _LENGTHS[size] if size < 4_096 else _int4(size),
            data,
            text_array_field(deviations) if deviations else NULL,
        )
    )


def placed(row: bytes, partition: int) -> bytes:
    """A packed row with its partition as the last column, for the table of all partitions."""
    return _int2(_from_int2(row)[0] + 1) + row[2:] + _int2_field(2, partition)


def application_row(
    *,
    last_offset: int,
    n: int,
    times_us: tuple[int, int, int],
    submitted_us: int | None,
    number: bytes,
    texts: Sequence[str],
    deviations: Sequence[str],
    state: bytes,
    deadlines_us: tuple[int | None, int | None],
    desk: str,
    effective: bytes | None,
) -> bytes:
    """One packed row; `number` is packed already; `times_us` are since, last_at, last_recorded; `texts` are service,
    office, stage, situation, waits_for; `deadlines_us` are due and unsaid."""
    since, last_at, last_recorded = times_us
    return b"".join(
        (
            _fixed_application(
                18, 8, last_offset, 8, since - _EPOCH_2000_US, 8, last_at - _EPOCH_2000_US, 8,
                last_recorded - _EPOCH_2000_US,
            ),
            _instant_field(submitted_us),
            _int4_field(4, n),
            number,
            *[_cached_field(text) for text in texts],
            text_array_field(deviations),
            _int4(len(state)),
            state,
            _instant_field(deadlines_us[0]),
            _instant_field(deadlines_us[1]),
            _cached_field(desk),
            NULL if effective is None else _int4(len(effective)) + effective,
        )
    )  # fmt: skip


def _instant_field(us: int | None) -> bytes:
    return NULL if us is None else _int8_field(8, us - _EPOCH_2000_US)


def leaf(generation: int, kind: str, partition: int) -> str:
    """The table of one partition of a generation; `kind` is `timeline` or `application`."""
    return f"g{generation}_{kind}_{partition:02d}"


def create_generation(generation: int) -> str:
    """The partitioned tables of a generation, still without partitions."""
    return "".join(
        f"CREATE TABLE g{generation}_{kind} ({shape.format(partition='NULL')}) PARTITION BY LIST (partition);"
        for kind, shape in _SHAPES.items()
    )


def create_leaves(generation: int, partition: int) -> str:
    """The tables of one partition: not yet attached, without keys, so that they are loaded at full speed."""
    check = f"CHECK (partition = {partition})"  # spares the attaching its scan
    return "".join(
        f"CREATE TABLE {leaf(generation, kind, partition)} ({shape.format(partition=partition)}, {check});"
        for kind, shape in _SHAPES.items()
    )


def key_leaves(generation: int, partition: int) -> str:
    """The keys of one partition, the indexes of what staff search by most (what is due, and what is new), and that of the
    order in which the office is waited for (`services.status.place`)."""
    return (
        f"ALTER TABLE {leaf(generation, 'timeline', partition)} ADD PRIMARY KEY (number, n);"
        f"ALTER TABLE {leaf(generation, 'application', partition)} ADD PRIMARY KEY (number);"
        f"CREATE INDEX ON {leaf(generation, 'application', partition)} (due, number) WHERE due IS NOT NULL;"
        f"CREATE INDEX ON {leaf(generation, 'application', partition)} (unsaid) WHERE unsaid IS NOT NULL;"
        f"CREATE INDEX ON {leaf(generation, 'application', partition)} (last_at, number);"
        f"CREATE INDEX ON {leaf(generation, 'application', partition)} (service, office, stage, due, since, number)"
        " WHERE waits_for = 'office';"
    )


def attach_leaves(generation: int, partition: int) -> str:
    """Make the tables of one partition part of the generation."""
    return "".join(
        f"ALTER TABLE g{generation}_{kind} ATTACH PARTITION {leaf(generation, kind, partition)}"
        f" FOR VALUES IN ({partition});"
        for kind in ("timeline", "application")
    )


def show_generation(generation: int, version: str, partitions: int) -> str:
    """The views that readers use, on this generation."""
    places = ["", *(f"_{partition:02d}" for partition in range(partitions))]
    select = "SELECT {columns} FROM g{generation}_{name}"
    return "".join(
        f"CREATE OR REPLACE VIEW {kind}{place} AS "
        + select.format(columns=_shown(kind, version), generation=generation, name=kind + place)
        + ";"
        for kind in _SHAPES
        for place in places
    )


def _shown(kind: str, version: str) -> str:
    """The columns of a view. PostgreSQL replaces a view only by one that has the same columns and then perhaps more."""
    if kind == "timeline":
        return f"{TIMELINE_COLUMNS}, partition, '{version}'::text AS version"
    first, rest = APPLICATION_COLUMNS.split(", due", 1)
    return f"{first}, partition, '{version}'::text AS version, due{rest}"


def shown_columns(kind: str) -> str:
    """The columns of a view with their types, for a table elsewhere that shows it."""
    types = {
        line.split()[0].strip('"'): line.removesuffix(",").replace(" DEFAULT {partition}", "")
        for line in map(str.strip, _SHAPES[kind].strip().splitlines())
    }
    types["version"] = "version text"
    names = [name.split(" AS ")[-1].strip('" ') for name in _shown(kind, "").split(", ")]
    return ", ".join(types[name] for name in names)


def drop_generation(generation: int, partitions: int) -> str:
    """Its tables gone, also those that a killed rebuild left unattached, and views that still show them."""
    names = [f"g{generation}_{kind}" for kind in ("timeline", "application")]
    leaves = [leaf(generation, kind, place) for kind in ("timeline", "application") for place in range(partitions)]
    return f"DROP TABLE IF EXISTS {', '.join([*names, *leaves])} CASCADE;"
