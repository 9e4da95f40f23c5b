"""Keys: the master keys from settings, and one data key per applicant from which everything else is derived.

AES-256-GCM (NIST SP 800-38D) and HKDF-SHA-256 (RFC 5869) from `cryptography`. A data key is 32 random bytes, stored only
wrapped by a master key. Destroying the wrapped key makes everything unreadable that it sealed: records, documents, the
access code, even the salts of the documents' commitments.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from contracts.number import ALPHABET

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ACCESS_CODE_SYMBOLS: Final = 20
"""100 bits, shown as five groups of four."""
GRANT_PREFIX: Final = "grant."
_GRANT_EXPIRY_BYTES: Final = 5
_GRANT_MAC_BYTES: Final = 16


class SealBroken(Exception):
    """A ciphertext is not what was sealed under this key for this record: tampered with, moved, or of another key."""


class MasterKeyError(ValueError):
    """The master key setting cannot be used; the message says why and what to do, never the key."""


def bound_to(*parts: str) -> bytes:
    """Associated data naming a record, unambiguous whatever is in the parts: each is prefixed with its length."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4) + part for part in encoded)


def seal(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """Nonce and ciphertext under `key`."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def unseal(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """The plaintext. Raises `SealBroken`."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the ciphertext does not belong to this key and record") from error


