"""What becomes of a mail with a link, and what it says."""

import datetime as dt
import uuid

import pytest

from contracts import catalogue
from services.notify.domain import Accepted, Failure, NotAccepted, State, Unknown
from services.notify.letters import Letters
from services.notify.link_source import Letter
from services.notify.links import LinkMail, after

BUSY = NotAccepted(Failure.SERVER_BUSY, permanent=False)
REFUSED = NotAccepted(Failure.RECIPIENT_REFUSED, permanent=True)


def planned() -> LinkMail:
    return LinkMail(uuid.uuid4(), uuid.uuid4())


def test_a_mail_that_a_server_took_is_sent() -> None:
    assert after(planned(), Accepted(), 8).state is State.SENT


def test_a_busy_server_is_asked_again_until_the_attempts_are_used_up() -> None:
    once = after(planned(), BUSY, 2)
    assert (once.state, once.reason) == (State.WAITING, "mail_server_busy")
    assert after(once, BUSY, 2).state is State.FAILED


def test_a_refused_recipient_is_final() -> None:
    assert after(planned(), REFUSED, 8).state is State.FAILED


def test_what_may_have_arrived_is_sent_once_more_and_not_a_third_time() -> None:
    once = after(planned(), Unknown(), 8)
    assert once.state is State.WAITING
    assert after(once, Unknown(), 8).state is State.FAILED


@pytest.mark.parametrize(("language", "path"), [("id", "/saya/tautan/"), ("en", "/en/saya/tautan/")])
@pytest.mark.parametrize("purpose", ["mine", "return"])
def test_a_letter_has_the_link_its_end_and_what_to_do_if_nobody_asked(language: str, path: str, purpose: str) -> None:
    until = dt.datetime(2026, 3, 6, 7, tzinfo=dt.UTC)
    letter = Letter(purpose, "a@example.org", "Pemohon", language, "sTOKEN", until, "LBG-1")  # type: ignore[arg-type]
    message = Letters(catalogue.load().offices["lebong"], "https://jejak.example/").render(letter)
    assert f"https://jejak.example{path}sTOKEN" in message.text
    assert "2026" in message.text
    assert ("Bukan Anda" if language == "id" else "Was it not you") in message.text
    assert ("LBG-1" in message.subject) is (purpose == "return")
