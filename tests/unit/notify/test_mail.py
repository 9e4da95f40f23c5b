"""How a message becomes a mail, and what is known of a contact."""

import datetime as dt
import uuid

import pytest

from services.notify.contact import Contact
from services.notify.mail import BadAddress, Server, compose, plain_address
from services.notify.messages import Message

SERVER = Server(
    host="mail.example.org", port=25, sender="no-reply@office.example.org", sender_name="Kantor", password="x"
)
DELIVERY = uuid.UUID(int=7)
AT = dt.datetime(2026, 3, 6, 7, tzinfo=dt.UTC)


def test_a_mail_says_who_writes_that_a_machine_wrote_it_and_which_delivery_it_is() -> None:
    message = Message("Permohonan – LBG", "Yth. Pemohon,\n\nSudah kami terima – terima kasih.\n", "id")
    mail = compose(message, to="pemohon@example.org", server=SERVER, delivery=DELIVERY, at=AT)
    assert mail["From"] == "Kantor <no-reply@office.example.org>"
    assert mail["Message-ID"] == f"<{DELIVERY}@office.example.org>"
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "id")
    assert mail.get_content() == message.text
    assert bytes(mail).isascii()


def test_the_same_delivery_has_the_same_message_id_every_time() -> None:
    first, second = (
        compose(Message("s", "t", "en"), to="a@example.org", server=SERVER, delivery=DELIVERY, at=at)
        for at in (AT, AT + dt.timedelta(hours=1))
    )
    assert first["Message-ID"] == second["Message-ID"]


def test_an_international_domain_is_written_in_its_ascii_form() -> None:
    assert plain_address(" pemohon@bücher.example ") == "pemohon@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "address",
    [
        "", "pemohon", "@example.org", "pemohon@", "pemohon@example.org\r\nBcc: x@example.org", "a b@example.org",
        "pemöhon@example.org", "a@example.org, b@example.org", "a@" + "x" * 70 + ".example", "\x00@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(BadAddress) as refused:
        plain_address(address)
    assert not address or address not in str(refused.value)


def test_a_contact_and_a_password_never_show_in_a_text_form() -> None:
    contact = Contact(name="Pemohon Contoh", email="pemohon@example.org")
    assert f"{contact!r} {contact}" == "Contact(…) Contact(…)"
    assert "'x'" not in repr(SERVER)


def test_a_language_that_is_not_offered_is_written_in_indonesian() -> None:
    assert (Contact(language="en").reads, Contact(language="su").reads, Contact().reads) == ("en", "id", "id")
