"""What the applicant will read of a command, before it is sent: in the words of the catalogue, in both languages. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from services.portal.language import N_, Language, Speech
from services.portal.officers.sending import PLACEHOLDER
from services.portal.officers.steps import Step


class Consequence(NamedTuple):
    """The text in one language."""

    language: Language
    lines: list[str]


class _Telling(NamedTuple):
    step: Step
    body: Mapping[str, Any]
    case: Mapping[str, Any]
    choices: Mapping[str, Any]
    speech: Speech

    def say(self, text: str, **values: object) -> str:
        said = self.speech.words.gettext(text)
        return said % values if values else said

    def reason(self, reason: Mapping[str, Any]) -> str:
        """The reason's words with its parameters in."""
        given, known = reason.get("parameters", {}), self.choices["reasons"].get(self.step.reasons, [])
        words = next((self.speech.text(one["words"]) for one in known if one["code"] == reason["code"]), reason["code"])
        return PLACEHOLDER.sub(lambda match: given.get(match[1], "…"), words)

    def named(self, kind: str, code: str) -> str:
        """What a code of the choices is called."""
        return next((self.speech.text(one["labels"]) for one in self.choices[kind] if one["code"] == code), code)


def consequences(
    step: Step, body: Mapping[str, Any], case: Mapping[str, Any], choices: Mapping[str, Any], speeches: list[Speech]
) -> list[Consequence]:
    """What the applicant reads, in each language; nothing for a step that they do not see."""
    tell = _TELLS.get(step.command)
    if tell is None or not step.told:
        return []
    return [Consequence(one.language, tell(_Telling(step, body, case, choices, one))) for one in speeches]


def _request(t: _Telling) -> list[str]:
    lines = [t.say(N_("Kami menunggu Anda: unggah dokumen berikut."))]
    lines += [
        f"{t.named('requirements', one['requirement'])}: {t.reason(one['reason'])}" for one in t.body["documents"]
    ]
    if t.body.get("answer_by"):
        lines.append(t.say(N_("Paling lambat %(day)s."), day=t.speech.day(t.body["answer_by"])))
    return lines


def _verify(t: _Telling) -> list[str]:
    return [t.say(N_("Dokumen Anda lengkap dan sudah kami periksa."))]


def _fee(t: _Telling) -> list[str]:
    always = {fee["code"] for fee in t.choices["fees"] if fee["charged"] == "always" and not fee["group"]}
    fees = [fee for fee in t.choices["fees"] if fee["code"] in {*t.body["fees"], *always}]
    total = sum(fee["amount"] for fee in fees)
    currency = fees[0]["currency"] if fees else "IDR"
    lines = [t.say(N_("Kami menunggu pembayaran Anda sebesar %(amount)s."), amount=t.speech.money(total, currency))]
    lines += [f"{t.speech.text(fee['labels'])}: {t.speech.money(fee['amount'], fee['currency'])}" for fee in fees]
    return [*lines, t.say(N_("Kode billing dan batas waktunya menyusul begitu ini dikirim."))]


def _invite(t: _Telling) -> list[str]:
    what, at = t.named("examinations", t.body["examination"]), t.speech.day_time(t.body["at"])
    return [
        t.say(N_("Kami menunggu kedatangan Anda untuk %(what)s, %(at)s."), what=what, at=at),
        t.say(N_("Bawa dokumen asli.")),
    ]


def _examine(t: _Telling) -> list[str]:
    done = ", ".join(t.named("examinations", code) for code in t.body["examinations"])
    return [t.say(N_("Sudah dilakukan: %(what)s. Kami menyiapkan keputusan."), what=done)]


def _decide(t: _Telling) -> list[str]:
    reasons = [t.reason(reason) for reason in t.body["reasons"]]
    if t.step.outcome == "approved":
        return [t.say(N_("Permohonan Anda disetujui.")), *reasons]
    objection = t.say(N_("Anda dapat mengajukan keberatan; cara dan batas waktunya tertulis bersama keputusan ini."))
    return [t.say(N_("Permohonan Anda ditolak.")), *reasons, objection]


def _issue(t: _Telling) -> list[str]:
    lines = [t.say(N_("Siap diambil di kantor kami."))]
    if t.body.get("valid_until"):
        lines.append(t.say(N_("Berlaku sampai %(day)s."), day=t.speech.day(t.body["valid_until"])))
    return lines


def _hand_over(t: _Telling) -> list[str]:
    if t.body["to"] == "representative":
        return [t.say(N_("Selesai: sudah diserahkan kepada wakil Anda."))]
    return [t.say(N_("Selesai: sudah Anda ambil."))]


def _pause(t: _Telling) -> list[str]:
    told = [t.say(N_("Permohonan Anda ditunda untuk sementara.")), t.reason(t.body["reason"])]
    return [*told, t.say(N_("Waktu penundaan tidak dihitung."))]


def _resume(t: _Telling) -> list[str]:
    return [t.say(N_("Permohonan Anda kembali diproses."))]


def _transfer(t: _Telling) -> list[str]:
    told = t.say(N_("Permohonan Anda sedang di %(body)s."), body=t.named("bodies", t.body["to"]))
    return [told, t.reason(t.body["reason"])]


def _ask(t: _Telling) -> list[str]:
    told = t.say(N_("Pendapat diminta dari %(body)s"), body=t.named("agencies", t.body["body"]))
    return [told, t.say(N_("Kami tetap mengerjakan permohonan Anda; waktunya tetap dihitung sebagai waktu kami."))]


def _withdraw(t: _Telling) -> list[str]:
    names = {one["opinion"]: one["body"]["labels"] for one in t.case["opinions"]}
    body = t.speech.text(names.get(t.body["opinion"], ""))
    return [t.say(N_("Permintaan pendapat kepada %(body)s dibatalkan"), body=body)]


_TELLS: Final[dict[str, Callable[[_Telling], list[str]]]] = {
    "request-documents": _request,
    "verify-documents": _verify,
    "assess-fee": _fee,
    "invite": _invite,
    "examine": _examine,
    "decide": _decide,
    "issue": _issue,
    "hand-over": _hand_over,
    "pause": _pause,
    "resume": _resume,
    "transfer": _transfer,
    "ask-opinion": _ask,
    "withdraw-opinion": _withdraw,
}
