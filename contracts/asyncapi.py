"""The AsyncAPI 3.0 document of the event log and of the ingress topics, derived from the structs.

Payloads are inline, in AsyncAPI's own schema format (a superset of JSON Schema draft 7, which has no siblings of `$ref`),
so that every AsyncAPI tool reads them; the standalone JSON Schema 2020-12 files say the same.
"""

import json
from pathlib import Path
from typing import Any, Final

from contracts.envelope import CONTENT_TYPE, EVENT_LOG_TOPIC, PARTITIONS
from contracts.ingress import REFUSAL_DETAIL_HEADER, REFUSAL_HEADER, REFUSED_POSITION_HEADER, SYSTEM_PATTERN
from contracts.schemas import NUMBER_PATTERN, Schema, event_schemas

_KAFKA_BINDING: Final = "0.5.0"
_LOG_CHANNEL: Final = "applications"
_KEY: Final = {
    "type": "string",
    "pattern": NUMBER_PATTERN,
    "description": "The application's tracking number, UTF-8: the `subject` of the event.",
}


def asyncapi(examples: dict[str, Any]) -> dict[str, Any]:
    """The document; `examples` has one event for each type, by its short name (`submitted.v1`)."""
    schemas = event_schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Jejak events",
            "version": "1.0.0",
            "description": (
                "The facts of applications to a government office, as CloudEvents 1.0. Events hold no personal data. "
                "A new version of a type reads every earlier event; unknown fields and attributes are ignored."
            ),
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": _channels(list(schemas)),
        "operations": _operations(),
        "components": {
            "messages": {name: _message(name, schema, examples[name]) for name, schema in schemas.items()}
            | {"refused": _refused_message()},
            "schemas": _components(schemas),
        },
    }


def _channels(names: list[str]) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    system = {"system": {"description": f"The publishing system's name, `{SYSTEM_PATTERN}`.", "examples": ["treasury"]}}
    return {
        _LOG_CHANNEL: {
            "address": EVENT_LOG_TOPIC,
            "title": "Event log",
            "description": (
                "All events of all applications. The key is the application's tracking number, so that the order of "
                "its partition is the order of its timeline. Kept for ever, never compacted; timestamps are those of "
                "the broker (when it was recorded)."
            ),
            "messages": messages,
            "bindings": {
                "kafka": {
                    "topic": EVENT_LOG_TOPIC,
                    "partitions": PARTITIONS,
                    "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1, "retention.bytes": -1},
                    "bindingVersion": _KAFKA_BINDING,
                }
            },
        },
        "ingress": {
            "address": "ingress.{system}.v1",
            "title": "What another system publishes",
            "description": (
                "One topic for each publishing system; only that system may write to it. Structured mode, or binary "
                "mode with `ce_` headers. Intake admits what is well-formed and authorised to the event log."
            ),
            "parameters": system,
            "messages": messages,
        },
        "refused": {
            "address": "ingress.{system}.refused.v1",
            "title": "What was not admitted",
            "description": "Each refused record as it came, with the reason in its headers. Only that system may read it.",
            "parameters": system,
            "messages": {"refused": {"$ref": "#/components/messages/refused"}},
        },
    }


def _operations() -> dict[str, Any]:
    def operation(action: str, channel: str, summary: str) -> dict[str, Any]:
        return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}

    return {
        "record": operation(
            "send", _LOG_CHANNEL, "Intake, processing, status and notify publish facts to the event log."
        ),
        "follow": operation("receive", _LOG_CHANNEL, "Every service, and whoever may read it, follows the event log."),
        "admit": operation("receive", "ingress", "Intake reads what another system publishes."),
        "refuse": operation("send", "refused", "Intake returns what it does not admit."),
    }


def _message(name: str, schema: Schema, example: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "summary": schema["description"],
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "properties": {
                "content-type": {
                    "type": "string",
                    "description": f"`{CONTENT_TYPE}`; where it is missing, the value is read as structured mode.",
                }
            },
        },
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": {"key": _KEY, "bindingVersion": _KAFKA_BINDING}},
        "examples": [{"name": "full", "payload": example}],
    }


def _refused_message() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "name": "refused",
        "title": "A refused record",
        "summary": "Key, value and headers as they came, and why they were refused.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "properties": {
                REFUSAL_HEADER: {"description": "Why: the `type` URI of problem details.", **text},
                REFUSAL_DETAIL_HEADER: {"description": "Why and where, in words.", **text},
                REFUSED_POSITION_HEADER: {"description": "`<topic>/<partition>/<offset>` of the record.", **text},
            },
            "required": [REFUSAL_HEADER, REFUSAL_DETAIL_HEADER, REFUSED_POSITION_HEADER],
        },
        "payload": {"description": "The bytes as they came."},
        "bindings": {"kafka": {"key": {"description": "As it came."}, "bindingVersion": _KAFKA_BINDING}},
    }


def _components(schemas: dict[str, Schema]) -> dict[str, Schema]:
    shared: dict[str, Schema] = {}
    for name, schema in schemas.items():
        shared |= schema["$defs"]
        shared[name] = {key: value for key, value in schema.items() if not key.startswith("$")}
    return {name: _draft_7(shared[name]) for name in sorted(shared)}


def _draft_7(node: Any) -> Any:
    """`node` with references into the components, and no siblings beside a `$ref`."""
    if isinstance(node, list):
        return [_draft_7(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _draft_7(value) for key, value in node.items()}
    reference = {"$ref": node["$ref"].replace("#/$defs/", "#/components/schemas/")}
    siblings = {key: value for key, value in node.items() if key != "$ref"}
    return {**siblings, "allOf": [reference]} if siblings else reference


def golden_examples(folder: Path) -> dict[str, Any]:
    """The full golden event of each type under `folder`, by the type's short name."""
    return {path.parent.name: json.loads(path.read_bytes()) for path in sorted(folder.glob("*/full.json"))}
