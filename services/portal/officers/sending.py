"""From a filled form to the command that is sent, with what is wrong in it by field. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.portal.forms import Form, FormErrors
from services.portal.language import N_
from services.portal.officers.steps import Field, Step

PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_.-]*)\}")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_NO_REASON: Final = N_("Pilih alasannya.")


class Sending(Struct):
    """What will be sent; `errors` by field, in the order of the page (Indonesian source)."""

    body: dict[str, Any]
    errors: FormErrors


class _Given(Struct, frozen=True):
    form: Form
    choices: Mapping[str, Any]
    case: Mapping[str, Any]
    step: Step
    zone: ZoneInfo


def sending(step: Step, form: Form, case: Mapping[str, Any], choices: Mapping[str, Any], zone: ZoneInfo) -> Sending:
    """The body of the command that `form` of `step` stands for."""
    made = Sending({"outcome": step.outcome} if step.outcome else {}, {})
    given = _Given(form, choices, case, step, zone)
    for field in step.fields:
        _READERS[field](given, made)
    return made


def placeholders(reasons: list[Mapping[str, Any]]) -> list[str]:
    """The parameters that these reasons' words want, in order."""
    return list(dict.fromkeys(name for one in reasons for name in PLACEHOLDER.findall(one["words"]["id"])))


def _reason(given: _Given, code: str, prefix: str, made: Sending) -> dict[str, Any]:
    """The reason with the parameters that its words want, from fields `<prefix>-<parameter>`."""
    one = next((one for one in given.choices["reasons"][given.step.reasons] if one["code"] == code), None)
    wanted = placeholders([one]) if one else []
    parameters = {name: given.form.get(f"{prefix}-{name}") for name in wanted}
    for name, value in parameters.items():
        if not value:
            made.errors[f"{prefix}-{name}"] = N_("Alasan ini menyebutkan tanggal atau nilai: isilah.")
    return {"code": code, **({"parameters": parameters} if parameters else {})}


def _documents(given: _Given, made: Sending) -> None:
    asked = []
    for item in given.choices["requirements"]:
        code = item["code"]
        if code not in given.form.all("documents"):
            continue
        reason = given.form.get(f"reason-{code}")
        if not reason:
            made.errors[f"reason-{code}"] = _NO_REASON
        asked.append({"requirement": code, "reason": _reason(given, reason, f"reason-{code}", made)})
    if not asked:
        made.errors["documents"] = N_("Pilih sedikitnya satu dokumen yang diminta.")
    made.body["documents"] = asked


def _answer_by(given: _Given, made: Sending) -> None:
    if day := _day(given, "answer_by", made):
        end = datetime.combine(day, time(23, 59, 59), given.zone)
        made.body["answer_by"] = end.isoformat()


def _fees(given: _Given, made: Sending) -> None:
    chosen = [given.form.get(name) for name in fee_groups(given.choices["fees"]) if given.form.get(name)]
    missing = [
        name
        for name, fees in fee_groups(given.choices["fees"]).items()
        if fees[0]["charged"] == "always" and not given.form.get(name)
    ]
    for name in missing:
        made.errors[name] = N_("Pilih satu biaya.")
    made.body["fees"] = [*chosen, *given.form.all("fees")]


def fee_groups(fees: list[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The fees of which one is chosen, by the name of the field."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for fee in fees:
        if fee["group"]:
            groups.setdefault(f"group-{fee['group']}", []).append(fee)
    return groups


def _appointment(given: _Given, made: Sending) -> None:
    made.body["examination"] = given.form.get("examination")
    if not made.body["examination"]:
        made.errors["examination"] = N_("Pilih untuk apa pemohon diundang.")
    day = _day(given, "day", made)
    try:
        at = time.fromisoformat(given.form.get("time"))
    except ValueError:
        made.errors["time"] = N_("Isi jam, misalnya 09:30.")
        return
    if day is None:
        made.errors.setdefault("day", N_("Isi tanggal kedatangan."))
        return
    made.body["at"] = datetime.combine(day, at.replace(tzinfo=None), given.zone).isoformat()


def _examinations(given: _Given, made: Sending) -> None:
    made.body["examinations"] = given.form.all("examinations")
    if not made.body["examinations"]:
        made.errors["examinations"] = N_("Pilih sedikitnya satu.")


def _reasons(given: _Given, made: Sending) -> None:
    codes = given.form.all("reasons")
    if not codes and given.step.outcome == "refused":
        made.errors["reasons"] = N_("Penolakan memerlukan alasan.")
    made.body["reasons"] = [_reason(given, code, f"reasons-{code}", made) for code in codes]


def _one_reason(given: _Given, made: Sending) -> None:
    code = given.form.get("reason")
    if not code:
        made.errors["reason"] = _NO_REASON
    made.body["reason"] = _reason(given, code, "reason", made)


def _validity(given: _Given, made: Sending) -> None:
    if day := _day(given, "valid_until", made):
        made.body["valid_until"] = day.isoformat()


def _receiver(given: _Given, made: Sending) -> None:
    made.body["to"] = "representative" if given.form.get("to") == "representative" else "applicant"


def _basis(given: _Given, made: Sending) -> None:
    if basis := given.form.get("legal_basis"):
        made.body["legal_basis"] = basis


def _body(given: _Given, made: Sending) -> None:
    name = "body" if given.step.command == "ask-opinion" else "to"
    made.body[name] = given.form.get("body")
    if not made.body[name]:
        made.errors["body"] = N_("Pilih instansinya.")


def _opinion(given: _Given, made: Sending) -> None:
    made.body["opinion"] = _number(given, "opinion", made, N_("Pilih pendapat yang mana."))


def _problem(given: _Given, made: Sending) -> None:
    made.body["problem"] = _number(given, "problem", made, N_("Pilih pembayaran yang mana."))


def _number(given: _Given, name: str, made: Sending, wrong: str) -> int:
    text = given.form.get(name)
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    made.errors[name] = wrong
    return 0


def _question(given: _Given, made: Sending) -> None:
    made.body["question"] = given.form.get("question")
    if not made.body["question"]:
        made.errors["question"] = N_("Pilih apa yang ditanyakan.")


def _requirements(given: _Given, made: Sending) -> None:
    made.body["requirements"] = given.form.all("requirements")


def _secret(given: _Given, made: Sending) -> None:
    """The link's secret stays with the officer and the body that is asked: only its digest is sent on."""
    if not _SECRET.fullmatch(given.form.get("secret")):
        made.errors["body" if "body" in given.step.fields else "opinion"] = N_(
            "Muat ulang halaman ini, lalu kirim lagi."
        )


def _day(given: _Given, name: str, made: Sending) -> date | None:
    text = given.form.get(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        _ = day + timedelta(days=2)  # no day so late that a time on it cannot be told
    except (ValueError, OverflowError):
        made.errors[name] = N_("Isi tanggal, misalnya 2026-03-06.")
        return None
    return day


_READERS: Final[dict[Field, Callable[[_Given, Sending], None]]] = {
    "documents": _documents,
    "answer_by": _answer_by,
    "fees": _fees,
    "appointment": _appointment,
    "examinations": _examinations,
    "reasons": _reasons,
    "reason": _one_reason,
    "validity": _validity,
    "receiver": _receiver,
    "basis": _basis,
    "body": _body,
    "opinion": _opinion,
    "problem": _problem,
    "question": _question,
    "requirements": _requirements,
    "secret": _secret,
}
