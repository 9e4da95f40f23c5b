"""The mapping: what the columns of an older system's export mean. Documented for those who write one in `docs/import.md`."""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from contracts.facts import FACTS, Code, Fact, Labels, Role, StageRecorded, Submitted

System = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
FACTS_BY_NAME = {name.removeprefix("id.jejak.application.").removesuffix(".v1"): fact for name, fact in FACTS.items()}


class MappingError(ValueError):
    """The mapping is wrong, or does not fit the file; the message says where, and what would be right."""


class Column(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value taken from a column."""

    column: str
    values: dict[str, str | None] | None = None
    """What each value of the column stands for (null: nothing). A value that is not listed is `default`, or an error."""
    default: str | msgspec.UnsetType | None = msgspec.UNSET
    code: bool = False
    """True: made a code (lower case, other characters become `_`)."""


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the parts of every event stand."""

    application: str
    activity: str
    time: str
    event: str | None = None
    """A column with an id of its own for every line; without it, equal lines of an application are told apart by counting."""
    role: Column | None = None
    desk: Column | None = None


class Activity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one activity of the older system is here: an event type with its data, or a stage of the office's own."""

    event: str | None = None
    data: dict[str, Any] = {}
    """Fields of the event's data; `{column: …}` anywhere in them takes a column's value."""
    stage: Code | None = None
    labels: Labels | None = None


class MappingFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as written."""

    system: System
    office: Code
    service: Code
    columns: Columns
    activities: dict[str, Activity]
    catalogue: str | None = None
    """A folder (beside the mapping) that adds the service or the office to the catalogue."""
    unlisted: Literal["stage", "refuse"] = "refuse"
    """What becomes of an activity that is not listed: a stage with its own name, or a line that cannot be read."""
    channel: Column | None = None
    role: Role = "officer"
    time_zone: str = "UTC"
    """For times without an offset."""
    time_format: str | None = None
    """As of `strptime`; without it, ISO 8601."""
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8-sig"


class Unreadable(ValueError):
    """A line of the export that the mapping cannot read; the message says why without repeating its content."""


class HistoryMapping(Struct, frozen=True, kw_only=True):
    """A checked mapping."""

    file: MappingFile
    folder: Path
    zone: ZoneInfo

    @property
    def catalogue_folders(self) -> tuple[Path, ...]:
        """What the mapping adds to the catalogue."""
        return (self.folder / self.file.catalogue,) if self.file.catalogue else ()

    def columns(self) -> set[str]:
        """Every column that is named anywhere."""
        fixed = self.file.columns
        named = {fixed.application, fixed.activity, fixed.time}
        named |= {fixed.event} if fixed.event else set()
        named |= {spec.column for spec in (fixed.role, fixed.desk, self.file.channel) if spec}
        for activity in self.file.activities.values():
            named |= _columns_in(activity.data)
        return named

    def check_header(self, header: set[str]) -> None:
        """Raises `MappingError` naming the columns that the file lacks and those it has."""
        if missing := sorted(self.columns() - header):
            raise MappingError(
                f"the mapping names {_listed(missing)}, which the file does not have; it has {_listed(sorted(header))}"
            )

    def time(self, text: str) -> dt.datetime:
        """The instant of a line, in UTC. Raises `Unreadable`."""
        try:
            if self.file.time_format:
                time = dt.datetime.strptime(text.strip(), self.file.time_format)  # noqa: DTZ007 - the zone follows
            else:
                time = dt.datetime.fromisoformat(text.strip())
        except ValueError:
            raise Unreadable(f"column {self.file.columns.time!r} is no time") from None
        return (time if time.tzinfo else time.replace(tzinfo=self.zone)).astimezone(dt.UTC)

    def fact(self, row: Mapping[str, str]) -> Fact:
        """What happened according to a line. Raises `Unreadable`."""
        name = row[self.file.columns.activity].strip()
        activity = self.file.activities.get(name)
        if activity is None:
            if self.file.unlisted == "refuse" or not name:
                raise Unreadable("its activity is not in the mapping" if name else "it has no activity")
            activity = Activity(stage=code_of(name), labels=Labels(id=name[:200], en=name[:200]))
        kind, data = self._data(activity, row)
        try:
            return msgspec.convert(data, kind, strict=False)
        except msgspec.ValidationError as error:
            raise Unreadable(f"as {kind.__name__}: {error}") from None

    def _data(self, activity: Activity, row: Mapping[str, str]) -> tuple[type[Fact], dict[str, Any]]:
        by = {"role": self._role(row), "office": self.file.office, "desk": self._desk(row)}
        if activity.stage:
            return StageRecorded, {"stage": activity.stage, "labels": msgspec.to_builtins(activity.labels), "by": by}
        kind = FACTS_BY_NAME[str(activity.event)]
        data = {"by": by} | {field: _resolve(value, row) for field, value in activity.data.items()}
        if kind is Submitted:
            channel = _value(self.file.channel, row) if self.file.channel else "internal"
            data = {"service": self.file.service, "office": self.file.office, "channel": channel} | data
        return kind, data

    def _role(self, row: Mapping[str, str]) -> str:
        spec = self.file.columns.role
        return (_value(spec, row) if spec else None) or self.file.role

    def _desk(self, row: Mapping[str, str]) -> str | None:
        spec = self.file.columns.desk
        value = _value(spec, row) if spec else None
        return code_of(value) if value else None


def load_mapping(path: Path) -> HistoryMapping:
    """Read and check a mapping. Raises `MappingError`."""
    try:
        file = msgspec.yaml.decode(path.read_bytes(), type=MappingFile)
        zone = ZoneInfo(file.time_zone)
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise MappingError(f"{path.name}: {error}") from None
    except (ZoneInfoNotFoundError, ValueError):
        raise MappingError(f"{path.name}: time_zone {file.time_zone!r} is not known, e.g. Asia/Jakarta is") from None
    for name, activity in file.activities.items():
        if fault := _fault(activity):
            raise MappingError(f"{path.name}: activities.{name}: {fault}")
    return HistoryMapping(file=file, folder=path.parent, zone=zone)


@lru_cache(maxsize=4096)
def code_of(text: str) -> str:
    """Words as a code: lower case ASCII, anything else an underscore, at most 64 characters."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    code = re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")
    return (code if code[:1].isalpha() else f"x_{code}")[:64].rstrip("_")


