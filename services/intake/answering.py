"""Refusals as problem details, in the language that the caller asked for."""

import re
from typing import Any, Final

from litestar import Request, Response

from runtime.auth import BASIC_CHALLENGE
from runtime.problems import Problem, render
from services.intake.refusals import PROBLEMS, Language, Refused, describe

_RETRY_AFTER: Final = {"document-storage-full": "60", "document-storage-unavailable": "5"}
_accepted: Final = re.compile(r"\s*([a-z*]{1,8})[a-z0-9-]*\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", re.IGNORECASE)


def language_of(accept_language: str | None) -> Language:
    """Indonesian or English, whichever the `Accept-Language` header prefers; Indonesian where it says nothing."""
    weights: dict[str, float] = {}
    for part in (accept_language or "")[:500].split(","):
        if match := _accepted.fullmatch(part):
            name, weight = match.group(1).lower(), float(match.group(2) or 1)
            weights[name] = max(weights.get(name, 0.0), weight)
    anything = weights.get("*", 0.0)
    return "en" if weights.get("en", anything) > weights.get("id", anything) else "id"


def problem_of(refused: Refused, language: Language) -> Problem:
    """The answer to a refusal; its parameters are members of the problem."""
    words = describe(refused.slug, refused.parameters, language)
    headers: dict[str, str] = {"Content-Language": language}
    status = PROBLEMS[refused.slug].status
    if refused.slug == "access-denied":
        headers["WWW-Authenticate"] = BASIC_CHALLENGE
    if refused.slug == "unsupported-tus-version":
        headers |= {"Tus-Resumable": "1.0.0", "Tus-Version": "1.0.0"}
    if retry_after := refused.parameters.get("retry_after_s", _RETRY_AFTER.get(refused.slug)):
        headers["Retry-After"] = str(retry_after)
    return Problem(refused.slug, status, words.title, words.detail, headers=headers, **refused.parameters)


def answer_refusal(request: Request[Any, Any, Any], refused: Refused) -> Response[bytes]:
    """Litestar exception handler for every refusal of intake."""
    return render(request, problem_of(refused, language_of(request.headers.get("accept-language"))))
