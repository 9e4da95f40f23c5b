"""A case as its page shows it: the checklist, and which document lies in the middle. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

State = Literal["requested", "missing", "supplied", "not_needed"]


class Check(Struct, frozen=True, kw_only=True):
    """A requirement and what is there for it. `documents`: ids, the latest last."""

    code: str
    labels: Mapping[str, str]
    help: Mapping[str, str] | None
    mandatory: bool
    state: State
    documents: list[str]
    reason: Mapping[str, str] | None
    """Why it was asked for."""


def checklist(case: Mapping[str, Any], choices: Mapping[str, Any]) -> list[Check]:
    """Every requirement of the service; what was supplied for something else comes at the end by its code."""
    requested = {one["requirement"]: one["reason"]["words"] for one in case["requested"]}
    there: dict[str, list[str]] = {}
    for document in case["documents"]:
        there.setdefault(document["requirement"], []).append(document["document"])
    known = {item["code"] for item in choices["requirements"]}
    others = [
        {"code": code, "labels": {"id": code, "en": code}, "mandatory": False, "help": None}
        for code in there
        if code not in known
    ]
    return [_check(item, there, requested, case["missing"]) for item in [*choices["requirements"], *others]]


def _check(
    item: Mapping[str, Any], there: Mapping[str, list[str]], requested: Mapping[str, Any], missing: list[str]
) -> Check:
    code = item["code"]
    state: State = "supplied" if code in there else "missing" if code in missing else "not_needed"
    return Check(
        code=code,
        labels=item["labels"],
        help=item["help"],
        mandatory=item["mandatory"],
        state="requested" if code in requested else state,
        documents=there.get(code, []),
        reason=requested.get(code),
    )


def shown_document(case: Mapping[str, Any], wanted: str) -> Mapping[str, Any] | None:
    """The document to be shown: the wanted one, else the first; None where there is none."""
    documents = case["documents"]
    found = next((one for one in documents if one["document"] == wanted), None)
    return found or (documents[0] if documents else None)


def officer_name(code: str) -> str:
    """A pseudonym for the eye: `o7f3k9qxd` is `7F3K-9QXD`."""
    plain = code.removeprefix("o").upper()
    return f"{plain[:4]}-{plain[4:]}" if len(plain) == 8 else plain
