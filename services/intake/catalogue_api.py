"""What can be applied for, where, and what the reason codes mean. Data that changes with a release: cached by ETag."""

import hashlib
from typing import Any, Final

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath
from msgspec import Struct

from contracts.catalogue import Catalogue, Choosing, Fee, HowToPay, Names, Office, Service, Text
from contracts.facts import Labels
from runtime.conditional import etag, is_unchanged, not_modified
from services.intake import domain
from services.intake.refusals import Refused

CACHE: Final = {"Cache-Control": "public, max-age=60", "Vary": "Accept-Encoding"}


class ServiceNotFound(Refused):
    """There is nothing at this address. Parameters: service."""

    slug = "service-not-found"


class ServiceSummary(Struct, frozen=True, kw_only=True):
    """A service in the list."""

    code: str
    version: int
    labels: Labels
    summary: Text
    category: str
    product: str
    offices: list[str]
    fees: list[Fee]
    who: list[Text]
    also_called: list[Labels]


class Services(Struct, frozen=True, kw_only=True):
    """Every service that applicants can choose."""

    services: list[ServiceSummary]


class Offices(Struct, frozen=True, kw_only=True):
    """Every office."""

    offices: list[Office]


class Reasons(Struct, frozen=True, kw_only=True):
    """The words of every reason code."""

    reasons: dict[str, Text]


class LeadingQuestions(Struct, frozen=True, kw_only=True):
    """The questions that lead to a service, where the catalogue has them."""

    choosing: Choosing | None


class Paying(Struct, frozen=True, kw_only=True):
    """How and where fees are paid, where the catalogue says it."""

    how_to_pay: HowToPay | None


class CatalogueAnswers:
    """The catalogue, encoded once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._services = {code: _encoded(service) for code, service in catalogue.services.items()}
        self.services = _encoded(Services(services=[_summary(one, catalogue) for one in _published(catalogue)]))
        self.offices = _encoded(Offices(offices=list(catalogue.offices.values())))
        self.reasons = _encoded(Reasons(reasons=catalogue.reasons))
        self.names = _encoded(catalogue.names)
        self.choosing = _encoded(LeadingQuestions(choosing=catalogue.choosing))
        self.paying = _encoded(Paying(how_to_pay=catalogue.how_to_pay))

    def service(self, code: str) -> "Encoded":
        """Raises `ServiceNotFound`."""
        if (found := self._services.get(code)) is None:
            raise ServiceNotFound(service=code[:64])
        return found


class Encoded(Struct, frozen=True):
    """Ready bytes and their entity tag."""

    body: bytes
    tag: str

    def answer(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """The body, or 304 where the caller has it."""
        if is_unchanged(request, self.tag):
            return not_modified(self.tag, **CACHE)
        return Response(self.body, media_type="application/json", headers=CACHE | {"ETag": self.tag})


def _encoded(value: Struct) -> Encoded:
    body = msgspec.json.encode(value)
    return Encoded(body, etag(hashlib.sha256(body).hexdigest()[:32]))


def _published(catalogue: Catalogue) -> list[Service]:
    return [service for service in catalogue.services.values() if service.published]


def _summary(service: Service, catalogue: Catalogue) -> ServiceSummary:
    return ServiceSummary(
        code=service.code,
        version=service.version,
        labels=service.labels,
        summary=service.summary,
        category=service.category,
        product=service.product,
        offices=[office.code for office in catalogue.offices.values() if domain.is_offered(service, office)],
        fees=service.fees,
        who=service.who,
        also_called=service.also_called,
    )


@get("/services", sync_to_thread=False)
def list_services(request: Request[Any, Any, Any], catalogue_answers: CatalogueAnswers) -> Response[Services]:
    """Every service that applicants can choose, in Indonesian and English."""
    return catalogue_answers.services.answer(request)


@get("/services/{code:str}", sync_to_thread=False)
def show_service(
    request: Request[Any, Any, Any], catalogue_answers: CatalogueAnswers, code: FromPath[str]
) -> Response[Service]:
    """One service: requirements, procedure, fees, deadlines, stages."""
    return catalogue_answers.service(code).answer(request)


@get("/offices", sync_to_thread=False)
def list_offices(request: Request[Any, Any, Any], catalogue_answers: CatalogueAnswers) -> Response[Offices]:
    """Every office."""
    return catalogue_answers.offices.answer(request)


@get("/reasons", sync_to_thread=False)
def list_reasons(request: Request[Any, Any, Any], catalogue_answers: CatalogueAnswers) -> Response[Reasons]:
    """The words of every reason code, in Indonesian and English."""
    return catalogue_answers.reasons.answer(request)


@get("/names", sync_to_thread=False)
def list_names(request: Request[Any, Any, Any], catalogue_answers: CatalogueAnswers) -> Response[Names]:
    """What categories, products, examinations, agencies and legal remedies are called, by code."""
    return catalogue_answers.names.answer(request)


@get("/choosing", sync_to_thread=False)
def show_choosing(request: Request[Any, Any, Any], catalogue_answers: CatalogueAnswers) -> Response[LeadingQuestions]:
    """Questions that lead to the right service, as a tree: begin with `first`; each answer leads on or ends."""
    return catalogue_answers.choosing.answer(request)


@get("/paying", sync_to_thread=False)
def show_paying(request: Request[Any, Any, Any], catalogue_answers: CatalogueAnswers) -> Response[Paying]:
    """How and where a billing code is paid."""
    return catalogue_answers.paying.answer(request)


CATALOGUE_ROUTES: Final = Router(
    "/",
    route_handlers=[
        list_services, show_service, list_offices, list_reasons, list_names, show_choosing, show_paying,
    ],
    tags=["catalogue"],
)  # fmt: skip
