import importlib
import string
from typing import Any

import pytest

from services.intake.access import AccessDenied, TooManyAttempts
from services.intake.answering import language_of, problem_of
from services.intake.domain import RequirementsMissing, UnknownService
from services.intake.refusals import PROBLEMS, Refused, describe

ROOMS = (
    "access",
    "admission",
    "api",
    "applicant",
    "application",
    "catalogue_api",
    "desk_api",
    "documents",
    "domain",
    "events_api",
    "form",
    "held",
    "links",
    "media",
    "upload_api",
    "uploads",
)


def refusals(kind: type[Refused] = Refused) -> list[type[Refused]]:
    for room in (*ROOMS, "publishers"):
        importlib.import_module(f"services.intake.{room}")
    below = [one for sub in kind.__subclasses__() for one in refusals(sub)]
    return ([kind] if "slug" in vars(kind) else []) + below


@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_has_words_in_both_languages(kind: type[Refused]) -> None:
    assert kind.slug in PROBLEMS


@pytest.mark.parametrize("slug", PROBLEMS)
def test_both_languages_fill_in_the_same_placeholders(slug: str) -> None:
    def placeholders(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}

    problem = PROBLEMS[slug]
    assert placeholders(problem.id.detail) == placeholders(problem.en.detail)
    assert slug in {kind.slug for kind in refusals()}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "id"), ("", "id"), ("id", "id"), ("en", "en"), ("en-GB,en;q=0.9", "en"), ("id,en;q=0.9", "id"),
        ("en;q=0.1,id;q=0.2", "id"), ("fr,en;q=0.5", "en"), ("fr", "id"), ("*", "id"), ("en;q=0", "id"), ("garbage;;;", "id"),
    ],
)  # fmt: skip
def test_the_language_is_the_preferred_one_of_the_two(header: str | None, language: str) -> None:
    assert language_of(header) == language


@pytest.mark.parametrize(("language", "word"), [("id", "kurang"), ("en", "missing")])
def test_a_refusal_says_in_the_language_asked_for_what_is_wrong(language: Any, word: str) -> None:
    problem = problem_of(RequirementsMissing(missing=["identity_card"]), language)
    assert (problem.status, problem.slug) == (409, "requirements-missing")
    assert word in problem.detail
    assert "identity_card" in problem.detail
    assert problem.extensions == {"missing": ["identity_card"]}


def test_an_unknown_service_says_where_the_known_ones_are() -> None:
    assert "GET /services" in describe("unknown-service", UnknownService(service="x").parameters, "en").detail


def test_denied_access_asks_for_credentials_and_too_many_attempts_say_how_long_to_wait() -> None:
    assert problem_of(AccessDenied(), "id").headers["WWW-Authenticate"].startswith("Basic")
    assert problem_of(TooManyAttempts(retry_after_s=7), "id").headers["Retry-After"] == "7"
