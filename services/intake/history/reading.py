"""Exports of older systems as rows: CSV and XES (IEEE 1849), also gzipped.

A damaged file (truncated gzip, XML that ends early, a wrong encoding) is an error as a whole: half a history would look
like a whole one. A line that is merely odd is for the mapping to refuse.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from services.intake.history.mapping import HistoryMapping, MappingError


class DamagedFile(ValueError):
    """The file cannot be read to its end; the message says how far it went and what to do."""


class Row(NamedTuple):
    """One event of the export: its line (of a CSV) or its number (of an XES), and its columns.

    `fault` says why the line has no columns that can be trusted.
    """

    line: int
    columns: dict[str, str]
    fault: str | None = None


def read_rows(path: Path, mapping: HistoryMapping) -> Generator[Row, None, None]:
    """The rows in the order of the file. Raises `MappingError` where the file lacks a column, and `DamagedFile`."""
    line = 0
    try:
        with _open(path) as file:
            rows = _read_xes(file, mapping) if ".xes" in path.suffixes else _read_csv(file, mapping)
            for row in rows:
                line = row.line
                yield row
    except FileNotFoundError:
        raise DamagedFile(f"{path}: there is no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedFile(
            f"{path.name} is truncated or damaged after line {line} ({error}): fetch it anew; nothing was imported"
        ) from None
    except UnicodeDecodeError as error:
        raise DamagedFile(
            f"{path.name} is not in {error.encoding} after line {line}: name its `encoding` in the mapping"
        ) from None
    except (ParseError, DefusedXmlException) as error:
        raise DamagedFile(f"{path.name} is no whole XES document after event {line}: {error}") from None
    except csv.Error as error:
        raise DamagedFile(f"{path.name} is no CSV after line {line}: {error}") from None
    except OSError as error:
        raise DamagedFile(f"{path}: {error.strerror or error}") from None


def _open(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _read_csv(file: BinaryIO, mapping: HistoryMapping) -> Iterator[Row]:
    with io.TextIOWrapper(file, encoding=mapping.file.encoding, newline="") as text:
        reader = csv.reader(text, delimiter=mapping.file.delimiter, strict=True)
        header = next(reader, None)
        if header is None:
            raise MappingError("the file is empty: its first line must name the columns")
        mapping.check_header(set(header))
        for fields in reader:
            if fields:
                fault = f"it has {len(fields)} columns, the first line has {len(header)}"
                columns = dict(zip(header, fields, strict=False))
                yield Row(reader.line_num, columns, fault if len(fields) != len(header) else None)


def _read_xes(file: BinaryIO, mapping: HistoryMapping) -> Iterator[Row]:
    """Attributes of the trace are columns `case:<key>`, those of the event are columns `<key>`, as process-mining tools name them."""
    trace: dict[str, str] = {}
    number = 0
    seen: set[str] = set()
    inside_event = False
    for moment, element in iterparse(file, events=("start", "end")):
        tag = element.tag.rpartition("}")[2]
        if moment == "start":
            trace = {} if tag == "trace" else trace
            inside_event = inside_event or tag == "event"
        elif tag == "event":
            number += 1
            inside_event = False
            columns = trace | _attributes(element)
            seen |= columns.keys()
            yield Row(number, columns, None if mapping.columns() <= seen else _lacking(mapping, columns))
            element.clear()
        elif not inside_event and tag in ("string", "date", "int", "float", "boolean", "id"):
            trace[f"case:{element.get('key')}"] = element.get("value") or ""
        elif tag == "trace":
            element.clear()
    if number and (missing := mapping.columns() - seen):
        raise MappingError(f"the mapping names {', '.join(map(repr, sorted(missing)))}, which no event of the file has")


def _attributes(event: Element) -> dict[str, str]:
    return {str(child.get("key")): child.get("value") or "" for child in event if child.get("key")}


def _lacking(mapping: HistoryMapping, columns: dict[str, str]) -> str | None:
    needed = mapping.file.columns
    missing = {needed.application, needed.activity, needed.time} - columns.keys()
    return f"it has no {', '.join(sorted(missing))}" if missing else None
