"""Do the contracts of now still read every event that a released schema allows? `python -m contracts.compatibility`.

The event log is kept for ever, so a type may only widen: new optional fields, larger limits, more choices. This compares
schema with schema. Where it cannot prove that a change is a widening it says no, so a new keyword is never overlooked.
What is not a matter of reading is judged too: a field that is dropped, or a default that changes, alters what old events say.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contracts.schemas import Schema, event_schemas

RELEASED: Final = Path(__file__).parent / "released"

WIDENED_PATTERNS: Final[frozenset[tuple[str, str]]] = frozenset()
"""(released, now): changes of a pattern that were judged to be a widening. A test tries each with random examples."""

_LOWER: Final = {"minLength": 0, "minItems": 0, "minProperties": 0, "minimum": None, "exclusiveMinimum": None}
_UPPER: Final = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_WORDS_ONLY: Final = frozenset({"$schema", "$id", "$defs", "$ref", "title", "description", "examples"})
_JUDGED: Final = _WORDS_ONLY | {
    "type", "enum", "const", "anyOf", "pattern", "format", "default", "properties", "required", "items",
    "additionalProperties", "propertyNames", *_LOWER, *_UPPER,
}  # fmt: skip


def breaks(released: Schema, now: Schema, name: str = "") -> list[str]:
    """Every way in which `now` does not read what `released` allows, with its place; empty when it reads all of it."""
    return [
        f"{name}{': ' if name else ''}{message}" for message in _Comparison(released, now).breaks(released, now, "$")
    ]


def breaks_since(folder: Path, current: dict[str, Schema]) -> list[str]:
    """The breaks of `current` (by short type name) against every schema of every release under `folder`."""
    messages = []
    for path in sorted(folder.glob("*/*.schema.json")):
        name = f"release {path.parent.name}, {path.name.removesuffix('.schema.json')}"
        now = current.get(path.name.removesuffix(".schema.json"))
        if now is None:
            messages.append(f"{name}: the type is gone; events of it stay on the log for ever")
        else:
            messages += breaks(json.loads(path.read_bytes()), now, name)
    return messages


class _Comparison:
    """Two schema documents, side by side. Schemas of ours refer downwards only, so the walk ends."""

    def __init__(self, released: Schema, now: Schema) -> None:
        self._released_defs = released.get("$defs", {})
        self._now_defs = now.get("$defs", {})

    def breaks(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        old, new = _resolved(old, self._released_defs), _resolved(new, self._now_defs)
        for keyword in sorted(new.keys() - _JUDGED):
            yield f"{place}: the check does not know the keyword `{keyword}`; teach it first"
        if "anyOf" in old or "anyOf" in new:
            yield from self._branches(old, new, place)
            return
        yield from _values(old, new, place)
        yield from _limits(old, new, place)
        yield from self._fields(old, new, place)
        yield from self._parts(old, new, place)

    def _branches(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        """Every alternative that was allowed is read by one of the alternatives of now."""
        choices = new.get("anyOf", [_without_default(new)])
        for branch in old.get("anyOf", [_without_default(old)]):
            found = [list(self.breaks(branch, choice, place)) for choice in choices]
            if all(found):
                yield from min(found, key=len)

    def _fields(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in sorted(before.keys() - after.keys()):
            yield f"{place}.{name}: the field is gone (or renamed); events that have it would lose it"
        for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
            what = "the field was optional and is required now" if name in before else "a new field is required"
            yield f"{place}.{name}: {what}; events without it could not be read"
        for name in sorted(after):
            if name in before:
                yield from self.breaks(before[name], after[name], f"{place}.{name}")
                if name not in old.get("required", ()) and before[name].get("default") != after[name].get("default"):
                    yield f"{place}.{name}: the default changed, so events without this field would say something else"
            elif isinstance(others := old.get("additionalProperties"), dict):
                yield from self.breaks(others, after[name], f"{place}.{name}")

    def _parts(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        for keyword, suffix in (("items", "[]"), ("additionalProperties", ".*"), ("propertyNames", " (names)")):
            after = new.get(keyword, True)
            before = old.get(keyword, True)
            if after is True or before is False:
                continue
            if after is False or before is True:
                yield f"{place}{suffix}: `{keyword}` was narrowed"
            else:
                yield from self.breaks(before, after, place + suffix)


def _values(old: Schema, new: Schema, place: str) -> Iterator[str]:
    """Type, choices, pattern and format."""
    before, after = _choices(old), _choices(new)
    if after is not None and (before is None or not before <= after):
        gone = ", ".join(sorted(before - after)) if before else "anything else"
        yield f"{place}: the choices were narrowed; no longer allowed: {gone}"
    if before is not None and after is None and new.keys() - _WORDS_ONLY - {"type", "default"}:
        yield f"{place}: a list of choices became limits; keep the choices, or allow any value of the type"
    types, allowed = _types(old), _types(new)
    if allowed is not None and (types is None or not types <= allowed):
        yield f"{place}: the type changed from {_words(types)} to {_words(allowed)}"
    pattern = (old.get("pattern"), new.get("pattern"))
    if pattern[1] not in {None, pattern[0]} and pattern not in WIDENED_PATTERNS:
        yield f"{place}: the pattern changed from {pattern[0]} to {pattern[1]}; if that only widens it, see WIDENED_PATTERNS"
    if new.get("format") not in {None, old.get("format")}:
        yield f"{place}: the format changed from {old.get('format')} to {new['format']}"


def _limits(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for keyword, least in _LOWER.items():
        before, after = old.get(keyword, least), new.get(keyword, least)
        if after is not None and (before is None or after > before):
            yield f"{place}: the limit {keyword} went from {_limit(before)} to {after}; older events may not fit"
    for keyword in _UPPER:
        before, after = old.get(keyword), new.get(keyword)
        if after is not None and (before is None or after < before):
            yield f"{place}: the limit {keyword} went from {_limit(before)} to {after}; older events may not fit"


def _choices(schema: Schema) -> set[str] | None:
    """The values that `enum` or `const` allow, as JSON; None: any."""
    if "const" in schema:
        return {json.dumps(schema["const"])}
    return {json.dumps(value) for value in schema["enum"]} if "enum" in schema else None


def _types(schema: Schema) -> set[str] | None:
    """The JSON types that are allowed, also where only choices say so; None: any."""
    named = schema.get("type")
    if named is None:
        choices = _choices(schema)
        return None if choices is None else {_type_of(json.loads(choice)) for choice in choices}
    types = {named} if isinstance(named, str) else set(named)
    return types | {"integer"} if "number" in types else types


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _words(types: set[str] | None) -> str:
    return "any" if types is None else " or ".join(sorted(types))


def _limit(value: Any) -> str:
    return "none" if value is None else str(value)


def _resolved(schema: Schema, defs: Schema) -> Schema:
    """`schema` with its reference replaced by what it refers to; what stands beside the reference wins."""
    if "$ref" not in schema:
        return schema
    target: Schema = defs[schema["$ref"].removeprefix("#/$defs/")]
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


def _without_default(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "default"}


def main() -> int:
    """The command; returns its exit code: 1 when something breaks, each on a line of its own."""
    messages = breaks_since(RELEASED, event_schemas())
    for message in messages:
        sys.stderr.write(message + "\n")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
