"""Each kind of change to a type: the breaking ones are named, the widening ones pass."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.compatibility import RELEASED, WIDENED_PATTERNS, breaks, breaks_since
from contracts.generate import release
from contracts.schemas import event_schemas

Schema = dict[str, Any]
Change = Callable[[Schema, Schema], object]
"""Changes a copy of a schema in place; the second argument is its `$defs`."""


def changed(name: str, change: Change) -> list[str]:
    released = event_schemas()[name]
    now = copy.deepcopy(released)
    change(now, now["$defs"])
    return breaks(released, now)


def field(defs: Schema, struct: str, name: str) -> Schema:
    return defs[struct]["properties"][name]


def rename(defs: Schema, struct: str, old: str, new: str) -> None:
    defs[struct]["properties"] = {new if key == old else key: part for key, part in defs[struct]["properties"].items()}


BREAKING: dict[str, tuple[str, Change, str]] = {
    "a new required field": (
        "fee_paid.v1",
        lambda s, d: (
            d["FeePaid"]["properties"].update(bank={"type": "string"}),
            d["FeePaid"]["required"].append("bank"),
        ),
        r"\$\.data\.bank: a new field is required",
    ),
    "a required field that was optional": (
        "fee_paid.v1",
        lambda s, d: d["FeePaid"]["required"].append("receipt"),
        r"\$\.data\.receipt: the field was optional and is required now",
    ),
    "a required attribute that was optional": (
        "fee_paid.v1",
        lambda s, d: s["required"].append("salt"),
        r"\$\.salt: the field was optional and is required now",
    ),
    "a removed field": (
        "fee_paid.v1",
        lambda s, d: d["FeePaid"]["properties"].pop("receipt"),
        r"\$\.data\.receipt: the field is gone",
    ),
    "a renamed field": (
        "fee_paid.v1",
        lambda s, d: rename(d, "FeePaid", "receipt", "ntpn"),
        r"\$\.data\.receipt: the field is gone \(or renamed\)",
    ),
    "a removed field deep inside": (
        "documents_requested.v1",
        lambda s, d: d["Reason"]["properties"].pop("parameters"),
        r"\$\.data\.documents\[\]\.reason\.parameters: the field is gone",
    ),
    "another type": (
        "fee_paid.v1",
        lambda s, d: field(d, "FeePaid", "amount").update(type="string"),
        r"\$\.data\.amount: the type changed from integer to string",
    ),
    "null no longer allowed": (
        "fee_paid.v1",
        lambda s, d: field(d, "FeePaid", "receipt")["anyOf"].pop(),
        r"\$\.data\.receipt",
    ),
    "a choice no longer allowed": (
        "fee_paid.v1",
        lambda s, d: field(d, "Actor", "role")["enum"].remove("treasury"),
        r"\$\.data\.by\.role: the choices were narrowed; no longer allowed: \"treasury\"",
    ),
    "choices where any text was allowed": (
        "fee_paid.v1",
        lambda s, d: field(d, "FeePaid", "currency").update(enum=["IDR"]),
        r"\$\.data\.currency: the choices were narrowed",
    ),
    "a pattern where choices were": (
        "fee_paid.v1",
        lambda s, d: d["Actor"]["properties"].update(role={"type": "string", "pattern": "^a"}),
        r"\$\.data\.by\.role: a list of choices became limits",
    ),
    "another event type": (
        "fee_paid.v1",
        lambda s, d: s["properties"]["type"].update(const="id.jejak.application.paid.v1"),
        r"\$\.type: the choices were narrowed",
    ),
    "another pattern": (
        "fee_paid.v1",
        lambda s, d: field(d, "FeePaid", "billing_code").update(pattern="^[0-9]{16}$"),
        r"\$\.data\.billing_code: the pattern changed",
    ),
    "a new pattern": (
        "fee_paid.v1",
        lambda s, d: field(d, "FeePaid", "amount").update(pattern="^1"),
        r"\$\.data\.amount: the pattern changed from None",
    ),
    "another format": (
        "issued.v1",
        lambda s, d: field(d, "Issued", "valid_until")["anyOf"][0].update(format="date-time"),
        r"\$\.data\.valid_until: the format changed from date to date-time",
    ),
    "a smaller maximum": (
        "fee_paid.v1",
        lambda s, d: field(d, "FeePaid", "amount").update(maximum=1000),
        r"\$\.data\.amount: the limit maximum went from 1000000000000 to 1000",
    ),
    "a larger minimum": (
        "fee_paid.v1",
        lambda s, d: field(d, "FeePaid", "amount").update(minimum=1),
        r"\$\.data\.amount: the limit minimum went from 0 to 1",
    ),
    "a new exclusive minimum": (
        "fee_paid.v1",
        lambda s, d: field(d, "FeePaid", "amount").update(exclusiveMinimum=0),
        r"\$\.data\.amount: the limit exclusiveMinimum went from none to 0",
    ),
    "shorter texts": (
        "stage_recorded.v1",
        lambda s, d: field(d, "Labels", "id").update(maxLength=100),
        r"\$\.data\.labels\.id: the limit maxLength went from 200 to 100",
    ),
    "longer texts only": (
        "stage_recorded.v1",
        lambda s, d: field(d, "Labels", "id").update(minLength=2),
        r"\$\.data\.labels\.id: the limit minLength went from 1 to 2",
    ),
    "shorter lists": (
        "submitted.v1",
        lambda s, d: field(d, "Submitted", "documents").update(maxItems=20),
        r"\$\.data\.documents: the limit maxItems went from 50 to 20",
    ),
    "lists that may not be empty": (
        "submitted.v1",
        lambda s, d: field(d, "Submitted", "documents").update(minItems=1),
        r"\$\.data\.documents: the limit minItems went from 0 to 1",
    ),
    "fewer entries": (
        "paused.v1",
        lambda s, d: field(d, "Reason", "parameters").update(maxProperties=5),
        r"\$\.data\.reason\.parameters: the limit maxProperties went from 10 to 5",
    ),
    "narrower names of entries": (
        "paused.v1",
        lambda s, d: field(d, "Reason", "parameters")["propertyNames"].update(pattern="^[a-z]$"),
        r"\$\.data\.reason\.parameters \(names\): the pattern changed",
    ),
    "narrower values of entries": (
        "paused.v1",
        lambda s, d: field(d, "Reason", "parameters")["additionalProperties"].update(maxLength=10),
        r"\$\.data\.reason\.parameters\.\*: the limit maxLength went from 100 to 10",
    ),
    "unknown fields refused": (
        "fee_paid.v1",
        lambda s, d: d["FeePaid"].update(additionalProperties=False),
        r"\$\.data\.\*: `additionalProperties` was narrowed",
    ),
    "extension attributes refused": (
        "fee_paid.v1",
        lambda s, d: s.update(additionalProperties=False),
        r"\$\.\*: `additionalProperties` was narrowed",
    ),
    "an attribute narrower than the extension attributes of before": (
        "fee_paid.v1",
        lambda s, d: s["properties"].update(priority={"type": "integer"}),
        r"\$\.priority: the type changed",
    ),
    "another default": (
        "fee_paid.v1",
        lambda s, d: field(d, "FeePaid", "currency").update(default="USD"),
        r"\$\.data\.currency: the default changed",
    ),
    "a keyword that the check does not know": (
        "submitted.v1",
        lambda s, d: field(d, "Submitted", "documents").update(uniqueItems=True),
        r"\$\.data\.documents: the check does not know the keyword `uniqueItems`",
    ),
}

COMPATIBLE: dict[str, tuple[str, Change]] = {
    "nothing": ("fee_paid.v1", lambda s, d: None),
    "a new optional field": (
        "fee_paid.v1",
        lambda s, d: d["FeePaid"]["properties"].update(bank={"type": "string", "default": "unknown"}),
    ),
    "a required field that became optional": (
        "fee_assessed.v1",
        lambda s, d: (
            d["FeeAssessed"]["required"].remove("amount"),
            field(d, "FeeAssessed", "amount").update(default=0),
        ),
    ),
    "null allowed as well": (
        "fee_paid.v1",
        lambda s, d: d["FeePaid"]["properties"].update(
            amount={"anyOf": [field(d, "FeePaid", "amount"), {"type": "null"}]}
        ),
    ),
    "any number instead of integers": ("fee_paid.v1", lambda s, d: field(d, "FeePaid", "amount").update(type="number")),
    "one more choice": ("fee_paid.v1", lambda s, d: field(d, "Actor", "role")["enum"].append("bank")),
    "any text instead of choices": (
        "fee_paid.v1",
        lambda s, d: d["Actor"]["properties"].update(role={"type": "string"}),
    ),
    "no pattern any more": ("fee_paid.v1", lambda s, d: field(d, "FeePaid", "billing_code").pop("pattern")),
    "no format any more": ("issued.v1", lambda s, d: field(d, "Issued", "valid_until")["anyOf"][0].pop("format")),
    "a larger maximum": ("fee_paid.v1", lambda s, d: field(d, "FeePaid", "amount").update(maximum=10**15)),
    "no maximum any more": ("fee_paid.v1", lambda s, d: field(d, "FeePaid", "amount").pop("maximum")),
    "a smaller minimum": ("fee_paid.v1", lambda s, d: field(d, "FeePaid", "amount").update(minimum=-(10**12))),
    "longer texts": ("stage_recorded.v1", lambda s, d: field(d, "Labels", "id").update(maxLength=400)),
    "longer lists": ("submitted.v1", lambda s, d: field(d, "Submitted", "documents").update(maxItems=100)),
    "empty lists": ("documents_requested.v1", lambda s, d: field(d, "DocumentsRequested", "documents").pop("minItems")),
    "more entries": ("paused.v1", lambda s, d: field(d, "Reason", "parameters").update(maxProperties=20)),
    "other words": ("paused.v1", lambda s, d: s.update(description="Other words.", title="Other")),
    "a struct under another name": (
        "resumed.v1",
        lambda s, d: (
            d.update(Party=d.pop("Actor")),
            field(d, "Resumed", "by").update({"$ref": "#/$defs/Party"}),
        ),
    ),
    "an attribute that allows what extension attributes did": (
        "fee_paid.v1",
        lambda s, d: s["properties"].update(priority={"type": ["string", "boolean", "integer"]}),
    ),
}


@pytest.mark.parametrize("kind", BREAKING)
def test_a_breaking_change_is_named_with_its_place(kind: str) -> None:
    name, change, message = BREAKING[kind]
    found = changed(name, change)
    assert any(re.match(message, line) for line in found), found


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_a_widening_change_is_accepted(kind: str) -> None:
    assert changed(*COMPATIBLE[kind]) == []


def test_the_contracts_of_now_read_every_released_event() -> None:
    assert breaks_since(RELEASED, event_schemas()) == []


def test_there_is_a_release_and_every_type_in_it_is_still_here() -> None:
    released = {path.name.removesuffix(".schema.json") for path in RELEASED.glob("*/*.schema.json")}
    assert released
    assert released <= event_schemas().keys()


def test_a_type_that_is_gone_is_named_and_a_new_type_is_welcome(tmp_path: Path) -> None:
    release("1", tmp_path)
    now = event_schemas()
    now["appealed.v1"] = now.pop("collected.v1")

    assert breaks_since(tmp_path, now) == [
        "release 1, collected.v1: the type is gone; events of it stay on the log for ever"
    ]


def test_every_release_is_compared_not_only_the_last(tmp_path: Path) -> None:
    release("1", tmp_path)
    release("2", tmp_path)
    now = event_schemas()
    now["fee_paid.v1"]["$defs"]["FeePaid"]["properties"].pop("receipt")

    assert [line.split(":")[0] for line in breaks_since(tmp_path, now)] == [
        "release 1, fee_paid.v1",
        "release 2, fee_paid.v1",
    ]


@pytest.mark.parametrize(("released", "now"), sorted(WIDENED_PATTERNS) or [("^a$", "^[ab]$")])
def test_a_pattern_that_was_judged_wider_matches_what_the_released_one_did(released: str, now: str) -> None:
    @settings(deadline=None)
    @given(st.from_regex(released.removesuffix("$") + r"\Z"))
    def matches(text: str) -> None:
        assert re.search(now, text)

    matches()


def test_a_pattern_counts_as_wider_only_when_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def widen(schema: Schema, defs: Schema) -> None:
        field(defs, "FeePaid", "billing_code").update(pattern="^[0-9]{15,18}$")

    assert changed("fee_paid.v1", widen)
    monkeypatch.setattr("contracts.compatibility.WIDENED_PATTERNS", frozenset({("^[0-9]{15}$", "^[0-9]{15,18}$")}))
    assert changed("fee_paid.v1", widen) == []
