"""JSON Schema (2020-12) of every event type and of the catalogue's files, derived from the structs.

Each schema stands alone (no reference leaves the document), so that a publisher needs one file.
"""

from typing import Any, Final, cast

import msgspec

from contracts.catalogue import Office, Service
from contracts.envelope import MAX_ATTRIBUTE_LENGTH
from contracts.facts import END, FACTS, PLAIN_TEXT, Fact

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
BASE_URI: Final = "https://jejak.example/contracts/"
TYPE_PREFIX: Final = "id.jejak.application."

Schema = dict[str, Any]

PLAIN_TEXT_PATTERN: Final = PLAIN_TEXT.replace(END, "$")
_SYMBOL: Final = "[0-9A-HJKMNP-TV-Z]"
NUMBER_PATTERN: Final = rf"^[A-Z]{{3}}(?:-{_SYMBOL}{{4}}){{4}}-[0-9A-HJKMNP-Z*~$=]$"


def short_name(type_: str) -> str:
    """`submitted.v1` of `id.jejak.application.submitted.v1`."""
    return type_.removeprefix(TYPE_PREFIX)


def event_schemas() -> dict[str, Schema]:
    """The schema of each event type as a full CloudEvent in structured mode, by the type's short name."""
    return {short_name(type_): event_schema(fact) for type_, fact in FACTS.items()}


def event_schema(fact: type[Fact]) -> Schema:
    """The schema of one event type; `$defs` holds its data and what that refers to."""
    (data,), defs = msgspec.json.schema_components([fact])
    name = short_name(fact.TYPE)
    return _portable(
        {
            "$schema": DIALECT,
            "$id": f"{BASE_URI}events/{name}.schema.json",
            "title": name,
            "description": fact.__doc__,
            "type": "object",
            "properties": envelope_properties(fact.TYPE)
            | {"data": {"description": "What happened. Fields that are not listed are ignored.", **data}},
            "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
            "propertyNames": {"pattern": "^(?:[a-z0-9]{1,64})$"},
            "additionalProperties": {
                "description": "An extension attribute.",
                "type": ["string", "boolean", "integer"],
            },
            "$defs": dict(sorted(defs.items())),
        }
    )


def catalogue_schemas() -> dict[str, Schema]:
    """The schemas of the catalogue's files, by name: `service`, `office`."""
    return {"service": _file_schema(Service), "office": _file_schema(Office)}


def envelope_properties(type_: str) -> dict[str, Schema]:
    """The CloudEvents attributes of an event of `type_`."""
    text = {"type": "string", "minLength": 1, "maxLength": MAX_ATTRIBUTE_LENGTH, "pattern": PLAIN_TEXT_PATTERN}
    return {
        "specversion": {"description": "Version of CloudEvents.", "const": "1.0"},
        "id": {"description": "Unique within the source; a repeated event has the same.", **text},
        "source": {"description": "The system that says so, e.g. `//treasury.example`.", "format": "uri-reference"}
        | text,
        "type": {"description": "The event type, with its version.", "const": type_},
        "subject": {
            "description": "The application: its tracking number. Admission finds it by billing code where `fee_paid` has none.",
            "type": "string",
            "pattern": NUMBER_PATTERN,
        },
        "time": {"description": "When it happened, RFC 3339, in UTC.", "type": "string", "format": "date-time"},
        "datacontenttype": {"description": "Media type of the data: JSON.", "const": "application/json"},
        "dataschema": {"description": "Where the schema of the data is.", "format": "uri"} | text,
        "traceparent": {"description": "W3C trace context.", **text},
        "tracestate": {
            "description": "W3C trace context.",
            "type": "string",
            "minLength": 1,
            "maxLength": 512,
            "pattern": PLAIN_TEXT_PATTERN,
        },
        "salt": {
            "description": "32 random bytes, base64url without padding; admission sets it where it is missing.",
            "type": "string",
            "pattern": "^[A-Za-z0-9_-]{43}$",
        },
    }


def _file_schema(kind: type[msgspec.Struct]) -> Schema:
    name = kind.__name__.lower()
    (reference,), defs = msgspec.json.schema_components([kind])
    return _portable(
        {"$schema": DIALECT, "$id": f"{BASE_URI}catalogue/{name}.schema.json", **reference}
        | {"$defs": dict(sorted(defs.items()))}
    )


def _portable(schema: Schema) -> Schema:
    """`schema` with patterns as JSON Schema reads them: its `$` is the very end already."""
    return cast(Schema, _with_plain_patterns(schema))


def _with_plain_patterns(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: value.replace(END, "$") if key == "pattern" and isinstance(value, str) else _with_plain_patterns(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_with_plain_patterns(item) for item in node]
    return node
