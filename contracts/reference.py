"""The reference page of the events, in HTML and Markdown, from the same model: every type, field by field."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2

from contracts.envelope import EVENT_LOG_TOPIC, PARTITIONS
from contracts.schemas import PLAIN_TEXT_PATTERN, Schema, envelope_properties, event_schemas

_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a table. `links` are the structures that its type mentions."""

    name: str
    type: str
    links: tuple[str, ...]
    required: bool
    default: str
    description: str


@dataclass(frozen=True, slots=True)
class Structure:
    """A struct: an event's data, or a part that several share."""

    name: str
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type with an example in structured mode."""

    name: str
    type: str
    data: Structure
    example: str


def render(template: str, examples: dict[str, Any]) -> str:
    """The page made by `template` (`reference.html.jinja` or `reference.md.jinja`); one example event for each type."""
    schemas = event_schemas()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(
        events=[_event_type(name, schema, examples[name]) for name, schema in schemas.items()],
        envelope=_envelope(),
        shared=_shared(schemas),
        topic=EVENT_LOG_TOPIC,
        partitions=PARTITIONS,
    )


def _event_type(name: str, schema: Schema, example: Any) -> EventType:
    data = schema["properties"]["data"]["$ref"].removeprefix("#/$defs/")
    return EventType(
        name=name,
        type=schema["properties"]["type"]["const"],
        data=_structure(data, schema["$defs"][data]),
        example=json.dumps(example, indent=2, ensure_ascii=False),
    )


def _envelope() -> Structure:
    required = ["specversion", "id", "source", "type", "subject", "time"]
    properties = envelope_properties("") | {"type": {"type": "string", "description": "The event type, below."}}
    description = "The attributes of every event (CloudEvents 1.0). Others are extension attributes and are kept."
    return _structure("Envelope", {"description": description, "properties": properties, "required": required})


def _shared(schemas: dict[str, Schema]) -> list[Structure]:
    data = {schema["properties"]["data"]["$ref"].removeprefix("#/$defs/") for schema in schemas.values()}
    defs = {name: part for schema in schemas.values() for name, part in schema["$defs"].items()}
    return [_structure(name, defs[name]) for name in sorted(defs.keys() - data)]


def _structure(name: str, schema: Schema) -> Structure:
    required = set(schema.get("required", ()))
    fields = tuple(_field(field, part, field in required) for field, part in schema["properties"].items())
    return Structure(name, schema["description"], fields)


def _field(name: str, schema: Schema, required: bool) -> Field:
    default = schema.get("default")
    return Field(
        name=name,
        type=_type_words(schema),
        links=tuple(sorted(set(_references(schema)))),
        required=required,
        default="" if default is None else json.dumps(default),
        description=schema.get("description", ""),
    )


def _type_words(schema: Schema) -> str:
    """What a value must be, in words: `text, at most 200 characters`, `list of FeeLine, at most 20`."""
    match schema:
        case {"$ref": reference}:
            return str(reference).removeprefix("#/$defs/")
        case {"anyOf": branches}:
            return " or ".join(_type_words(branch) for branch in branches if branch != {"type": "null"})
        case {"const": value}:
            return f"always {value}"
        case {"enum": values}:
            return "one of " + ", ".join(map(str, values))
        case {"type": "array", "items": items}:
            return f"list of {_type_words(items)}" + _limits(schema, "minItems", "maxItems", "entries")
    return _plain_words(schema)


def _plain_words(schema: Schema) -> str:
    match schema:
        case {"type": "object"}:
            return "texts by code" + _limits(schema, "minProperties", "maxProperties", "entries")
        case {"type": "string", "format": words} if words in _FORMATS:
            return _FORMATS[words]
        case {"type": "string"}:
            return "text" + _limits(schema, "minLength", "maxLength", "characters") + _pattern_words(schema)
        case {"type": "integer"}:
            return "whole number" + _limits(schema, "minimum", "maximum", "")
        case {"type": "boolean"}:
            return "true or false"
    raise ValueError(f"the reference page has no words for {schema}")


def _pattern_words(schema: Schema) -> str:
    if "pattern" not in schema:
        return ""
    pattern = schema["pattern"]
    return ", without control characters" if pattern == PLAIN_TEXT_PATTERN else f", matching {pattern}"


_FORMATS: Final = {"date-time": "instant (RFC 3339, UTC)", "date": "date (RFC 3339)"}


def _limits(schema: Schema, least: str, most: str, unit: str) -> str:
    words = [f"at least {schema[least]}"] if schema.get(least) else []
    words += [f"at most {schema[most]}"] if most in schema else []
    return ", " + f"{' and '.join(words)} {unit}".strip() if words else ""


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else []
        return own + [name for value in node.values() for name in _references(value)]
    if isinstance(node, list):
        return [name for item in node for name in _references(item)]
    return []
