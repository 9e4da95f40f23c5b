"""Refusals: what intake says no to, each a named exception, and the words for it in both languages.

    Refused
    ├── domain.py      UnknownService, UnknownOffice, ServiceNotOffered, UnknownRequirement, RequirementsMissing,
    │                  AlreadySubmitted, NotSubmitted, NotRequested, AlreadyEnded
    ├── applicant.py   InvalidApplicant
    ├── access.py      AccessDenied, TooManyAttempts
    ├── media.py       UnsupportedDocument, DocumentNotWhatItSays
    ├── documents.py   DocumentTooLarge, DocumentEmpty, DocumentStorageFull, DocumentStorageAway
    └── publishers.py  NotAPublisher;  admission.py  EventRefused

`PROBLEMS` gives every slug its HTTP status and its words; `describe` puts them together.
"""

from typing import Any, ClassVar, Final, Literal, NamedTuple

Language = Literal["id", "en"]


class Refused(Exception):
    """Intake refuses what was asked. `parameters` fill the words' placeholders and go into the problem as extensions."""

    slug: ClassVar[str]

    def __init__(self, **parameters: Any) -> None:
        super().__init__(self.slug, parameters)
        self.parameters = parameters


class Words(NamedTuple):
    """Title and detail in one language; `{name}` are placeholders."""

    title: str
    detail: str


class ProblemWords(NamedTuple):
    """How a refusal is answered."""

    status: int
    id: Words
    en: Words


