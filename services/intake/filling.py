"""Filling in a draft: the applicant's data and the form, read back and replaced until the application is handed in."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from contracts.catalogue import Catalogue
from runtime.eventstore import EventStore, NewEvent, decide
from services.intake import domain, journal
from services.intake.applicant import Applicant, Remark, check_applicant, encode_applicant
from services.intake.application import UnknownNumber
from services.intake.domain import Application
from services.intake.form import (
    Form,
    Representative,
    check_answers,
    check_fees,
    check_needs,
    check_representative,
    decode_form,
    encode_form,
)
from services.intake.vault import APPLICANT_FIELD, FORM_FIELD, Vault


class Filling:
    """What applicants fill in. Each change is refused with `AlreadySubmitted` once the application was handed in."""

    def __init__(
        self, *, store: EventStore, vault: Vault, catalogue: Catalogue, source: str, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._vault = vault
        self._catalogue = catalogue
        self._source = source
        self._clock = clock

    async def applicant(self, number: str) -> Applicant:
        """The applicant's own data. Raises `UnknownNumber`."""
        if (applicant := await self._vault.applicant(number)) is None:
            raise UnknownNumber()
        return applicant

    async def replace_applicant(self, number: str, applicant: Applicant) -> list[Remark]:
        """Remarks on what looks unusual. Raises `InvalidApplicant`, `AlreadySubmitted`, `UnknownNumber`."""
        remarks = check_applicant(applicant)
        await self._changeable(number)
        await self._change(number, APPLICANT_FIELD, lambda _: encode_applicant(applicant))
        return remarks

    async def form(self, number: str) -> tuple[Form, list[str]]:
        """What was filled in, and the requirements without a document by it; none once the application was handed in."""
        application = journal.read(await self._store.load(number))
        if application is None or application.abandoned_at:
            raise UnknownNumber()
        form = decode_form(await self._vault.record(number, FORM_FIELD))
        if application.submitted_at:
            return form, []
        service = domain.find_service(self._catalogue, application.service)
        return form, domain.missing_requirements(application, service, form.answers)

    async def answer(self, number: str, answers: dict[str, str]) -> Form:
        """Replace the answers to the form's questions. Raises `InvalidForm`, `AlreadySubmitted`, `UnknownNumber`."""
        draft = await self._changeable(number)
        check_answers(domain.find_service(self._catalogue, draft.service), answers)
        return await self._change_form(number, lambda form: msgspec.structs.replace(form, answers=answers))

    async def represent(self, number: str, representative: Representative | None) -> Form:
        """Say who files for the applicant, or nobody. Raises as `answer`."""
        check_representative(representative)
        await self._changeable(number)
        return await self._change_form(
            number, lambda form: msgspec.structs.replace(form, representative=representative)
        )

    async def need(self, number: str, needs: list[str]) -> Form:
        """Replace the kinds of assistance that are needed at a visit. Raises as `answer`."""
        draft = await self._changeable(number)
        needs = list(dict.fromkeys(needs))
        check_needs(domain.find_office(self._catalogue, draft.office), needs)
        return await self._change_form(number, lambda form: msgspec.structs.replace(form, needs=needs))

    async def choose_fees(self, number: str, fees: list[str]) -> Form:
        """Replace the fees chosen, at most one of each group. Raises as `answer`."""
        draft = await self._changeable(number)
        office = domain.find_office(self._catalogue, draft.office)
        today = self._clock().astimezone(ZoneInfo(office.time_zone)).date()
        check_fees(domain.find_service(self._catalogue, draft.service), fees, today)
        return await self._change_form(number, lambda form: msgspec.structs.replace(form, fees=fees))

    async def _changeable(self, number: str) -> Application:
        """The draft, whose time to be kept begins anew."""
        at = self._clock()

        def events(draft: Application | None) -> list[NewEvent]:
            if draft is None or draft.abandoned_at:
                raise UnknownNumber()
            return journal.write(domain.change(draft, at), number=number, at=at, source=self._source)

        draft, _ = await decide(self._store, number, journal.read, events)
        if draft is None:
            raise UnknownNumber()
        return draft

    async def _change_form(self, number: str, change: Callable[[Form], Form]) -> Form:
        form = Form()

        def changed(before: bytes | None) -> bytes:
            nonlocal form
            form = change(decode_form(before))
            return encode_form(form)

        await self._change(number, FORM_FIELD, changed)
        return form

    async def _change(self, number: str, field: str, change: Callable[[bytes | None], bytes]) -> None:
        if not await self._vault.change(number, field, change):
            raise UnknownNumber()
