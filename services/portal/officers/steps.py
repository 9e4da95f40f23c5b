"""The officers' commands as pages: address, key, words. Pure."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from services.portal.language import N_

Field = Literal[
    "documents", "answer_by", "fees", "appointment", "examinations", "reasons", "reason", "validity", "receiver",
    "basis", "body", "opinion", "question", "problem", "requirements", "secret",
]  # fmt: skip


class Step(Struct, frozen=True, kw_only=True):
    """A command as a page of a case: `/petugas/kasus/{number}/{slug}`, by the key `key`."""

    slug: str
    command: str
    key: str
    title: str
    """What it does, as an order to oneself."""
    send: str
    """On the button."""
    outcome: str | None = None
    reasons: str = ""
    """Which reasons of the choices it is given with."""
    fields: tuple[Field, ...] = ()
    told: bool = True
    """The applicant reads of it: shown before it is sent."""


STEPS: Final = (
    Step(slug="minta-dokumen", command="request-documents", key="d", title=N_("Minta dokumen"),
         send=N_("Kirim permintaan"), reasons="request-documents", fields=("documents", "answer_by")),
    Step(slug="periksa", command="verify-documents", key="v", title=N_("Nyatakan dokumen lengkap dan sah"),
         send=N_("Nyatakan lengkap")),
    Step(slug="biaya", command="assess-fee", key="b", title=N_("Tetapkan biaya"), send=N_("Terbitkan kode billing"),
         fields=("fees",)),
    Step(slug="undang", command="invite", key="u", title=N_("Undang pemohon"), send=N_("Kirim undangan"),
         fields=("appointment",)),
    Step(slug="wawancara", command="examine", key="w", title=N_("Catat wawancara dan biometrik"), send=N_("Catat"),
         fields=("examinations",)),
    Step(slug="setujui", command="decide", outcome="approved", key="s", title=N_("Setujui"),
         send=N_("Setujui permohonan"), reasons="approve", fields=("reasons",)),
    Step(slug="tolak", command="decide", outcome="refused", key="t", title=N_("Tolak"),
         send=N_("Tolak permohonan"), reasons="refuse", fields=("reasons",)),
    Step(slug="terbitkan", command="issue", key="i", title=N_("Terbitkan"), send=N_("Nyatakan siap diambil"),
         fields=("validity",)),
    Step(slug="serahkan", command="hand-over", key="h", title=N_("Serahkan"), send=N_("Catat penyerahan"),
         fields=("receiver",)),
    Step(slug="jeda", command="pause", key="z", title=N_("Jeda menurut hukum"), send=N_("Jeda permohonan"),
         reasons="pause", fields=("reason", "basis")),
    Step(slug="lanjutkan", command="resume", key="l", title=N_("Lanjutkan"), send=N_("Lanjutkan permohonan")),
    Step(slug="teruskan", command="transfer", key="r", title=N_("Teruskan ke instansi lain"), send=N_("Teruskan"),
         reasons="transfer", fields=("body", "reason")),
    Step(slug="pendapat", command="ask-opinion", key="o", title=N_("Minta pendapat instansi lain"),
         send=N_("Minta pendapat"), reasons="ask-opinion", fields=("body", "question", "requirements", "answer_by", "secret")),
    Step(slug="tautan-pendapat", command="reissue-opinion-link", key="", title=N_("Buat tautan pendapat baru"),
         send=N_("Buat tautan baru"), fields=("opinion", "answer_by", "secret"), told=False),
    Step(slug="batalkan-pendapat", command="withdraw-opinion", key="", title=N_("Batalkan permintaan pendapat"),
         send=N_("Batalkan permintaan"), fields=("opinion",)),
    Step(slug="pembayaran", command="settle-payment-problem", key="m", title=N_("Selesaikan masalah pembayaran"),
         send=N_("Catat penyelesaian"), reasons="settle-payment-problem", fields=("problem", "reason"), told=False),
)  # fmt: skip
_BY_SLUG: Final = {step.slug: step for step in STEPS}

FACTS: Final = {
    "submitted": N_("Permohonan diajukan"),
    "documents_requested": N_("Dokumen diminta"),
    "document_supplied": N_("Dokumen diterima"),
    "documents_verified": N_("Dokumen dinyatakan lengkap"),
    "fee_assessed": N_("Biaya ditetapkan"),
    "fee_paid": N_("Biaya dibayar"),
    "payment_problem_found": N_("Pembayaran tidak cocok"),
    "payment_problem_settled": N_("Masalah pembayaran diselesaikan"),
    "invited": N_("Pemohon diundang"),
    "examined": N_("Wawancara atau biometrik dicatat"),
    "decided": N_("Permohonan diputuskan"),
    "issued": N_("Siap diambil"),
    "collected": N_("Diserahkan"),
    "withdrawn": N_("Ditarik kembali oleh pemohon"),
    "paused": N_("Dijeda"),
    "resumed": N_("Dilanjutkan"),
    "transferred": N_("Diteruskan"),
    "opinion_asked": N_("Pendapat instansi lain diminta"),
    "opinion_link_reissued": N_("Tautan pendapat diganti"),
    "opinion_withdrawn": N_("Permintaan pendapat dibatalkan"),
    "opinion_given": N_("Pendapat instansi lain diterima"),
    "case_claimed": N_("Kasus diambil seorang petugas"),
    "case_released": N_("Kasus dilepas"),
    "case_assigned": N_("Kasus dialihkan"),
    "case_escalated": N_("Batas waktu mendekat: diteruskan kepada penyelia"),
    "case_looked_into": N_("Dibuka di meja bantuan"),
}
NEXT: Final = {
    "request-documents": N_("Minta dokumen lagi"),
    "verify-documents": N_("Periksa dokumen"),
    "assess-fee": N_("Tetapkan biaya"),
    "invite": N_("Undang pemohon"),
    "examine": N_("Wawancarai, rekam biometrik"),
    "decide": N_("Putuskan"),
    "issue": N_("Terbitkan"),
    "hand-over": N_("Serahkan"),
    "resume": N_("Lanjutkan"),
    "transfer": N_("Ambil kembali dari instansi lain"),
}
"""What is to be done next, in the inbox."""
WAITS: Final = {
    "office": N_("kantor"),
    "applicant": N_("pemohon"),
    "agency": N_("instansi lain"),
    "pause": N_("jeda hukum"),
    "nobody": N_("tidak ada"),
}


def step_of(slug: str) -> Step | None:
    """The step of that address."""
    return _BY_SLUG.get(slug)


def fact_words(fact: str) -> str:
    """What happened, as Indonesian source text; an office's own stage is one of many."""
    return FACTS.get(fact.partition(":")[0], N_("Tahap kantor dicatat"))


class Offered(Struct, frozen=True):
    """A step on the page of a case: can be taken, or why not (`refusal`, words in both languages)."""

    step: Step
    allowed: bool
    done: bool
    refusal: Mapping[str, str] | None
    next: bool
    """The process has it next."""


def offered(case: Mapping[str, Any]) -> list[Offered]:
    """Every step, those that the process has next before all, then what can be done, then what cannot and why."""
    found = {(one["command"], one["outcome"]): one for one in case["commands"]}
    steps = []
    for step in STEPS:
        one = found.get((step.command, step.outcome))
        if one is not None:
            refusal = one["refusal"]["words"] if one["refusal"] else None
            due = one["allowed"] and step.command in case["next"] and case["waits_for"] == "office"
            steps.append(Offered(step, one["allowed"], one["done"], refusal, due))
    return sorted(steps, key=lambda one: (not one.next, not one.allowed))


def offered_step(case: Mapping[str, Any], step: Step) -> Offered | None:
    """The step on this case; None where the case does not know the command."""
    return next((one for one in offered(case) if one.step == step), None)
