"""Who may publish to us: a YAML file that names every outside system, what it may say, and how it proves who it is.

- name: treasury
  sources: ["//simponi.example/payments"]     # exact, or a prefix that ends in /
  types: [fee_paid]                            # short names of the contracts' types, or "*"
  secret: whsec_…                              # signs per Standard Webhooks, and/or
  client: treasury                             # subject of its bearer tokens (role system)
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from standardwebhooks import Webhook, WebhookVerificationError

from contracts.facts import FACTS
from services.intake.refusals import Refused

_PREFIX: Final = "id.jejak.application."
_SUFFIX: Final = ".v1"
SHORT_NAMES: Final = {name.removeprefix(_PREFIX).removesuffix(_SUFFIX): name for name in FACTS}
EVERYTHING: Final = "*"
_LEAST_SECRET_BYTES: Final = 24
"""Standard Webhooks asks for 24 to 64 random bytes."""


class PublishersError(ValueError):
    """The file cannot be used; the message names file, publisher and fault, and never a secret."""


class NotAPublisher(Refused):
    """Nobody we know signed this. Parameters: reason."""

    slug = "not-a-publisher"


class Publisher(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One outside system."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    sources: Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(min_length=1)]
    types: Annotated[list[str], Meta(min_length=1)]
    secret: str | None = None
    client: str | None = None

    def __repr__(self) -> str:
        return f"Publisher({self.name})"

    def may_use(self, source: str) -> bool:
        """Whether events of `source` may come from this publisher."""
        return any(source == one or (one.endswith("/") and source.startswith(one)) for one in self.sources)

    def may_say(self, type: str) -> bool:
        """Whether events of the CloudEvents `type` may come from this publisher."""
        return EVERYTHING in self.types or any(SHORT_NAMES.get(one) == type for one in self.types)


class Publishers:
    """All publishers, found by what they prove."""

    def __init__(self, publishers: Sequence[Publisher]) -> None:
        self._by_client = {one.client: one for one in publishers if one.client}
        self._signers = [(one, Webhook(one.secret)) for one in publishers if one.secret]

    @classmethod
    def load(cls, path: Path | None) -> "Publishers":
        """Those of the file at `path`; none where there is no path. Raises `PublishersError`."""
        if path is None:
            return cls([])
        try:
            publishers = msgspec.yaml.decode(path.read_bytes(), type=list[Publisher] | None) or []
        except (msgspec.DecodeError, OSError) as error:
            raise PublishersError(f"JEJAK_PUBLISHERS: {path.name}: {error}") from error
        for publisher in publishers:
            if fault := _fault(publisher):
                raise PublishersError(f"JEJAK_PUBLISHERS: {path.name}: publisher {publisher.name!r} {fault}")
        for what in ("name", "client", "secret"):
            values = [value for one in publishers if (value := getattr(one, what)) is not None]
            if len(set(values)) < len(values):
                raise PublishersError(f"JEJAK_PUBLISHERS: {path.name}: two publishers have the same {what}")
        return cls(publishers)

    def by_client(self, subject: str) -> Publisher:
        """The publisher whose bearer tokens have this subject. Raises `NotAPublisher`."""
        if (publisher := self._by_client.get(subject)) is None:
            raise NotAPublisher(reason="the token is valid, but its subject is no client of the publishers file")
        return publisher

    def by_signature(self, headers: Mapping[str, str], body: bytes) -> Publisher:
        """The publisher whose secret made the Standard Webhooks signature of `body`.

        Raises `NotAPublisher` for a missing header, a timestamp more than 5 minutes off, or a signature of nobody we know.
        """
        reason = "no publisher has a secret here"
        for publisher, webhook in self._signers:
            try:
                webhook.verify(body, dict(headers), json_parse=False)
            except WebhookVerificationError as error:
                reason = str(error)
            except (
                ValueError
            ):  # the library lets malformed base64, a missing comma and bytes that are not UTF-8 through
                reason = "the signature or the body cannot be read"
            else:
                return publisher
        raise NotAPublisher(reason=reason)


def _fault(publisher: Publisher) -> str:
    if unknown := [one for one in publisher.types if one != EVERYTHING and one not in SHORT_NAMES]:
        return (
            f"has types that the contracts do not know: {', '.join(unknown)}; they are {', '.join(sorted(SHORT_NAMES))}"
        )
    if not publisher.secret and not publisher.client:
        return "has neither a secret nor a client, so that it could never prove who it is: add one"
    if publisher.secret and not _usable(publisher.secret):
        return "has no usable secret: whsec_ and the base64 of at least 24 random bytes are needed"
    return ""


def _usable(secret: str) -> bool:
    if not secret.startswith("whsec_"):
        return False
    try:
        return len(Webhook(secret)._whsecret) >= _LEAST_SECRET_BYTES
    except (ValueError, RuntimeError):
        return False
