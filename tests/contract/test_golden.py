"""The golden events are kept for ever: whatever the contracts become, they are read and say the same."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from contracts.cloudevents import encode_admitted, parse_structured, read_fact
from contracts.envelope import decode_event, decode_fact, encode_event
from contracts.facts import FACTS
from contracts.generate import GENERATED, GOLDEN
from contracts.number import parse_number
from contracts.schemas import short_name

EVENTS = sorted(GOLDEN.glob("*/*.json"))


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", EVENTS, ids=named)
def test_a_golden_event_is_read_and_written_again_equivalently(path: Path) -> None:
    event = decode_event(path.read_bytes())
    fact = decode_fact(event)

    again = decode_event(
        encode_event(
            fact, id=event.id, source=event.source, subject=event.subject, time=event.time, salt=event.salt or "",
            traceparent=event.traceparent,
        )
    )  # fmt: skip

    assert isinstance(fact, FACTS[event.type])
    assert decode_fact(again) == fact
    assert (again.source, again.id, again.subject, again.time) == (event.source, event.id, event.subject, event.time)
    assert parse_number(event.subject) == event.subject


@pytest.mark.parametrize("path", EVENTS, ids=named)
def test_a_golden_event_fits_its_schema_before_and_after_admission(path: Path) -> None:
    schema = json.loads((GENERATED / "events" / f"{path.parent.name}.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    original = json.loads(path.read_bytes())

    event = parse_structured(path.read_bytes())
    admitted = json.loads(encode_admitted(event, fact=read_fact(event), subject=event.subject or "", salt="A" * 43))

    validator.validate(original)
    validator.validate(admitted)
    added_or_normalised = {"data", "salt", "datacontenttype", "time"}
    assert {name: admitted[name] for name in admitted.keys() - added_or_normalised} == {
        name: original[name] for name in original.keys() - added_or_normalised
    }


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/correction.json")), ids=named)
def test_a_golden_correction_sets_every_field_to_something_else_than_its_default(path: Path) -> None:
    fact = decode_fact(decode_event(path.read_bytes()))
    written = json.loads(path.read_bytes())["data"]

    assert written.keys() == set(fact.__struct_fields__)
    assert msgspec.to_builtins(fact).keys() == written.keys()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/full.json")), ids=named)
def test_a_full_golden_event_sets_every_field_but_that_of_a_correction(path: Path) -> None:
    fact = decode_fact(decode_event(path.read_bytes()))
    written = json.loads(path.read_bytes())["data"]

    assert written.keys() == set(fact.__struct_fields__) - {"corrects"}
    assert msgspec.to_builtins(fact).keys() == written.keys()


def test_every_event_type_has_a_minimal_a_full_and_a_correcting_golden_event() -> None:
    present = {named(path) for path in EVENTS}
    wanted = {f"{short_name(type_)}/{kind}" for type_ in FACTS for kind in ("minimal", "full", "correction")}
    assert wanted <= present
