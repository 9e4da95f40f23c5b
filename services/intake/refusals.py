"""Refusals: what intake says no to, each a named exception, and the words for it in both languages.

    Refused
    ├── domain.py      UnknownService, UnknownOffice, ServiceNotOffered, UnknownRequirement, RequirementsMissing,
    │                  AlreadySubmitted, NotSubmitted, NotRequested, AlreadyEnded
    ├── applicant.py   InvalidApplicant;  form.py  InvalidForm
    ├── desk_api.py    NotOpenedAtDesk
    ├── uploads.py     UnknownUpload, UploadElsewhere, UploadBeyondLength, UploadInCrumbs
    ├── upload_api.py  UploadUnreadable, OtherTusVersion
    ├── access.py      AccessDenied, TooManyAttempts
    ├── media.py       UnsupportedDocument, DocumentNotWhatItSays
    ├── documents.py   DocumentTooLarge, DocumentEmpty, DocumentDamaged, DocumentStorageFull, DocumentStorageAway
    ├── application.py UnknownNumber
    ├── links.py       UnknownLink, LinkUsed, LinkExpired, NoEmail
    ├── publishers.py  NotAPublisher
    └── admission.py   EventRefused and its kinds;  held.py  NotHeld, UnknownHeldEvent

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
    "service-not-found": ProblemWords(
        404,
        Words("Layanan tidak ditemukan", "Tidak ada layanan {service!r}. Daftar layanan: GET /services."),
        Words("No such service", "There is no service {service!r}. GET /services lists those that are offered."),
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
    "invalid-form": ProblemWords(
        422,
        Words("Isian tidak dapat diterima", "Perbaiki: {fields_list}."),
        Words("The form cannot be accepted", "Correct these: {fields_list}."),
    ),
    "not-opened-at-desk": ProblemWords(
        403,
        Words(
            "Konsep ini tidak dibuka di loket Anda",
            "Hanya loket yang membukanya dapat mengirimkannya. Minta pemohon mengirimkannya dengan nomor dan kode akses.",
        ),
        Words(
            "This draft was not opened at your desk",
            "Only the desk that opened it can hand it in. Ask the applicant to do it with number and access code.",
        ),
    ),
    "unknown-upload": ProblemWords(
        404,
        Words("Unggahan tidak ditemukan", "Unggahan ini sudah berakhir atau diganti. Mulai lagi dari awal."),
        Words("No such upload", "This upload has ended or was replaced. Begin again."),
    ),
    "upload-offset-conflict": ProblemWords(
        409,
        Words("Unggahan berlanjut di tempat lain", "Yang sudah diterima: {offset} byte. Lanjutkan dari sana."),
        Words("The upload goes on elsewhere", "{offset} bytes have arrived. Go on from there."),
    ),
    "upload-beyond-length": ProblemWords(
        413,
        Words("Lebih panjang dari yang dinyatakan", "Upload-Length adalah {length} byte. Mulai unggahan baru."),
        Words("Longer than announced", "Upload-Length is {length} bytes. Begin a new upload."),
    ),
    "upload-in-crumbs": ProblemWords(
        422,
        Words("Terlalu banyak potongan", "Paling banyak {most} potongan. Mulai lagi dengan potongan yang lebih besar."),
        Words("Too many pieces", "At most {most} pieces. Begin again with larger ones."),
    ),
    "upload-header-unreadable": ProblemWords(
        400,
        Words("Header unggahan tidak terbaca", "Periksa {header}; bentuknya ada di tus.io (1.0.0)."),
        Words("An upload header cannot be read", "Check {header}; tus.io (1.0.0) has its form."),
    ),
    "unsupported-tus-version": ProblemWords(
        412,
        Words("Versi tus tidak didukung", "Kirim Tus-Resumable: 1.0.0."),
        Words("Unsupported version of tus", "Send Tus-Resumable: 1.0.0."),
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
    "document-damaged": ProblemWords(
        500,
        Words("Dokumen rusak", "Berkas yang tersimpan tidak lagi seperti saat diunggah. Hubungi operator."),
        Words("The document is damaged", "What is stored is no longer what was uploaded. Tell an operator."),
    ),
    "unsupported-mode": ProblemWords(
        415,
        Words("Bentuk kiriman tidak dikenal", "{reason}."),
        Words("Unsupported mode", "{reason}."),
    ),
    "malformed-event": ProblemWords(
        400,
        Words("Peristiwa tidak terbaca", "{reason}."),
        Words("The event cannot be read", "{reason}."),
    ),
    "unknown-event-type": ProblemWords(
        422,
        Words("Jenis peristiwa tidak dikenal", "{reason}. Jenis yang dikenal ada di docs/contracts.md."),
        Words("Unknown event type", "{reason}. The known types are in docs/contracts.md."),
    ),
    "event-too-large": ProblemWords(
        413,
        Words("Peristiwa terlalu besar", "{reason}."),
        Words("The event is too large", "{reason}."),
    ),
    "source-not-allowed": ProblemWords(
        403,
        Words(
            "Sumber tidak diizinkan",
            "Pengirim {publisher!r} tidak boleh memakai source ini; yang boleh: {allowed_list}.",
        ),
        Words("Source not allowed", "Publisher {publisher!r} may not use this source; it may use: {allowed_list}."),
    ),
    "type-not-allowed": ProblemWords(
        403,
        Words(
            "Jenis tidak diizinkan",
            "Pengirim {publisher!r} tidak boleh mengirim jenis ini; yang boleh: {allowed_list}.",
        ),
        Words("Type not allowed", "Publisher {publisher!r} may not send this type; it may send: {allowed_list}."),
    ),
    "event-from-the-future": ProblemWords(
        422,
        Words(
            "Peristiwa dari masa depan",
            "time {ahead_s} detik di depan jam kami; paling banyak {tolerance_s}. Periksa jam sistem pengirim.",
        ),
        Words(
            "An event from the future",
            "Its time is {ahead_s} seconds ahead of our clock; at most {tolerance_s}. Check the clock of the sending system.",
        ),
    ),
    "malformed-subject": ProblemWords(
        422,
        Words("Subject bukan nomor permohonan", "{reason}. Periksa subject."),
        Words("The subject is no tracking number", "{reason}. Check the subject."),
    ),
    "event-id-reused": ProblemWords(
        409,
        Words("Id sudah dipakai", "Peristiwa lain dengan source dan id ini sudah diterima. Pakai id baru."),
        Words("The id was used before", "Another event of this source and id was admitted already. Use a new id."),
    ),
    "not-held": ProblemWords(
        409,
        Words("Tidak sedang ditahan", "Peristiwa itu sudah {state}."),
        Words("Not held any more", "That event was {state} already."),
    ),
    "events-too-large": ProblemWords(
        413,
        Words("Kiriman terlalu besar", "{reason}. Bagi kirimannya."),
        Words("The request is too large", "{reason}. Divide it."),
    ),
    "unknown-reason": ProblemWords(
        422,
        Words("Alasan tidak dikenal", "Tidak ada kode alasan {reason!r}. Daftarnya: GET /reasons."),
        Words("Unknown reason", "There is no reason code {reason!r}. GET /reasons lists them."),
    ),
    "no-such-held-event": ProblemWords(
        404,
        Words("Tidak ditemukan", "Tidak ada peristiwa dengan id itu yang pernah ditahan. Lihat GET /events/held."),
        Words("Not found", "No event of that id was ever held. See GET /events/held."),
    ),
    "unknown-link": ProblemWords(
        404,
        Words(
            "Tautan tidak dikenal",
            "Tautan ini tidak kami kenal: mungkin terpotong saat disalin. Bukalah dari surel, atau mintalah yang baru.",
        ),
        Words(
            "Unknown link",
            "We do not know this link: perhaps it was cut off when copied. Open it from the e-mail, or ask for a new one.",
        ),
    ),
    "link-used": ProblemWords(
        410,
        Words(
            "Tautan sudah dipakai",
            "Setiap tautan hanya berlaku satu kali, dan tautan ini sudah dipakai. Mintalah tautan baru. Bila bukan Anda "
            "yang memakainya, periksa siapa yang dapat membaca surel Anda.",
        ),
        Words(
            "Link already used",
            "Each link works once, and this one has been used. Ask for a new one. If it was not you who used it, check who "
            "can read your e-mail.",
        ),
    ),
    "link-expired": ProblemWords(
        410,
        Words("Tautan sudah tidak berlaku", "Masa berlaku tautan ini sudah lewat. Mintalah tautan baru."),
        Words("Link expired", "This link is no longer valid: its time has passed. Ask for a new one."),
    ),
    "no-email": ProblemWords(
        409,
        Words(
            "Tidak ada alamat surel",
            "Permohonan ini tidak memuat alamat surel, jadi tautan tidak dapat dikirim. Simpanlah nomor dan kode akses, "
            "atau tambahkan alamat surel pada formulir.",
        ),
        Words(
            "No e-mail address",
            "This application has no e-mail address, so no link can be sent. Keep number and access code, or add an e-mail "
            "address to the form.",
        ),
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
