"""The OpenAPI 3.1 document of an application: what Litestar generates, with our security and our errors.

Routes behind `auth.requires` are marked with the bearer scheme and their roles; every operation may answer with
problem details. There is no interactive page: those of the framework load from the network.
"""

from __future__ import annotations

import copy
from typing import Any

from litestar import Litestar, Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme
from litestar.routes import HTTPRoute

from runtime.problems import PROBLEM_JSON

BEARER = "bearer"
APPLICANT = "applicant"

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details. Some kinds have members of their own.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Kind of problem; never changes its meaning."},
        "title": {"type": "string", "description": "The kind in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What was wrong this time, and what to do."},
        "instance": {"type": "string", "format": "uri-reference", "description": "Path of the request."},
        "trace_id": {"type": "string", "description": "Where to look in the logs, for internal errors."},
        "errors": {
            "type": "array",
            "description": "For invalid requests: each place that is wrong.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the body (RFC 6901, as fragment)."},
                    "parameter": {"type": "string"},
                    "in": {"type": "string", "enum": ["path", "query", "header", "cookie"]},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_PROBLEM_RESPONSE = {
    "description": "Refused or failed: problem details (RFC 9457).",
    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_OPERATIONS = ("get", "put", "post", "delete", "patch")


class _DocumentPlugin(JsonRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return self.render_json(request, _with_problems(openapi_schema))


def openapi_config(title: str, version: str, description: str) -> OpenAPIConfig:
    """Configuration for `Litestar(openapi_config=…)`: the document at `/openapi.json` and nothing else."""
    schemes = {
        BEARER: SecurityScheme(
            type="http", scheme="bearer", bearer_format="JWT", description="Staff and systems; roles as listed."
        ),
        APPLICANT: SecurityScheme(
            type="http", scheme="basic", description="Applicants: tracking number and access code."
        ),
    }
    return OpenAPIConfig(
        title=title,
        version=version,
        description=description or None,
        license=License(name="EUPL-1.2", identifier="EUPL-1.2"),
        components=Components(security_schemes=schemes),  # type: ignore[arg-type]
        use_handler_docstrings=True,
        path="/openapi.json",
        render_plugins=[_DocumentPlugin(path="/")],
    )


def mark_security(app: Litestar) -> None:
    """Say in the document which roles a route's guards ask for. Before the document is first generated."""
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            roles = [role for guard in handler.resolve_guards() for role in getattr(guard, "roles", ())]
            guarded = any(hasattr(guard, "roles") for guard in handler.resolve_guards())
            if guarded and not handler.security:
                handler.security = [{BEARER: roles}]


def openapi_document(app: Litestar) -> dict[str, Any]:
    """The document as served, for the generated copy in the repository."""
    return _with_problems(app.openapi_schema.to_schema())


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    document = copy.deepcopy(document)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    components.setdefault("responses", {})["Problem"] = _PROBLEM_RESPONSE
    for path_item in document.get("paths", {}).values():
        for operation in (path_item[name] for name in _OPERATIONS if path_item.get(name)):
            responses = operation.setdefault("responses", {})
            for status in [status for status in responses if str(status).startswith(("4", "5"))]:
                if "application/json" in responses[status].get("content", {}):
                    del responses[status]  # the framework's own shape of an error, which we do not use
            responses["default"] = {"$ref": "#/components/responses/Problem"}
    return document
