"""`/petugas/kasus/{number}/langkah/{step}`: a command as a form, then in the applicant's words, then sent."""

import asyncio
import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from runtime.addresses import segment
from services.portal.forms import Form, FormErrors
from services.portal.language import LANGUAGES
from services.portal.officers.consequences import consequences
from services.portal.officers.reading import ACTORS, path_of, read_case, wished_fees
from services.portal.officers.sending import Sending, fee_groups, placeholders, sending
from services.portal.officers.steps import Step, fact_words, offered_step, step_of
from services.portal.portal import Asked, Portal
from services.portal.refusals import NOT_FOUND, refusal
from services.portal.upstream import STAFF, Refused, no_call
from services.portal.visit import Visit

_SHOWN_REFUSALS = (400, 409, 412, 422)


def step_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """The pages of a step."""

    @get("/petugas/kasus/{number:str}/langkah/{slug:str}", include_in_schema=False)
    async def ask(request: Asked, number: FromPath[str], slug: FromPath[str]) -> Response[Any]:
        """The form, filled with what the link says (e.g. which opinion)."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        step = step_of(slug)
        if step is None:
            return refusal(visit, NOT_FOUND)
        (case, choices), wished = await asyncio.gather(
            read_case(portal, visit, number),
            wished_fees(portal, visit, number) if "fees" in step.fields else no_call([]),
        )
        pages = _Pages(portal, visit, step, case, choices, wished=wished)
        given = Form(_chosen(wished, choices) | {name: [value] for name, value in request.query_params.items()})
        return pages.form(given) if step.fields else pages.preview(given, Sending(_bare(step), {}))

    @post("/petugas/kasus/{number:str}/langkah/{slug:str}", status_code=200, include_in_schema=False)
    async def send(request: Asked, number: FromPath[str], slug: FromPath[str]) -> Response[Any]:
        """What the applicant will read of it; or, when that was seen, the command itself."""
        visit = portal.visit(request)
        visit.require(*ACTORS)
        step = step_of(slug)
        if step is None:
            return refusal(visit, NOT_FOUND)
        given = await visit.form()
        pages = _Pages(portal, visit, step, *await read_case(portal, visit, number))
        made = sending(step, given, pages.case, pages.choices, visit.speech.zone)
        if made.errors or given.get("act") == "change":
            return pages.form(given, made.errors if given.get("act") != "change" else {})
        if given.get("act") != "send":
            return pages.preview(given, made)
        return await _command(pages, given, made)

    return [ask, send]


def _chosen(wished: list[str], choices: dict[str, Any]) -> dict[str, list[str]]:
    """The fields as they are when the officer agrees to the fees that the applicant wished for."""
    groups = {
        name: [fee["code"] for fee in fees if fee["code"] in wished]
        for name, fees in fee_groups(choices["fees"]).items()
    }
    return {name: codes[:1] for name, codes in groups.items() if codes}


def _bare(step: Step) -> dict[str, Any]:
    return {"outcome": step.outcome} if step.outcome else {}


async def _command(pages: "_Pages", given: Form, made: Sending) -> Response[Any]:
    """Send it on the version that the officer saw; what stands against it is shown with the input kept."""
    visit, body = pages.visit, dict(made.body)
    if "secret" in pages.step.fields:
        body["link"] = digest_of(given.get("secret"))
    version = given.get("version")
    headers = {"If-Match": f'"{version}"' if version.isascii() and version.isdigit() else '""'}
    if given.once:
        headers["Idempotency-Key"] = given.once
    path = f"/cases/{segment(pages.case['number'])}/{pages.step.command}"
    try:
        await pages.portal.processing.post(path, visit, auth=STAFF, json=body, headers=headers)
    except Refused as refused:
        if refused.status not in _SHOWN_REFUSALS:
            raise
        if refused.status == 412:
            return pages.form(given, status_code=412, changed=refused.extensions.get("changed", []))
        return pages.form(given, {pages.first_field: refused.words(visit.language)}, status_code=refused.status)
    if "secret" in pages.step.fields:
        return visit.page(
            "officers/link.html", case=pages.case, path=path_of(pages.case["number"]),
            link=f"{visit.origin}/pendapat/{given.get('secret')}",
        )  # fmt: skip
    visit.flash("success", visit._("Sudah dikirim: %(step)s.", step=visit._(pages.step.title)))
    return visit.redirect(path_of(pages.case["number"]))


def digest_of(secret: str) -> str:
    """What is told of a link's secret: SHA-256 in base64url without padding."""
    return urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()


