import base64

import pytest

from services.intake.keys import ApplicantKey, MasterKeyError, MasterKeys, SealBroken, WrappedKey, bound_to
from services.intake.vault import record_address

HERE = record_address("LBG-1", "applicant", 1)


def master(byte: int, name: str = "") -> str:
    return (f"{name}:" if name else "") + base64.b64encode(bytes([byte]) * 32).decode()


def test_a_sealed_record_opens_under_its_key_and_address() -> None:
    key = ApplicantKey.new()
    assert key.unseal_record(key.seal_record(b"data", HERE), HERE) == b"data"


def test_sealing_the_same_twice_gives_different_bytes() -> None:
    key = ApplicantKey.new()
    assert key.seal_record(b"data", HERE) != key.seal_record(b"data", HERE)


@pytest.mark.parametrize("place", [0, 12, -1])
def test_a_record_changed_in_any_place_does_not_open(place: int) -> None:
    key = ApplicantKey.new()
    sealed = bytearray(key.seal_record(b"data", HERE))
    sealed[place] ^= 1
    with pytest.raises(SealBroken):
        key.unseal_record(bytes(sealed), HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        record_address("LBG-2", "applicant", 1),
        record_address("LBG-1", "note", 1),
        record_address("LBG-1", "applicant", 2),
        bound_to("other_table", "LBG-1", "applicant", "1"),
    ],
)
def test_a_record_moved_elsewhere_does_not_open(elsewhere: bytes) -> None:
    key = ApplicantKey.new()
    with pytest.raises(SealBroken):
        key.unseal_record(key.seal_record(b"data", HERE), elsewhere)


def test_a_record_does_not_open_under_another_applicants_key() -> None:
    with pytest.raises(SealBroken):
        ApplicantKey.new().unseal_record(ApplicantKey.new().seal_record(b"data", HERE), HERE)


def test_a_truncated_record_does_not_open() -> None:
    key = ApplicantKey.new()
    with pytest.raises(SealBroken):
        key.unseal_record(key.seal_record(b"data", HERE)[:8], HERE)


def test_addresses_are_unambiguous_whatever_is_in_their_parts() -> None:
    assert bound_to("a", "bc") != bound_to("ab", "c")


def test_a_wrapped_key_opens_for_its_application_only() -> None:
    keys, key = MasterKeys.parse(master(1)), ApplicantKey.new()
    wrapped = keys.wrap(key, "LBG-1")
    assert keys.unwrap(wrapped, "LBG-1").access_code() == key.access_code()
    with pytest.raises(SealBroken):
        keys.unwrap(wrapped, "LBG-2")


def test_a_wrapped_key_does_not_open_under_another_master_key() -> None:
    wrapped = MasterKeys.parse(master(1, "k")).wrap(ApplicantKey.new(), "LBG-1")
    with pytest.raises(SealBroken):
        MasterKeys.parse(master(2, "k")).unwrap(wrapped, "LBG-1")


def test_a_key_wrapped_before_the_master_key_changed_still_opens() -> None:
    key = ApplicantKey.new()
    wrapped = MasterKeys.parse(master(1, "old")).wrap(key, "LBG-1")
    both = MasterKeys.parse(f"{master(2, 'new')},{master(1, 'old')}")
    assert both.unwrap(wrapped, "LBG-1").access_code() == key.access_code()
    assert both.wrap(key, "LBG-1").master_key == "new"


def test_a_key_of_a_master_key_that_is_gone_does_not_open() -> None:
    with pytest.raises(SealBroken, match="no master key 'old'"):
        MasterKeys.parse(master(1, "new")).unwrap(WrappedKey("old", b"x" * 60), "LBG-1")


@pytest.mark.parametrize("setting", ["", "abc", "zz" * 32, base64.b64encode(b"short").decode(), f"{master(1)},"])
def test_a_master_key_that_cannot_be_used_is_named_by_its_place_and_never_shown(setting: str) -> None:
    with pytest.raises(MasterKeyError) as error:
        MasterKeys.parse(setting)
    assert len(setting) < 8 or setting not in str(error.value)


def test_master_keys_may_be_hexadecimal_or_base64url_without_padding() -> None:
    key = b"\xfb" * 32
    wrapped = MasterKeys.parse(key.hex()).wrap(ApplicantKey.new(), "LBG-1")
    MasterKeys.parse(base64.urlsafe_b64encode(key).rstrip(b"=").decode()).unwrap(wrapped, "LBG-1")


def test_two_master_keys_of_one_id_are_refused() -> None:
    with pytest.raises(MasterKeyError, match="twice"):
        MasterKeys.parse(f"{master(1, 'a')},{master(2, 'a')}")


def test_keys_do_not_show_themselves() -> None:
    assert repr(ApplicantKey(b"k" * 32)) == "ApplicantKey(…)"
    assert repr(MasterKeys.parse(master(107, "a"))) == "MasterKeys(a)"


def test_an_access_code_is_five_groups_of_four_and_always_the_same_for_its_key() -> None:
    code = ApplicantKey(bytes(range(32))).access_code()
    assert [len(group) for group in code.split("-")] == [4] * 5
    assert code == ApplicantKey(bytes(range(32))).access_code()
    assert code != ApplicantKey.new().access_code()


def test_an_answer_kept_for_a_repeated_request_is_sealed() -> None:
    keys = MasterKeys.parse(master(1))
    sealed = keys.seal_answer(b"access code")
    assert b"access" not in sealed
    assert keys.unseal_answer(sealed) == b"access code"
    with pytest.raises(SealBroken):
        keys.unseal_answer(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(SealBroken):
        keys.unseal_answer(b"no such key:" + sealed)
