"""Random events of every schema, released and of now: all are read, and written again they say the same."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.cloudevents import encode_admitted, parse_structured, read_fact
from contracts.compatibility import RELEASED
from contracts.envelope import decode_event, decode_fact, encode_event
from contracts.schemas import event_schemas

CURRENT = event_schemas()
RELEASES = {
    f"{path.parent.name}/{path.name.removesuffix('.schema.json')}": json.loads(path.read_bytes())
    for path in sorted(RELEASED.glob("*/*.schema.json"))
}
SCHEMAS = {f"now/{name}": schema for name, schema in CURRENT.items()} | {
    name: schema for name, schema in RELEASES.items() if schema != CURRENT[name.split("/")[1]]
}
WITHOUT_CLOCK = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
SALT = "A" * 43
NONCHARACTERS = "".join(map(chr, range(0xFDD0, 0xFDF0))) + "\ufffe\uffff"
EXTENSIONS = st.dictionaries(
    st.from_regex(r"x[a-z0-9]{0,19}", fullmatch=True),
    st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.just("") | st.sampled_from(["a", "ä", "😀"]),
    max_size=2,
)
FORMATS = {
    "date": st.dates().map(lambda day: day.isoformat()),
    "date-time": st.from_regex(
        r"(?:000[2-9]|[1-8]\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
        r"(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)".replace(r"\d", "[0-9]"),
        fullmatch=True,
    ),
    "uri-reference": st.from_regex(r"//[a-z][a-z0-9.-]{0,30}(?:/[a-z]{1,8}){0,3}", fullmatch=True),
    "uri": st.just("https://jejak.example/contracts/"),
}


def values(schema: dict[str, Any], defs: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that `schema` allows, for the keywords that ours use."""
    match schema:
        case {"$ref": reference}:
            return values(defs[reference.removeprefix("#/$defs/")], defs)
        case {"anyOf": branches}:
            return st.one_of(*(values(branch, defs) for branch in branches))
        case {"const": value}:
            return st.just(value)
        case {"enum": choices}:
            return st.sampled_from(choices)
        case {"type": "null"}:
            return st.none()
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "integer"}:
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case {"type": "array"}:
            return st.lists(values(schema["items"], defs), min_size=schema.get("minItems", 0), max_size=3)
        case {"type": "object", "properties": fields}:
            every = {name: values(part, defs) for name, part in fields.items()}
            required = {name: every.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=every)
        case {"type": "object"}:
            names = values({"type": "string", **schema["propertyNames"]}, defs)
            return st.dictionaries(names, values(schema["additionalProperties"], defs), max_size=3)
        case {"type": "string", "format": name}:
            return FORMATS[name]
        case {"type": "string"}:
            return texts(schema)
    raise AssertionError(f"teach the test to make {schema}")


def texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 80)
    if schema.get("pattern", "^[^").startswith("^[^"):
        plain = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=NONCHARACTERS)
        return st.text(plain, min_size=least, max_size=most)
    pattern = schema["pattern"].removesuffix("$") + r"\Z"
    return st.from_regex(pattern).filter(lambda text: least <= len(text) <= most)


@pytest.mark.parametrize("name", SCHEMAS)
def test_whatever_a_schema_allows_is_read_and_written_again_equivalently(name: str) -> None:
    schema = SCHEMAS[name]
    now = CURRENT[name.split("/")[1]]
    validator = jsonschema.Draft202012Validator(now)

    @WITHOUT_CLOCK
    @given(st.tuples(values(schema, schema["$defs"]), EXTENSIONS))
    def is_read(parts: tuple[dict[str, Any], dict[str, Any]]) -> None:
        written = {**parts[1], **parts[0]}
        validator.validate(written)
        raw = json.dumps(written).encode()

        event = decode_event(raw)
        fact = decode_fact(event)
        again = decode_event(
            encode_event(
                fact, id=event.id, source=event.source, subject=event.subject, time=event.time, salt=event.salt or SALT
            )
        )

        assert decode_fact(again) == fact
        assert (again.id, again.source, again.subject, again.time) == (
            event.id, event.source, event.subject, event.time
        )  # fmt: skip
        validator.validate(json.loads(encode_event(
            fact, id=event.id, source=event.source, subject=event.subject, time=event.time, salt=SALT
        )))  # fmt: skip

    is_read()


@pytest.mark.parametrize("name", CURRENT)
def test_admission_keeps_the_attributes_and_the_fact_of_whatever_a_schema_allows(name: str) -> None:
    schema = CURRENT[name]

    @WITHOUT_CLOCK
    @given(values(schema, schema["$defs"]), EXTENSIONS)
    def is_admitted(written: dict[str, Any], extensions: dict[str, Any]) -> None:
        written = {**extensions, **written, "salt": SALT}
        event = parse_structured(json.dumps(written).encode())
        fact = read_fact(event)

        admitted = encode_admitted(event, fact=fact, subject=written["subject"], salt="unused")

        rewritten = {"time", "data", "datacontenttype"}
        assert {key: value for key, value in json.loads(admitted).items() if key not in rewritten} == {
            key: value for key, value in written.items() if key not in rewritten
        }
        assert decode_fact(decode_event(admitted)) == fact
        assert decode_event(admitted).time == decode_event(json.dumps(written).encode()).time

    is_admitted()