class ApplicantKey:
    """One applicant's data key. It never leaves the process unwrapped, and is never shown."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a data key is {KEY_BYTES} bytes")
        self._key = key

    @classmethod
    def new(cls) -> "ApplicantKey":
        """A random one."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def __repr__(self) -> str:
        return "ApplicantKey(…)"

    def derive(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """A key for one purpose (RFC 5869's `info`)."""
        return HKDFExpand(algorithm=SHA256(), length=length, info=b"jejak/intake/v1/" + purpose.encode()).derive(
            self._key
        )

    def seal_record(self, plaintext: bytes, associated: bytes) -> bytes:
        """Seal a record of this applicant, bound to `associated`."""
        return seal(self.derive("records"), plaintext, associated)

    def unseal_record(self, sealed: bytes, associated: bytes) -> bytes:
        """Raises `SealBroken`."""
        return unseal(self.derive("records"), sealed, associated)

    def document_key(self, document: str) -> bytes:
        """The key of one document's content; used for that content only, so that chunk numbers can be its nonces."""
        return self.derive(f"document/{document}")

    def document_salt(self, document: str) -> bytes:
        """The salt of a document's commitment, SHA-256(salt ‖ content).

        Derived, not stored: once the key is gone nobody can try contents against the commitment.
        """
        return self.derive(f"salt/{document}")

    def fingerprint(self, content_sha256: bytes) -> str:
        """The same for the same content of the same applicant, meaningless to everyone else."""
        digest = hmac.digest(self.derive("fingerprint"), content_sha256, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def grant(self, application: str, expires_at: int) -> str:
        """What stands in for the access code until `expires_at` (Unix time): proof of who it was made for, and no way to the code.

        A MAC under a key of its own, derived from the applicant's: it ends by itself, and at once when the key is destroyed.
        """
        expiry = expires_at.to_bytes(_GRANT_EXPIRY_BYTES)
        mac = hmac.digest(self.derive("grant"), bound_to("grant", application) + expiry, "sha256")[:_GRANT_MAC_BYTES]
        return GRANT_PREFIX + base64.urlsafe_b64encode(expiry + mac).decode()

    def grants(self, application: str, grant: str, now: int) -> bool:
        """Whether `grant` was made by `grant` for this application and has not expired, in constant time."""
        try:
            raw = base64.b64decode(grant.removeprefix(GRANT_PREFIX), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        expires_at = int.from_bytes(raw[:_GRANT_EXPIRY_BYTES])
        expected = self.grant(application, expires_at)
        return hmac.compare_digest(grant.encode(), expected.encode()) and now < expires_at

    def access_code(self) -> str:
        """The applicant's secret access code, e.g. `7F3K-9QXD-2M4T-8HVZ-0C1D`; always the same for the same key."""
        value = int.from_bytes(self.derive("access-code", 13)) >> 4
        symbols = "".join(ALPHABET[(value >> (5 * place)) & 31] for place in range(ACCESS_CODE_SYMBOLS))
        return "-".join(symbols[start : start + 4] for start in range(0, ACCESS_CODE_SYMBOLS, 4))


class WrappedKey(NamedTuple):
    """A data key as stored: under which master key, and the sealed bytes."""

    master_key: str
    sealed: bytes


class MasterKeys:
    """The master keys by id: the first wraps, all of them unwrap, so that a new one can be put in front of the old."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise MasterKeyError("JEJAK_MASTER_KEY holds no key")
        self._keys = dict(keys)
        self._current = next(iter(self._keys))
        self._blinding: dict[str, dict[str, bytes]] = {}

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self._keys)})"

    @classmethod
    def parse(cls, setting: str) -> "MasterKeys":
        """Of `[ID:]KEY[,[ID:]KEY…]`, each KEY 32 bytes as base64, base64url or 64 hexadecimal digits.

        Without an ID a key is named by the start of its hash. Raises `MasterKeyError`.
        """
        keys: dict[str, bytes] = {}
        for place, part in enumerate((part.strip() for part in setting.split(",")), start=1):
            name, _, text = part.rpartition(":")
            key = _decode_key(text, place)
            name = name or hashlib.sha256(b"jejak/master-key-id/v1" + key).hexdigest()[:8]
            if name in keys:
                raise MasterKeyError(f"JEJAK_MASTER_KEY has the key id {name!r} twice")
            keys[name] = key
        return cls(keys)

    @property
    def current(self) -> str:
        """The id of the key that wraps."""
        return self._current

    def blind(self, purpose: str, value: bytes) -> dict[str, bytes]:
        """HMAC-SHA-256 of `value` by the id of each master key, that of the current one first, under keys derived for `purpose`.

        The same for the same value; without the master key nobody can try values against it.
        """
        if purpose not in self._blinding:
            info = b"jejak/intake/v1/master/" + purpose.encode()
            self._blinding[purpose] = {
                name: HKDFExpand(algorithm=SHA256(), length=KEY_BYTES, info=info).derive(key)
                for name, key in self._keys.items()
            }
        return {name: hmac.digest(key, value, "sha256") for name, key in self._blinding[purpose].items()}

    def wrap(self, key: ApplicantKey, application: str) -> WrappedKey:
        """The data key of `application` as it can be stored."""
        bound = bound_to("applicant_keys", application, self._current)
        return WrappedKey(self._current, seal(self._keys[self._current], key._key, bound))

    def unwrap(self, wrapped: WrappedKey, application: str) -> ApplicantKey:
        """Raises `SealBroken`, also when the master key is not among ours."""
        master = self._keys.get(wrapped.master_key)
        if master is None:
            raise SealBroken(f"no master key {wrapped.master_key!r} in JEJAK_MASTER_KEY")
        return ApplicantKey(unseal(master, wrapped.sealed, bound_to("applicant_keys", application, wrapped.master_key)))

    def seal_answer(self, plaintext: bytes) -> bytes:
        """Seal an answer that is kept for `Idempotency-Key` and may hold an access code."""
        return (
            self._current.encode()
            + b":"
            + seal(self._keys[self._current], plaintext, bound_to("answer", self._current))
        )

    def unseal_answer(self, sealed: bytes) -> bytes:
        """Raises `SealBroken`."""
        name, _, rest = sealed.partition(b":")
        master = self._keys.get(name.decode("ascii", "replace"))
        if master is None:
            raise SealBroken("no master key of that id in JEJAK_MASTER_KEY")
        return unseal(master, rest, bound_to("answer", name.decode()))


def _decode_key(text: str, place: int) -> bytes:
    try:
        if len(text) == 2 * KEY_BYTES:
            key = bytes.fromhex(text)
        else:
            key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error) as error:
        raise MasterKeyError(f"key {place} of JEJAK_MASTER_KEY is neither base64 nor hexadecimal") from error
    if len(key) != KEY_BYTES:
        raise MasterKeyError(f"key {place} of JEJAK_MASTER_KEY has {len(key)} bytes instead of {KEY_BYTES}")
    return key
