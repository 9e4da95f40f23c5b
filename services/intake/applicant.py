"""Who applies: the personal data that intake, and only intake, holds. It lives sealed in the vault."""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from services.intake.refusals import Refused


class InvalidApplicant(Refused):
    """The data cannot be accepted. Parameters: fields (what is wrong, one entry each)."""

    slug = "invalid-applicant"


class Applicant(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A person's own statements. Nothing here is ever put into an event, a log or a metric."""

    name: Annotated[str, Meta(max_length=200, description="Full name as on the identity paper.")]
    email: Annotated[str, Meta(max_length=254, description="E-mail address for notices.")] | None = None
    phone: Annotated[str, Meta(max_length=32, description="Telephone number, best with country code.")] | None = None
    language: Annotated[Literal["id", "en"], Meta(description="In which language to write to the applicant.")] = "id"
    nik: Annotated[str, Meta(max_length=32, description="National identity number, where there is one.")] | None = None
    passport_number: Annotated[str, Meta(max_length=32, description="Number of the present passport.")] | None = None
    nationality: Annotated[str, Meta(max_length=3, description="ISO 3166 country code.")] | None = None
    date_of_birth: Annotated[str, Meta(max_length=10, description="YYYY-MM-DD.")] | None = None
    place_of_birth: Annotated[str, Meta(max_length=200, description="Place of birth.")] | None = None
    address: Annotated[str, Meta(max_length=500, description="Postal address.")] | None = None

    def __repr__(self) -> str:
        return "Applicant(…)"


class Contact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is needed to write to an applicant."""

    name: str
    language: Literal["id", "en"]
    email: str | None = None
    phone: str | None = None

    def __repr__(self) -> str:
        return "Contact(…)"


class Remark(Struct, frozen=True, kw_only=True):
    """Something that looks wrong and is accepted all the same."""

    code: str
    id: str
    en: str


# One @, no spaces or controls, a dot-atom or anything visible before it, a domain with letters after it. What really
# exists only a message shows; a stricter pattern (RFC 5322) turns away addresses that work.
_email: Final = re.compile(
    r"[^\s@\x00-\x1f\x7f<>\",;]{1,64}@(?:[^\s@.\x00-\x1f\x7f<>\",;]+\.)+[^\s@.\d<>\",;][^\s@.<>\",;]+"
)
_EMAIL_LIMIT: Final = 254
_phone: Final = re.compile(r"\+?[\d\s().-]{6,31}")
_control: Final = re.compile(r"[\x00-\x1f\x7f]")
_NIK_ODD: Final = Remark(
    code="nik_unusual",
    id="NIK biasanya 16 angka; periksa kembali. Permohonan tetap dapat dikirim.",
    en="A NIK usually has 16 digits; please check it. The application can be submitted all the same.",
)

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Applicant)


def check_applicant(applicant: Applicant) -> list[Remark]:
    """Remarks on what looks unusual. Raises `InvalidApplicant` naming every field that cannot be accepted."""
    wrong = []
    if not applicant.name.strip() or _control.search(applicant.name):
        wrong.append("name (wajib diisi / is required, in one line)")
    if not applicant.email and not applicant.phone:
        wrong.append("email, phone (salah satu wajib diisi / one of them is required)")
    if applicant.email and not is_email(applicant.email):
        wrong.append("email (bukan alamat e-mail / is no e-mail address)")
    if applicant.phone and not _plausible_phone(applicant.phone):
        wrong.append("phone (bukan nomor telepon / is no telephone number)")
    if wrong:
        raise InvalidApplicant(fields=wrong)
    # The region is that of first registration and the date may differ from the real one, so only the form is looked at.
    return [_NIK_ODD] if applicant.nik and not re.fullmatch(r"\d{16}", applicant.nik) else []


def is_email(text: str) -> bool:
    """Whether it looks like an address that mail can be sent to."""
    return len(text) <= _EMAIL_LIMIT and bool(_email.fullmatch(text))


def _plausible_phone(phone: str) -> bool:
    return bool(_phone.fullmatch(phone)) and sum(character.isdigit() for character in phone) >= 6


def encode_applicant(applicant: Applicant) -> bytes:
    """As the vault seals it."""
    return _encoder.encode(applicant)


def decode_applicant(plaintext: bytes) -> Applicant:
    """What `encode_applicant` made."""
    return _decoder.decode(plaintext)


def contact_of(applicant: Applicant) -> Contact:
    """Only what is needed to write to them."""
    return Contact(name=applicant.name, language=applicant.language, email=applicant.email, phone=applicant.phone)
