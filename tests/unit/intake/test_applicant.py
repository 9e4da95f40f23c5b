import msgspec
import pytest

from services.intake.applicant import (
    Applicant,
    InvalidApplicant,
    check_applicant,
    contact_of,
    decode_applicant,
    encode_applicant,
)

SOMEONE = Applicant(name="Pemohon Contoh", email="pemohon@example.org")


def test_a_name_and_an_email_address_are_enough() -> None:
    assert check_applicant(SOMEONE) == []


def test_a_name_and_a_telephone_number_are_enough() -> None:
    assert check_applicant(Applicant(name="Pemohon Contoh", phone="+62 800 0000 0000")) == []


def test_one_of_email_and_telephone_is_needed() -> None:
    with pytest.raises(InvalidApplicant) as refusal:
        check_applicant(Applicant(name="Pemohon Contoh"))
    assert "email, phone" in refusal.value.parameters["fields"][0]


@pytest.mark.parametrize(
    "email",
    ["pemohon", "pemohon@", "@example.org", "a b@example.org", "a@example", "a@ex..org", "a@b@example.org",
     "a@example.org\r\nBcc: b@example.org", "<a@example.org>", "a@127.0.0.1"],
)  # fmt: skip
def test_what_is_no_email_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidApplicant):
        check_applicant(Applicant(name="Pemohon Contoh", email=email))


@pytest.mark.parametrize("email", ["p.e+m@example.org", "pémohon@contoh.example", "o'b@sub.example.co.id"])
def test_unusual_email_addresses_are_accepted(email: str) -> None:
    assert check_applicant(Applicant(name="Pemohon Contoh", email=email)) == []


@pytest.mark.parametrize("phone", ["12", "telepon", "+62-----------", "0" * 40])
def test_what_is_no_telephone_number_is_refused(phone: str) -> None:
    with pytest.raises(InvalidApplicant):
        check_applicant(Applicant(name="Pemohon Contoh", phone=phone))


@pytest.mark.parametrize("name", ["", "   ", "a\r\nb"])
def test_a_name_is_one_line_with_something_in_it(name: str) -> None:
    with pytest.raises(InvalidApplicant):
        check_applicant(Applicant(name=name, email="pemohon@example.org"))


def test_an_unusual_nik_is_warned_of_and_never_refused() -> None:
    (warning,) = check_applicant(Applicant(name="Pemohon Contoh", email="pemohon@example.org", nik="12"))
    assert warning.code == "nik_unusual"


def test_a_field_that_nobody_knows_is_said_rather_than_dropped() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.json.decode(b'{"name": "a", "emial": "pemohon@example.org"}', type=Applicant)


def test_a_language_that_nothing_is_written_in_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"name": "a", "language": "nl"}', type=Applicant)


def test_an_applicant_comes_out_as_it_went_in_and_only_the_contact_is_given_away() -> None:
    applicant = Applicant(name="Pemohon Contoh", email="pemohon@example.org", nik="1" * 16, language="en")
    assert decode_applicant(encode_applicant(applicant)) == applicant
    assert msgspec.to_builtins(contact_of(applicant)) == {
        "name": "Pemohon Contoh",
        "language": "en",
        "email": "pemohon@example.org",
    }