PROBLEMS: Final[dict[str, ProblemWords]] = {
    "unknown-service": ProblemWords(
        422,
        Words("Layanan tidak dikenal", "Tidak ada layanan {service!r}. Daftar layanan: GET /services."),
        Words("Unknown service", "There is no service {service!r}. GET /services lists those that are offered."),
    ),
    "unknown-office": ProblemWords(
        422,
        Words("Kantor tidak dikenal", "Tidak ada kantor {office!r}. Daftar kantor: GET /offices."),
        Words("Unknown office", "There is no office {office!r}. GET /offices lists them."),
    ),
    "service-not-offered": ProblemWords(
        422,
        Words(
            "Layanan tidak tersedia di kantor ini",
            "Kantor {office!r} tidak menerima permohonan {service!r}. Lihat GET /services.",
        ),
        Words(
            "Service not offered here",
            "Office {office!r} takes no applications for {service!r}. GET /services lists what is offered.",
        ),
    ),
    "unknown-requirement": ProblemWords(
        404,
        Words(
            "Persyaratan tidak dikenal", "Layanan ini tidak meminta dokumen {requirement!r}, melainkan: {known_list}."
        ),
        Words("Unknown requirement", "This service asks for no document {requirement!r}; it asks for: {known_list}."),
    ),
    "requirements-missing": ProblemWords(
        409,
        Words("Dokumen belum lengkap", "Dokumen yang masih kurang: {missing_list}. Unggah dahulu, lalu kirim lagi."),
        Words("Documents are missing", "Still missing: {missing_list}. Upload them, then submit again."),
    ),
    "already-submitted": ProblemWords(
        409,
        Words(
            "Permohonan sudah dikirim",
            "Dokumen hanya dapat diganti sebelum permohonan dikirim. Dokumen yang diminta kantor dikirim ke "
            "/applications/{{number}}/documents/{{requirement}}.",
        ),
        Words(
            "Already submitted",
            "Documents can be replaced only before the application is submitted. What the office asks for goes to "
            "/applications/{{number}}/documents/{{requirement}}.",
        ),
    ),
    "not-submitted": ProblemWords(
        409,
        Words("Permohonan belum dikirim", "Ini masih konsep. Kirim dahulu dengan POST /drafts/{{number}}/submit."),
        Words("Not submitted yet", "This is still a draft. Submit it first with POST /drafts/{{number}}/submit."),
    ),
    "document-not-requested": ProblemWords(
        409,
        Words(
            "Dokumen tidak diminta", "Kantor tidak meminta {requirement!r}. Yang diminta saat ini: {requested_list}."
        ),
        Words(
            "Document not requested",
            "The office does not ask for {requirement!r}. Asked for at present: {requested_list}.",
        ),
    ),
    "already-ended": ProblemWords(
        409,
        Words("Permohonan sudah berakhir", "Permohonan sudah berakhir ({by}), sehingga tidak dapat diubah lagi."),
        Words("The application has ended", "The application has ended ({by}) and cannot be changed any more."),
    ),
    "invalid-applicant": ProblemWords(
        422,
        Words("Data pemohon tidak dapat diterima", "Perbaiki: {fields_list}."),
        Words("The applicant's data cannot be accepted", "Correct these: {fields_list}."),
    ),
    "access-denied": ProblemWords(
        401,
        Words(
            "Nomor atau kode akses tidak cocok",
            "Nomor permohonan dan kode akses tidak cocok. Keduanya tertulis pada tanda terima; kirim sebagai HTTP Basic.",
        ),
        Words(
            "Number and access code do not fit",
            "The tracking number and the access code do not fit. Both are on the receipt; send them as HTTP Basic.",
        ),
    ),
    "too-many-attempts": ProblemWords(
        429,
        Words("Terlalu banyak percobaan", "Terlalu banyak permintaan. Coba lagi setelah {retry_after_s} detik."),
        Words("Too many attempts", "Too many requests. Try again after {retry_after_s} seconds."),
    ),
    "unsupported-document": ProblemWords(
        415,
        Words("Jenis dokumen tidak diterima", "Isi berkas ini bukan PDF, JPEG atau PNG. Kirim salah satunya."),
        Words("Unsupported kind of document", "By its content this is no PDF, JPEG or PNG. Send one of these."),
    ),
    "document-not-what-it-says": ProblemWords(
        415,
        Words(
            "Isi dokumen tidak sesuai jenisnya",
            "Dinyatakan sebagai {declared}, tetapi {found}. Sesuaikan Content-Type atau kirim berkas yang benar.",
        ),
        Words(
            "The document is not what it says",
            "Declared as {declared}, but {found}. Correct the Content-Type or send the right file.",
        ),
    ),
    "document-too-large": ProblemWords(
        413,
        Words("Dokumen terlalu besar", "Batasnya {limit_bytes} byte. Perkecil berkas, lalu unggah lagi."),
        Words("Document too large", "The limit is {limit_bytes} bytes. Make the file smaller and upload it again."),
    ),
    "document-empty": ProblemWords(
        422,
        Words("Dokumen kosong", "Tidak ada isi yang diterima. Unggah berkasnya sebagai badan permintaan."),
        Words("Document empty", "Nothing was received. Send the file as the body of the request."),
    ),
    "document-storage-full": ProblemWords(
        507,
        Words("Tempat penyimpanan penuh", "Dokumen tidak tersimpan. Coba lagi nanti; konsep Anda tetap ada."),
        Words("Storage is full", "The document was not stored. Try again later; your draft is still there."),
    ),
    "document-storage-unavailable": ProblemWords(
        503,
        Words("Tempat penyimpanan tidak tersedia", "Dokumen tidak tersimpan. Coba lagi nanti; konsep Anda tetap ada."),
        Words("Storage is unavailable", "The document was not stored. Try again later; your draft is still there."),
    ),
    "not-a-publisher": ProblemWords(
        401,
        Words("Pengirim tidak sah", "Tanda tangan atau token ditolak: {reason}."),
        Words("Not an accepted publisher", "Signature or token refused: {reason}."),
    ),
    "events-unreadable": ProblemWords(
        400,
        Words("Badan permintaan tidak terbaca", "{reason}."),
        Words("The body cannot be read", "{reason}."),
    ),
    "too-many-events": ProblemWords(
        413,
        Words("Terlalu banyak peristiwa", "Paling banyak {limit} peristiwa sekali kirim. Bagi kirimannya."),
        Words("Too many events", "At most {limit} events in one request. Divide the batch."),
    ),
    "events-too-large": ProblemWords(
        413,
        Words("Kiriman terlalu besar", "Batasnya {limit_bytes} byte sekali kirim. Bagi kirimannya."),
        Words("The batch is too large", "The limit is {limit_bytes} bytes in one request. Divide the batch."),
    ),
    "unknown-number": ProblemWords(
        404,
        Words("Tidak ditemukan", "Tidak ada permohonan atau dokumen dengan nomor itu di sini."),
        Words("Not found", "There is no application or document of that number here."),
    ),
}
"""By slug. The detail's placeholders are the refusal's parameters; `<name>_list` is a list joined by commas."""


def describe(slug: str, parameters: dict[str, Any], language: Language) -> Words:
    """Title and detail of a refusal in `language`, its placeholders filled."""
    problem = PROBLEMS[slug]
    words = problem.id if language == "id" else problem.en
    lists = {f"{name}_list": ", ".join(map(str, value)) or "-" for name, value in parameters.items() if _is_list(value)}
    return Words(words.title, words.detail.format(**parameters, **lists))


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset, dict))