def _fault(activity: Activity) -> str | None:
    if (activity.event is None) == (activity.stage is None):
        return "give either `event` or `stage`"
    if activity.stage and not activity.labels:
        return "a stage needs `labels` in `id` and `en`"
    if activity.event and activity.event not in FACTS_BY_NAME:
        return f"no event type {activity.event!r}; there are {_listed(sorted(FACTS_BY_NAME))}"
    return None


def _resolve(value: Any, row: Mapping[str, str]) -> Any:
    match value:
        case {"column": _}:
            return _value(msgspec.convert(value, Column), row)
        case dict():
            return {key: _resolve(inner, row) for key, inner in value.items()}
        case list():
            return [_resolve(inner, row) for inner in value]
        case _:
            return value


def _value(spec: Column, row: Mapping[str, str]) -> str | None:
    raw = (row.get(spec.column) or "").strip()
    value: str | None = raw or None
    if spec.values is not None:
        value = spec.values.get(raw, raw if spec.default is msgspec.UNSET else spec.default)
        if raw not in spec.values and spec.default is msgspec.UNSET:
            raise Unreadable(f"column {spec.column!r} has a value that the mapping does not list")
    elif value is None and spec.default is not msgspec.UNSET:
        value = spec.default
    return code_of(value) if spec.code and value else value


def _columns_in(value: Any) -> set[str]:
    match value:
        case {"column": str(name)}:
            return {name}
        case dict():
            return set().union(*(_columns_in(inner) for inner in value.values())) if value else set()
        case list():
            return set().union(*map(_columns_in, value)) if value else set()
        case _:
            return set()


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:40])
