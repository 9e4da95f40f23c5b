"""Boards of this moment: what is open, how old, who is waited on, where, and what deviates. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from services.portal.boards.charts import Bar, Row, bars
from services.portal.boards.views import PARTY_NAMES, Cases, Cell, Chart, Legend, Says, of_parts

_MOST_ROWS: Final = 15
_LATE: Final = ("late", "fine")


class Counted(Struct, frozen=True):
    """A part of what is counted."""

    code: str
    labels: dict[str, str] | None
    applications: int
    overdue: int
    submitted_from: datetime | None = None
    submitted_to: datetime | None = None


class Counts(Struct, frozen=True):
    """What the status service counts (`/search/counts`)."""

    as_of: datetime
    applications: int
    overdue: int
    counts: list[Counted]


def by_age(found: Counts, days: Sequence[int], cases: Cases, visit: Says) -> Chart:
    """How many applications are past their deadline, by how old they are; `days`: where ages are cut."""
    question = visit._("Berapa permohonan melewati batas waktu, dan seberapa lama semuanya menunggu?")
    if not found.applications:
        return Chart(question=question, finding=_nothing_open(visit))
    given = [(_age_name(place, days, visit), part, _age_conditions(part)) for place, part in enumerate(found.counts)]
    worst = max(given, key=lambda one: one[1].overdue)
    oldest = [one for one in given if one[1].applications][-1]
    finding = visit._(
        "%(number)s yang tertua berumur %(age)s.", number=visit.speech.number(oldest[1].applications), age=oldest[0]
    )
    return Chart(
        question=question,
        finding=f"{_late_finding(found, worst[0], visit)} {finding}",
        svg=bars([_late_row(*one, cases, visit) for one in given], _LATE),
        legend=_late_legend(visit),
        head=[visit._("Umur sejak diajukan"), visit._("Permohonan terbuka"), visit._("Lewat batas waktu")],
        rows=[_late_cells(*one, cases, visit) for one in given],
    )


def by_service(found: Counts, cases: Cases, visit: Says) -> Chart:
    """Which service has the most that is open."""
    question = visit._("Layanan mana yang antreannya paling panjang?")
    if not found.applications:
        return Chart(question=question, finding=_nothing_open(visit))
    parts = sorted(found.counts, key=lambda part: (-part.applications, part.code))
    given = [(visit.text(part.labels) or part.code, part, {"service": part.code}) for part in parts]
    return Chart(
        question=question,
        finding=visit._(
            "Paling panjang: %(service)s, %(part)s permohonan terbuka.",
            service=given[0][0], part=of_parts(parts[0].applications, found.applications, visit),
        ),
        svg=bars([_late_row(*one, cases, visit) for one in given[:_MOST_ROWS]], _LATE),
        legend=_late_legend(visit),
        head=[visit._("Nama layanan"), visit._("Permohonan terbuka"), visit._("Lewat batas waktu")],
        rows=[_late_cells(*one, cases, visit) for one in given],
    )  # fmt: skip


def by_party(found: Counts, cases: Cases, visit: Says) -> Chart:
    """Who is waited on now."""
    parts = sorted(found.counts, key=lambda part: -part.applications)
    name = {part.code: visit._(PARTY_NAMES.get(part.code, part.code)) for part in parts}
    links = {part.code: cases.of(state="open", waits_for=part.code) for part in parts}
    number = visit.speech.number
    question = visit._("Siapa yang sedang ditunggu?")
    if not parts:
        return Chart(question=question, finding=_nothing_open(visit))
    return Chart(
        question=question,
        finding=visit._(
            "Paling banyak menunggu: %(who)s, %(part)s permohonan yang terbuka.",
            who=name[parts[0].code].lower(), part=of_parts(parts[0].applications, found.applications, visit),
        ),
        svg=bars([Row(name[part.code], [_bar(part.applications, links[part.code], visit)]) for part in parts]),
        head=[visit._("Yang ditunggu"), visit._("Permohonan terbuka"), visit._("Lewat batas waktu")],
        rows=[
            [
                Cell(name[part.code]),
                Cell(number(part.applications), links[part.code]),
                Cell(number(part.overdue), cases.of(overdue="true", waits_for=part.code) if part.overdue else ""),
            ]
            for part in parts
        ],
    )  # fmt: skip


def by_desk(found: Counts, cases: Cases, visit: Says) -> Chart:
    """At which desk most cases wait for the office now."""
    parts = sorted(found.counts, key=lambda part: (-part.applications, part.code))
    given = [
        (part.code or visit._("belum ada meja"), part, {"waits_for": "office", "desk": part.code}) for part in parts
    ]
    named = next((one for one in given if one[1].code), None)
    question = visit._("Meja mana yang paling banyak menanggung pekerjaan sekarang?")
    if named is None:
        return Chart(
            question=question,
            finding=visit._("Saat ini tidak ada kasus yang menunggu kantor pada meja mana pun."),
            notes=_no_desk_note(given, visit),
        )
    return Chart(
        question=question,
        finding=visit._(
            "Paling banyak pada meja %(desk)s: %(part)s kasus yang menunggu kantor.",
            desk=named[0], part=of_parts(named[1].applications, found.applications, visit),
        ),
        svg=bars([_late_row(*one, cases, visit) for one in given[:_MOST_ROWS]], _LATE),
        legend=_late_legend(visit),
        head=[visit._("Meja"), visit._("Menunggu kantor"), visit._("Lewat batas waktu")],
        rows=[_late_cells(*one, cases, visit) for one in given],
        notes=[visit._("Meja adalah tempat kantor terakhir bertindak. Sebuah kasus yang belum disentuh belum bermeja.")],
    )  # fmt: skip


def by_deviation(found: Counts, whole: int, cases: Cases, visit: Says) -> Chart:
    """What deviates most from the declared processes. `found`: those that deviate; `whole`: all."""
    parts = sorted(found.counts, key=lambda part: (-part.applications, part.code))
    number = visit.speech.number
    question = visit._("Penyimpangan apa yang paling sering terjadi?")
    if not parts:
        return Chart(question=question, finding=visit._("Tidak ada permohonan yang menyimpang dari alur layanannya."))
    name = {part.code: visit.text(part.labels) or part.code for part in parts}
    links = {part.code: cases.of(deviation=part.code) for part in parts}
    return Chart(
        question=question,
        finding=visit._(
            "%(part)s permohonan menyimpang dari alur layanannya. Paling sering (%(times)s kali): %(what)s",
            part=of_parts(found.applications, whole, visit), times=number(parts[0].applications), what=name[parts[0].code],
        ),
        svg=bars(
            [Row(part.code, [_bar(part.applications, links[part.code], visit)]) for part in parts[:_MOST_ROWS]]
        ),
        head=[visit._("Penyimpangan"), visit._("Kode"), visit._("Banyaknya permohonan")],
        rows=[
            [Cell(name[part.code]), Cell(part.code), Cell(number(part.applications), links[part.code])] for part in parts
        ],
        notes=[
            visit._("Satu permohonan dapat menyimpang dengan beberapa cara."),
            *([visit._("Gambar memperlihatkan yang terbanyak; tabelnya lengkap.")] if len(parts) > _MOST_ROWS else []),
        ],
    )  # fmt: skip


def _age_name(place: int, days: Sequence[int], visit: Says) -> str:
    if place == 0:
        return visit._("kurang dari %(days)s hari", days=days[0])
    if place == len(days):
        return visit._("%(days)s hari atau lebih", days=days[-1])
    return visit._("%(first)s–%(last)s hari", first=days[place - 1], last=days[place] - 1)


def _age_conditions(part: Counted) -> dict[str, str]:
    ends = {"submitted_from": part.submitted_from, "submitted_to": part.submitted_to}
    return {name: end.isoformat() for name, end in ends.items() if end is not None}


def _late_row(name: str, part: Counted, conditions: dict[str, str], cases: Cases, visit: Says) -> Row:
    open_ones = cases.of(state="open", **conditions)
    late = cases.of(overdue="true", **conditions)
    return Row(name, [_bar(part.overdue, late, visit), _bar(part.applications - part.overdue, open_ones, visit)])


def _late_cells(name: str, part: Counted, conditions: dict[str, str], cases: Cases, visit: Says) -> list[Cell]:
    number = visit.speech.number
    open_ones = cases.of(state="open", **conditions) if part.applications else ""
    late = cases.of(overdue="true", **conditions) if part.overdue else ""
    return [Cell(name), Cell(number(part.applications), open_ones), Cell(number(part.overdue), late)]


def _late_finding(found: Counts, where: str, visit: Says) -> str:
    if not found.overdue:
        return visit._(
            "Tidak satu pun dari %(whole)s permohonan terbuka melewati batas waktu.",
            whole=visit.speech.number(found.applications),
        )
    return visit._(
        "%(part)s permohonan terbuka melewati batas waktu, paling banyak di: %(where)s.",
        part=of_parts(found.overdue, found.applications, visit), where=where,
    )  # fmt: skip


def _late_legend(visit: Says) -> list[Legend]:
    return [
        Legend("late", visit._("Lewat batas waktu")),
        Legend("fine", visit._("Belum lewat, atau tanpa batas waktu")),
    ]


def _no_desk_note(given: Sequence[Any], visit: Says) -> list[str]:
    waiting = sum(one[1].applications for one in given)
    if not waiting:
        return []
    return [visit._("%(number)s kasus menunggu kantor dan belum bermeja.", number=visit.speech.number(waiting))]


def _nothing_open(visit: Says) -> str:
    return visit._("Saat ini tidak ada permohonan yang terbuka untuk pilihan ini.")


def _bar(value: int, href: str, visit: Says) -> Bar:
    return Bar(value, visit.speech.number(value), href if value else "")
