"""A session is what we sealed, whole and in time, or it is nothing."""

import base64
import time

import pytest
from cryptography.fernet import Fernet

from services.portal.session import APPLICATIONS, CHUNK_CHARS, Session, Sessions, SessionTooLarge, Staff

KEY, OTHER = Fernet.generate_key(), Fernet.generate_key()
FULL = Session(secret="s", applications={"LBG-0": "code"})


def sessions(*keys: bytes, hours: float = 1, secure: bool = False) -> Sessions:
    return Sessions(list(keys or (KEY,)), secure=secure, hours=hours)


def sealed(session: Session, by: Sessions | None = None) -> dict[str, str]:
    return {cookie.key: cookie.value or "" for cookie in (by or sessions()).close(session, {})}


def test_what_is_sealed_can_be_opened() -> None:
    assert sessions().open(sealed(FULL)) == FULL


def test_nothing_to_remember_is_no_cookie() -> None:
    assert sealed(Session()) == {}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-4],
        lambda text: text[4:],
        lambda text: text[:50] + ("A" if text[50] != "A" else "B") + text[51:],
        lambda text: base64.urlsafe_b64encode(b'{"staff": {"roles": ["auditor"]}}').decode(),
        lambda text: "ü" * 100,
        lambda text: "",
    ],
)
def test_what_was_changed_or_made_up_is_no_session(spoil: object) -> None:
    (name, text), = sealed(FULL).items()  # fmt: skip
    assert sessions().open({name: spoil(text)}) == Session()  # type: ignore[operator]


def test_a_session_of_another_key_is_none_until_that_key_is_known() -> None:
    cookies = sealed(FULL, sessions(OTHER))
    assert sessions(KEY).open(cookies) == Session()
    assert sessions(KEY, OTHER).open(cookies) == FULL


def test_a_session_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = sealed(FULL)
    hour_later = time.time() + 3601
    monkeypatch.setattr(time, "time", lambda: hour_later)
    assert sessions().open(cookies) == Session()


def test_long_tokens_go_into_several_cookies_and_leave_none_behind() -> None:
    long = Session(staff=staff(token="t" * 2 * CHUNK_CHARS))
    cookies = sealed(long)
    assert len(cookies) > 1
    assert sessions().open(cookies) == long
    after = sessions().close(FULL, cookies)
    taken_away = {cookie.key for cookie in after if cookie.max_age == 0}
    assert taken_away == set(cookies) - {"jejak"}


def test_what_no_browser_would_keep_is_refused() -> None:
    with pytest.raises(SessionTooLarge):
        sealed(Session(staff=staff(token="t" * 20_000)))


def test_cookies_are_out_of_reach_of_scripts_and_other_sites() -> None:
    (cookie,) = sessions(secure=True).close(FULL, {})
    assert (cookie.key, cookie.httponly, cookie.secure, cookie.samesite, cookie.path, cookie.domain) == (
        "__Host-jejak", True, True, "lax", "/", None,
    )  # fmt: skip


def test_only_the_latest_applications_are_remembered() -> None:
    session = Session()
    for n in range(APPLICATIONS + 2):
        session.remember(f"LBG-{n}", "code")
    session.remember("LBG-3", "new")
    assert list(session.applications)[-1] == "LBG-3"
    assert len(session.applications) == APPLICATIONS


def test_a_form_token_is_another_each_time_and_of_this_session_only() -> None:
    session, foreign = Session(), Session()
    first, second = session.form_token(), session.form_token()
    assert first != second
    assert session.is_form_token(first)
    assert session.is_form_token(second)
    assert not session.is_form_token(foreign.form_token())
    assert not session.is_form_token("")
    assert not Session().is_form_token(first)


def test_forms_of_before_a_sign_in_are_void_after_it() -> None:
    session = Session()
    before = session.form_token()
    session.renew()
    assert not session.is_form_token(before)


def test_nothing_personal_is_shown_where_a_session_is_printed() -> None:
    said = f"{Session(applications={'LBG-1': 'geheim'}, staff=staff(token='geheim'))!r} {staff(token='geheim')!r}"
    assert "geheim" not in said


def staff(token: str) -> Staff:
    return Staff(subject="o", name="O", roles=["officer"], access_token=token, expires_at=0)