class _Pages:
    """The pages of one step of one case."""

    def __init__(
        self, portal: Portal, visit: Visit, step: Step, case: dict[str, Any], choices: dict[str, Any],
        *, wished: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.portal = portal
        self.visit = visit
        self.step = step
        self.case = case
        self.choices = choices
        self.wished = wished
        """The fees that the applicant chose."""

    @property
    def first_field(self) -> str:
        """Where what stands against the whole command is said."""
        return "step"

    def form(
        self,
        given: Form,
        errors: FormErrors | None = None,
        *,
        status_code: int | None = None,
        changed: list[dict[str, Any]] | None = None,
    ) -> Response[Any]:
        """The form with what was given; `changed`: what happened since the officer read the case."""
        reasons = self.choices["reasons"].get(self.step.reasons, [])
        offer = offered_step(self.case, self.step)
        return self.visit.page(
            "officers/step.html",
            status_code=status_code or (422 if errors else 200),
            step=self.step,
            case=self.case,
            choices=self.choices,
            path=path_of(self.case["number"]),
            given=given,
            errors={name: self.visit._(text) for name, text in (errors or {}).items()},
            changed=changed or [],
            refused=offer.refusal if offer and not offer.allowed else None,
            done=bool(offer and offer.done),
            reasons=reasons,
            parameters=placeholders(reasons),
            placeholders=placeholders,
            named=self._named,
            worded=self._worded,
            opinions_of=self._opinions,
            problems_of=self._problems,
            groups=fee_groups(self.choices["fees"]),
            wished=self.wished,
            secret=given.get("secret") or secrets.token_urlsafe(32),
            fact_words=fact_words,
        )

    def _named(self, items: list[dict[str, Any]]) -> list[tuple[str, str]]:
        return [(one["code"], self.visit.text(one["labels"])) for one in items]

    def _worded(self, items: list[dict[str, Any]]) -> list[tuple[str, str]]:
        return [(one["code"], self.visit.text(one["words"])) for one in items]

    def _opinions(self, case: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Those that are awaited, by body, with their question."""
        return [
            (str(one["opinion"]), self.visit.text(one["body"]["labels"]), self.visit.text(one["question"]["words"]))
            for one in case["opinions"]
            if one["state"] in ("awaited", "late", "expired")
        ]

    def _problems(self, case: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Those that wait to be put right, by sum and day, with what was wrong."""
        return [
            (
                str(one["version"]),
                f"{self.visit.speech.money(one['amount'], one['currency'])}, {self.visit.speech.day(one['paid_at'])}",
                self.visit.text(one["reason"]["words"]),
            )
            for one in case["payment_problems"]
            if one["settled"] is None
        ]

    def preview(self, given: Form, made: Sending) -> Response[Any]:
        """What the applicant will read, and the button that sends it."""
        offer = offered_step(self.case, self.step)
        if offer is not None and not offer.allowed:
            return self.form(given)
        speeches = [self.portal.pages.speeches[language] for language in LANGUAGES]
        return self.visit.page(
            "officers/preview.html",
            step=self.step,
            case=self.case,
            path=path_of(self.case["number"]),
            given=given,
            kept=[(name, value) for name in given.values if name not in _OURS for value in given.all(name)],
            version=given.get("version") or str(self.case["version"]),
            told=consequences(self.step, made.body, self.case, self.choices, speeches),
        )


_OURS = frozenset({"csrf", "once", "act", "version"})
