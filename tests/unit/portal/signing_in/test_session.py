"""Where a sign-in leads, and what it makes of a session."""

import time

import msgspec
import pytest

from services.portal.session import Flash, Session, Staff
from services.portal.signing_in.entering import SIGN_IN_S, begin, enter, leave, under_way
from services.portal.signing_in.returning import home_of, own_path

RATNA = Staff(subject="ratna", name="Ratna", roles=["officer"], access_token="t", expires_at=0)
BAGUS = msgspec.structs.replace(RATNA, subject="bagus", roles=["auditor"])


@pytest.mark.parametrize(
    "path",
    ["/petugas", "/petugas?layanan=x&urut=due", "/", "/lacak/LBG-7F3K-9QXD-2M4T-8HVZ-C", "/audit/x?pada=2026-03-02T09:12:00Z", "/a/%2F%2Fb"],
)  # fmt: skip
def test_own_paths_are_returned_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    ("asked", "path"), [("/en/petugas", "/petugas"), ("/en", "/"), ("/en?x=1", "/?x=1"), ("/english", "/english")]
)
def test_the_language_is_not_part_of_where_to_return(asked: str, path: str) -> None:
    assert own_path(asked) == path


@pytest.mark.parametrize(
    "asked",
    [
        "", "petugas", "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "/\t/evil.example", "/\n/evil.example", " /petugas", "/petugas\r\nSet-Cookie: a=b", "javascript:alert(1)",
        "/en//evil.example", "/en/\\evil.example", "http:/petugas", "/a b", "/" + "x" * 1000, "/masuk", "/masuk/mulai",
        "/keluar", "/en/keluar", "/masuk?kembali=/masuk", "/\u2028/evil.example", "//[", "/en//[",
    ],
)  # fmt: skip
def test_other_places_are_not_returned_to(asked: str) -> None:
    assert own_path(asked) == ""


def test_everybody_begins_where_their_work_is() -> None:
    assert home_of(RATNA) == "/petugas"
    assert home_of(BAGUS) == "/audit"
    assert home_of(msgspec.structs.replace(RATNA, roles=["supervisor"])) == "/papan"
    assert home_of(msgspec.structs.replace(RATNA, roles=["operator"])) == "/"


def test_nothing_that_was_prepared_before_a_sign_in_stays() -> None:
    planted = Session(secret="known", applications={"LBG-1": "code"}, flash=[Flash("info", "x")], notes={"a": "b"})
    form = planted.form_token()
    enter(planted, RATNA)
    assert planted.staff == RATNA
    assert not planted.is_form_token(form)
    assert (planted.applications, planted.flash, planted.signing_in) == ({}, [], {})


def test_forms_that_were_open_stay_good_for_the_same_person_and_for_no_other() -> None:
    session = Session()
    enter(session, RATNA)
    form = session.form_token()
    session.staff = None  # it expired
    enter(session, RATNA)
    assert session.is_form_token(form)
    session.staff = None
    enter(session, BAGUS)
    assert not session.is_form_token(form)


def test_signing_out_leaves_an_empty_session() -> None:
    session = Session(applications={"LBG-1": "code"})
    enter(session, RATNA)
    leave(session)
    assert session == Session()


def test_a_sign_in_is_found_again_by_its_state_for_a_quarter_of_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    assert under_way(session, "") is None
    begin(session, state="s", nonce="n", verifier="v", back="/petugas", language="en")
    kept = under_way(session, "s")
    assert kept is not None
    assert (kept["nonce"], kept["verifier"], kept["back"], kept["language"]) == ("n", "v", "/petugas", "en")
    assert under_way(session, "") is None
    assert under_way(session, "é") is None
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + SIGN_IN_S + 5)
    assert under_way(session, "s") is None
