"""The page of cases: a search with every filter, or what is behind a figure. Auditors and supervisors."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
from litestar import Response
from msgspec import Struct

from services.portal.auditing import asking
from services.portal.boards.views import PARTY_NAMES
from services.portal.language import N_
from services.portal.portal import Portal
from services.portal.upstream import STAFF, Away, Refused
from services.portal.visit import Visit

_LIMIT = "50"
Names = Mapping[str, Mapping[str, str]]
"""What codes mean, by the condition that they stand in."""


class Filter(Struct, frozen=True):
    """A condition that holds, in words."""

    name: str
    value: str


async def cases_page(portal: Portal, visit: Visit, path: str, wrong: Mapping[str, str] | None = None) -> Response[Any]:
    """What the query asks for; `path` is this page's own, `wrong` what is known to be wrong already, by field.

    Raises `Refused`, `Away` only where it cannot be shown here.
    """
    query = visit.request.query_params
    params = asking.asked(query, visit.speech.zone)
    errors: dict[str, str] = dict(wrong or {})
    page: Mapping[str, Any] | None = None
    after, total = "", None
    try:
        answer = await portal.status.get(
            "/search", visit, params={**params, "limit": _LIMIT}, auth=STAFF, type=dict[str, Any]
        )
        page, after = answer.body, next_page(answer.headers.get("Link", ""), params, path, visit)
        if "counted" not in params and path == "/audit":
            total = await total_of(portal, visit, params)
    except Refused as refused:
        errors |= errors_of(refused, visit)
        if not errors:
            raise
    except Away:
        page = None
    names = await names_of(portal, visit)
    return visit.page(
        "auditing/cases.html",
        status_code=422 if errors else 200 if page is not None else 503,
        page=page,
        path=path,
        given={name: query.get(name, "") for name in (*asking.FILTERS, "sort", "nomor")},
        filters=in_words(params, names, visit),
        total=total,
        after=after,
        errors=errors,
        selection=asking.selection(params),
        asking=asking,
        figures=[("", visit._("tidak")), *[(code, visit._(words)) for code, words in asking.FIGURES.items()]],
        parties=PARTY_NAMES,
        case_path="/audit" if path == "/audit" else "/petugas/kasus",
        services=list(names.get("service", {}).items()),
        is_narrowed=bool(set(params) - {"sort"}),
    )


async def total_of(portal: Portal, visit: Visit, params: Mapping[str, str]) -> int:
    """How many there are. Raises `Refused`, `Away`."""
    given = {name: value for name, value in params.items() if name in asking.FILTERS}
    answer = await portal.status.get("/search/counts", visit, params=given, auth=STAFF, type=dict[str, Any])
    return int(answer.body["applications"])


def errors_of(refused: Refused, visit: Visit) -> dict[str, str]:
    """What the service says makes no sense, by the field; empty where it is another refusal."""
    if refused.status != 400:
        return {}
    named = refused.extensions.get("errors")
    if not isinstance(named, list):
        return {"cursor": visit._("Tautan halaman ini tidak berlaku lagi. Mulailah lagi dari halaman pertama.")}
    return {
        str(one.get("parameter", "")): visit._(
            "%(field)s: isian ini tidak dapat dipakai. Tulis hari sebagai 2026-03-02, saat sebagai 2026-03-02T09:00:00+07:00, "
            "dan masa dengan awal sebelum akhirnya.",
            field=visit._(asking.label(str(one.get("parameter", "")))),
        )
        for one in named
        if isinstance(one, dict)
    }  # fmt: skip


def next_page(link: str, params: Mapping[str, str], path: str, visit: Visit) -> str:
    """Our address of the page that the service's `Link` leads to; empty where it leads nowhere."""
    if not link:
        return ""
    cursor = httpx.URL(link.partition("<")[2].partition(">")[0]).params.get("cursor", "")
    return visit.url(f"{path}?{urlencode({**params, 'cursor': cursor})}") if cursor else ""


def in_words(params: Mapping[str, str], names: Names, visit: Visit) -> list[Filter]:
    """The conditions as a person reads them."""
    return [
        Filter(_name(name, visit), names.get(name, {}).get(value) or _value(name, value, visit))
        for name, value in params.items()
        if name in asking.FILTERS
    ]


async def names_of(portal: Portal, visit: Visit) -> Names:
    """What services and offices are called; nothing, where that cannot be asked now: then their codes are shown."""
    try:
        services, offices = await portal.catalogue.services(visit), await portal.catalogue.offices(visit)
    except Away:
        return {}
    return {
        "service": {one.code: visit.text(one.labels) for one in services},
        "office": {one.code: visit.text(one.labels) for one in offices},
    }


def _name(name: str, visit: Visit) -> str:
    base, _, end = name.rpartition("_")
    if base in asking.PERIODS and end in ("from", "to"):
        words = visit._(asking.PERIODS[base])
        return visit._("%(what)s sejak", what=words) if end == "from" else visit._("%(what)s sebelum", what=words)
    return visit._(asking.WORDS[name])


def _value(name: str, value: str, visit: Visit) -> str:
    words = {
        "counted": asking.FIGURES,
        "waits_for": PARTY_NAMES,
        "counted_party": PARTY_NAMES,
        "overdue": {"true": N_("ya")},
        "state": {"open": N_("terbuka"), "closed": N_("selesai")},
    }.get(name, {})
    if value in words:
        return visit._(words[value])
    if name.endswith(("_from", "_to")):
        try:
            return visit.speech.day_time(value)
        except ValueError:
            return value
    return value or visit._("tidak disebut")
