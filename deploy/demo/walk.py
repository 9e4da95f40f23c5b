"""One application on its way through the stages that the catalogue declares, with what its plan has go differently."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contracts.catalogue import Catalogue, Stage
from deploy.demo.calling import Caller, Gate
from deploy.demo.day import End, Paying, Plan
from deploy.demo.ledger import Ledger
from deploy.demo.people import Applicant, Case, Officer, Treasury

_LATE_MIN: Final = 150.0
_SHORT: Final = 50_000
"""So much too little is paid where the wrong amount is."""
_ABROAD: Final = "immigration_regional_office"
_DOMAIN: Final = "example.org"
_LEFT_OPEN: Final = {End.UNPAID: "fee_paid", End.IN_WORK: "decided", End.ISSUED: "collected"}
"""The fact that does not come any more today."""
_COMMANDS: Final = {
    "documents_verified": "verify-documents",
    "fee_assessed": "assess-fee",
    "invited": "invite",
    "examined": "examine",
    "issued": "issue",
    "collected": "hand-over",
}
"""The officer's command that leads to a fact."""


@dataclass(frozen=True)
class Pace:
    """How fast the day passes: real seconds to a minute of the day. Zero: without pauses."""

    minute_s: float = 0.0

    async def after(self, minutes: float) -> None:
        """Let so many minutes of the day pass."""
        await asyncio.sleep(minutes * self.minute_s)


@dataclass(frozen=True)
class Cast:
    """Everybody who acts. `desk` is intake as an officer calls it, `officer` works at the counter, `supervisor` decides."""

    catalogue: Catalogue
    intake: Caller
    desk: Caller
    officer: Officer
    supervisor: Officer
    treasury: Treasury
    ledger: Ledger
    gate: Gate


