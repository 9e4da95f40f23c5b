"""What a decision may refuse, and why. Each refusal has a stable slug and words in both languages.

Refusal
├── 409  the case is not in a state for it    CaseClosed, CasePaused, CaseElsewhere, DocumentsMissing, …
└── 422  the command asks for what is not     UnknownRequirement, UnknownReason, UnknownFee, …
"""

from typing import ClassVar

from contracts.facts import Labels


class Refusal(Exception):
    """A command that a rule does not allow. `details` name what stands in the way, ready for JSON."""

    slug: ClassVar[str]
    status: ClassVar[int] = 409
    words: ClassVar[Labels]

    def __init__(self, **details: object) -> None:
        super().__init__(f"{self.slug} {details or ''}".rstrip())
        self.details = details


class ServiceUnknown(Refusal):
    slug = "service-unknown"
    words = Labels(id="Layanan ini tidak lagi ada di katalog.", en="The catalogue no longer has this service.")


class CaseClosed(Refusal):
    slug = "case-closed"
    words = Labels(id="Permohonan ini sudah berakhir.", en="This case has ended.")


class CasePaused(Refusal):
    slug = "case-paused"
    words = Labels(id="Permohonan ini sedang dijeda: lanjutkan dahulu.", en="This case is paused: resume it first.")


class CaseElsewhere(Refusal):
    slug = "case-elsewhere"
    words = Labels(id="Permohonan ini sedang di instansi lain.", en="This case is with another office or agency.")


class AlreadyDecided(Refusal):
    slug = "already-decided"
    words = Labels(id="Permohonan ini sudah diputuskan.", en="This case is already decided.")


class NotApproved(Refusal):
    slug = "not-approved"
    words = Labels(id="Permohonan ini belum disetujui.", en="This case is not approved.")


class DocumentsMissing(Refusal):
    slug = "documents-missing"
    words = Labels(id="Dokumen belum lengkap.", en="Documents are still missing.")


class DocumentsNotVerified(Refusal):
    slug = "documents-not-verified"
    words = Labels(id="Dokumen belum diperiksa.", en="The documents are not verified yet.")


class FeeNotAssessed(Refusal):
    slug = "fee-not-assessed"
    words = Labels(id="Biaya belum ditetapkan.", en="The fee is not assessed yet.")


class FeeNotPaid(Refusal):
    slug = "fee-not-paid"
    words = Labels(id="Biaya belum dibayar.", en="The fee is not paid yet.")


class FeeAlreadyPaid(Refusal):
    slug = "fee-already-paid"
    words = Labels(id="Biaya sudah dibayar.", en="The fee is already paid.")


class NoFeeDue(Refusal):
    slug = "no-fee-due"
    words = Labels(id="Layanan ini tidak dipungut biaya.", en="This service has no fee.")


class NotExamined(Refusal):
    slug = "not-examined"
    words = Labels(id="Pemohon belum diwawancarai atau direkam.", en="The applicant is not examined yet.")


class AlreadyIssued(Refusal):
    slug = "already-issued"
    words = Labels(id="Produk sudah diterbitkan.", en="It is already issued.")


class NotIssued(Refusal):
    slug = "not-issued"
    words = Labels(id="Produk belum diterbitkan.", en="It is not issued yet.")


class CollectionExpired(Refusal):
    slug = "collection-expired"
    words = Labels(
        id="Batas waktu pengambilan sudah lewat: terbitkan kembali.",
        en="The time to collect it has passed: issue it again.",
    )


class NoPaymentProblem(Refusal):
    slug = "no-payment-problem"
    words = Labels(
        id="Tidak ada masalah pembayaran yang perlu diselesaikan.", en="There is no payment problem to be settled."
    )


class Invalid(Refusal):
    """The command itself asks for something that is not there."""

    status = 422


class UnknownRequirement(Invalid):
    slug = "unknown-requirement"
    words = Labels(id="Layanan ini tidak memiliki persyaratan itu.", en="The service has no such requirement.")


class UnknownReason(Invalid):
    slug = "unknown-reason"
    words = Labels(id="Kode alasan tidak berlaku di sini.", en="The reason code does not apply here.")


class ReasonMissing(Invalid):
    slug = "reason-missing"
    words = Labels(id="Penolakan memerlukan alasan.", en="A refusal needs a reason.")


class UnknownFee(Invalid):
    slug = "unknown-fee"
    words = Labels(id="Layanan ini tidak memiliki biaya itu.", en="The service has no such fee.")


class FeeNotInForce(Invalid):
    slug = "fee-not-in-force"
    words = Labels(id="Biaya itu tidak berlaku hari ini.", en="That fee is not in force today.")


class FeeCombination(Invalid):
    slug = "fee-combination"
    words = Labels(
        id="Biaya itu tidak dapat digabung: pilih tepat satu dari setiap kelompok.",
        en="These fees do not go together: choose exactly one of each group.",
    )


class UnknownPaymentProblem(Invalid):
    slug = "unknown-payment-problem"
    words = Labels(
        id="Permohonan ini tidak memiliki masalah pembayaran itu.", en="This case has no such payment problem."
    )


class TimeInThePast(Invalid):
    slug = "time-in-the-past"
    words = Labels(id="Waktu itu sudah lewat.", en="That time has passed.")
