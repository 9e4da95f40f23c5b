import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from services.intake.publishers import NotAPublisher, Publishers, PublishersError

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = b'{"a": 1}'
FILE = f"""
- name: treasury
  sources: ["//treasury.example/payments"]
  types: [fee_paid]
  secret: {SECRET}
- name: agency
  sources: ["//agency.example/"]
  types: ["*"]
  client: agency
"""


def load(folder: Path, text: str) -> Publishers:
    path = folder / "publishers.yaml"
    path.write_text(text)
    return Publishers.load(path)


def signed(secret: str = SECRET, *, minutes_ago: float = 0, body: bytes = BODY) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }


def test_a_signature_finds_its_publisher(tmp_path: Path) -> None:
    assert load(tmp_path, FILE).by_signature(signed(), BODY).name == "treasury"


def test_a_token_finds_its_publisher(tmp_path: Path) -> None:
    assert load(tmp_path, FILE).by_client("agency").name == "agency"


def test_a_token_of_nobody_in_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAPublisher):
        load(tmp_path, FILE).by_client("somebody")


def test_during_a_change_of_secret_one_of_two_signatures_is_enough(tmp_path: Path) -> None:
    headers = signed(OTHER)
    headers["webhook-signature"] += " " + signed()["webhook-signature"]
    assert load(tmp_path, FILE).by_signature(headers, BODY).name == "treasury"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (lambda: signed(OTHER), "No matching signature"),
        (lambda: signed(minutes_ago=6), "too old"),
        (lambda: signed(minutes_ago=-6), "too new"),
        (lambda: signed(body=b"other"), "No matching signature"),
        (lambda: {**signed(), "webhook-id": "msg_2"}, "No matching signature"),
        (lambda: {"webhook-signature": "v1,x"}, "Missing required headers"),
        (lambda: {**signed(), "webhook-signature": "nonsense"}, "cannot be read"),
        (lambda: {**signed(), "webhook-signature": "v1,%%%"}, ""),
        (lambda: {**signed(), "webhook-timestamp": "nan"}, "Invalid Signature Headers"),
    ],
)
def test_what_proves_nothing_is_refused_with_the_reason(
    tmp_path: Path, headers: Callable[[], dict[str, str]], reason: str
) -> None:
    with pytest.raises(NotAPublisher) as refusal:
        load(tmp_path, FILE).by_signature(headers(), BODY)  # signed now: a long run of tests outlives a timestamp
    assert reason in refusal.value.parameters["reason"]


def test_a_body_that_is_not_text_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotAPublisher):
        load(tmp_path, FILE).by_signature(signed(), b"\xff")


def test_without_a_file_there_are_no_publishers() -> None:
    with pytest.raises(NotAPublisher):
        Publishers.load(None).by_signature(signed(), BODY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- name: A B\n  sources: [x]\n  types: ['*']\n  client: a", "name"),
        ("- name: a\n  sources: [x]\n  types: [fee_payed]\n  client: a", "fee_payed"),
        ("- name: a\n  sources: [x]\n  types: ['*']", "neither a secret nor a client"),
        ("- name: a\n  sources: [x]\n  types: ['*']\n  secret: whsec_c2hvcnQ=", "no usable secret"),
        ("- name: a\n  sources: [x]\n  types: ['*']\n  secret: plain", "no usable secret"),
        ("- name: a\n  sources: []\n  types: ['*']\n  client: a", "sources"),
        ("- name: a\n  sources: [x]\n  types: ['*']\n  client: a\n  secrets: x", "secrets"),
        (FILE + FILE, "same name"),
        ("name: a", "Expected"),
        ("- [", ""),
    ],
)
def test_a_file_that_cannot_be_used_is_explained(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(PublishersError, match=r"publishers\.yaml") as error:
        load(tmp_path, text)
    assert reason in str(error.value)


def test_a_file_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(PublishersError, match=r"nowhere\.yaml"):
        Publishers.load(tmp_path / "nowhere.yaml")


def test_an_empty_file_has_no_publishers(tmp_path: Path) -> None:
    load(tmp_path, "")


def test_a_publisher_does_not_show_its_secret(tmp_path: Path) -> None:
    assert SECRET not in repr(load(tmp_path, FILE).by_signature(signed(), BODY))