class Walk:
    """One application. `tell` hears of each step as it is done."""

    def __init__(self, cast: Cast, plan: Plan, pace: Pace, tell: Callable[[str], None] = lambda _: None) -> None:
        self._cast = cast
        self._plan = plan
        self._pace = pace
        self._tell = tell
        self._gaps = iter(plan.gaps_min)
        self._service = cast.catalogue.services[plan.service]

    async def go(self, name: str) -> str:
        """From the draft to the plan's end, for an applicant called `name`. Returns the tracking number."""
        applicant = await self._hand_in(name)
        await self._pause()
        case = await self._cast.officer.case(applicant.number, lambda _: True, "processing opens a case")
        if self._plan.end is End.WITHDRAWN:
            await applicant.withdraw("applied_again")
            return applicant.number
        if self._plan.asked_for:
            asked = await self._ask(case, self._plan.asked_for)
            if self._plan.end is End.AWAITING:
                return applicant.number
            case = await self._supply(applicant, asked, self._plan.asked_for)
        for stage in self._service.stages:
            following = await self._reach(stage, case)
            if following is None:
                break
            case = following
            await self._pause()
        return applicant.number

    async def _hand_in(self, name: str) -> Applicant:
        plan = self._plan
        address = name.lower().replace(" ", ".")
        contact = {"email": f"{address}@{_DOMAIN}"} if plan.has_email else {"phone": "+62 000 0000 0000"}
        person = {"name": name, "language": plan.language, **contact}
        draft = {"service": plan.service, "channel": plan.channel, "applicant": person}
        desk = self._cast.desk if plan.channel == "desk" else None
        applicant = await Applicant.open_draft(self._cast.intake, self._cast.ledger, draft, desk)
        needed = [item.code for item in self._service.requirements if item.mandatory]
        for requirement in needed:
            await applicant.attach(requirement)
        await applicant.submit()
        self._tell(f"applicant  hands in an application with {len(needed)} documents")
        return applicant

    async def _ask(self, case: Case, requirement: str) -> Case:
        wanted = {"requirement": requirement, "reason": {"code": self._plan.request_reason}}
        case = await self._cast.officer.command(
            case, "request-documents", "documents_requested", {"documents": [wanted]}
        )
        self._tell(f"officer    asks for one document again: {requirement} ({self._plan.request_reason})")
        return case

    async def _supply(self, applicant: Applicant, case: Case, requirement: str) -> Case:
        await self._pause()
        await applicant.supply(requirement)
        self._tell(f"applicant  supplies {requirement}")
        await self._pause()
        return await self._cast.officer.case(
            case["number"], lambda now: not now["requested"], "processing hears of the supplied document"
        )

    async def _reach(self, stage: Stage, case: Case) -> Case | None:
        """What leads to `stage`; None where the application goes no further today."""
        fact = stage.reached_by
        if fact == _LEFT_OPEN.get(self._plan.end):
            return None
        match fact:
            case "fee_paid":
                return await self._pay(case)
            case "decided":
                return await self._decide(case)
            case "transferred" if not stage.optional:
                return await self._ask_superior(case)
        command = _COMMANDS.get(fact)
        if command is None or (fact == "invited" and not self._plan.is_invited):
            return case
        return await self._command(self._cast.officer, case, command, fact, self._body(fact))

    def _body(self, fact: str) -> dict[str, Any]:
        match fact:
            case "fee_assessed":
                return {"fees": list(self._plan.fees)}
            case "invited":
                at = (datetime.now(UTC) + timedelta(days=1)).replace(hour=3, minute=0, second=0, microsecond=0)
                return {"examination": "biometrics", "at": at.isoformat()}
            case "examined":
                return {"examinations": ["interview", "biometrics"]}
        return {}

    async def _command(
        self, who: Officer, case: Case, name: str, fact: str, body: dict[str, Any] | None = None
    ) -> Case:
        case = await who.command(case, name, fact, body)
        self._tell(f"{'supervisor' if who is self._cast.supervisor else 'officer   '} {_WORDS[name]}")
        return case

    async def _decide(self, case: Case) -> Case | None:
        supervisor = self._cast.supervisor
        match self._plan.end:
            case End.PAUSED:
                body: dict[str, Any] = {"reason": {"code": "blank_shortage"}}
                await self._command(supervisor, case, "pause", "paused", body)
                return None
            case End.REFUSED:
                body = {"outcome": "refused", "reasons": [{"code": self._plan.refusal_reason}]}
                await self._command(supervisor, case, "decide", "decided", body)
                return None
        body = {"outcome": "approved", "reasons": [{"code": "requirements_met"}]}
        return await self._command(supervisor, case, "decide", "decided", body)

    async def _ask_superior(self, case: Case) -> Case:
        """To the regional office for its approval, and back."""
        supervisor = self._cast.supervisor
        body = {"to": _ABROAD, "reason": {"code": "regional_approval"}}
        case = await self._command(supervisor, case, "transfer", "transferred", body)
        await self._pause()
        back = {"to": case["office"], "reason": {"code": "answer_received"}}
        return await self._command(supervisor, case, "transfer", "transferred", back)

    async def _pay(self, case: Case) -> Case:
        number, assessed = case["number"], case["assessments"][-1]
        code, amount = assessed["billing_code"], assessed["amount"]
        report, paid_at = self._cast.treasury.report, datetime.now(UTC)
        if self._plan.paying is Paying.LATE:
            await self._pace.after(_LATE_MIN)
        if self._plan.paying is Paying.WRONG:
            await report(number, code, amount - _SHORT, paid_at)
            await self._pause()
            paid_at = datetime.now(UTC)
        await report(number, code, amount, paid_at)
        if self._plan.paying is Paying.TWICE:
            await report(number, code, amount, datetime.now(UTC))
        self._tell(f"treasury   reports the payment of IDR {amount:,} for billing code {code}")
        await self._pause()
        return await self._cast.officer.case(
            number, lambda now: bool(now["payment"]), "processing hears of the payment"
        )

    async def _pause(self) -> None:
        await self._pace.after(next(self._gaps, 5.0))


_WORDS: Final = {
    "verify-documents": "verifies the documents",
    "assess-fee": "assesses the fee and issues a billing code",
    "invite": "invites the applicant",
    "examine": "examines: interview, photograph and fingerprints",
    "decide": "decides",
    "issue": "issues what was applied for",
    "hand-over": "hands it over",
    "pause": "pauses the case",
    "transfer": "passes the case on",
}
"""What a command is, told."""
