"""Boards of periods, from the published statistics: deadlines kept, whose time it was, stages, desks. Pure.

Statistics are open to everyone, so a row of fewer than five applications is in them only together with others. What a
board cannot show for that reason it names; where it can, it leads to the cases, which supervisors may see.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.portal.boards.asking import period_ends, period_name
from services.portal.boards.charts import Bar, Row, bars
from services.portal.boards.views import (
    PARTIES,
    PARTY_NAMES,
    Cases,
    Cell,
    Chart,
    Legend,
    Says,
    of_parts,
    percent,
)

_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600


class Basis(Struct, frozen=True):
    """From what the statistics were made."""

    computed_at: datetime
    until: datetime
    digest: str
    version: str
    log: str
    least: int


class Published(Struct, frozen=True):
    """The statistics, or those of desks, as the status service tells them."""

    basis: Basis
    names: dict[str, dict[str, Any]]
    rows: list[dict[str, Any]]


class Seen(Struct, frozen=True):
    """Statistics, and what a view of them needs: the zones of the offices, the way to cases, the language."""

    published: Published
    zones: Mapping[str, ZoneInfo]
    cases: Cases
    visit: Says

    def ends(self, row: Mapping[str, Any]) -> tuple[datetime, datetime]:
        """When the period of a row begins and ends."""
        zone = self.zones.get(row["office"], ZoneInfo("UTC"))
        return period_ends(row["period"], zone, self.published.basis.until.astimezone(UTC))

    def link(self, row: Mapping[str, Any], what: str, **parts: str | None) -> str:
        """To the cases behind a figure of a row; none of what was put together with others."""
        if row["of"] == "others":
            return ""
        begin, end = self.ends(row)
        return self.cases.counted(what, begin, end, parts=parts, office=row["office"], **_service_of(row))

    def service(self, code: str) -> str:
        """What a service is called."""
        return self.visit.text(self.published.names["services"].get(code)) or code

    def name(self, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
        """The period of a row; with its office where there are several."""
        period = period_name(row["period"], self.visit)
        if len({one["office"] for one in rows}) < 2:
            return period
        return f"{period}, {self.visit.text(self.published.names['offices'].get(row['office'])) or row['office']}"


def _service_of(row: Mapping[str, Any]) -> dict[str, str]:
    return {"service": row["service"]} if row["of"] == "one" else {}


def chosen_rows(published: Published, service: str) -> list[dict[str, Any]]:
    """The rows of one service, or those of all together; by period."""
    wanted = ("one", service) if service else ("all", "")
    rows = [row for row in published.rows if (row["of"], row["service"]) == wanted]
    return sorted(rows, key=lambda row: (row["period"], row["office"]))


def deadlines(seen: Seen, service: str) -> Chart:
    """How many deadlines were met, period by period."""
    visit, number = seen.visit, seen.visit.speech.number
    rows = chosen_rows(seen.published, service)
    told = [(row, sum(one["met"] for one in row["legal"]), sum(one["missed"] for one in row["legal"])) for row in rows]
    told = [one for one in told if one[1] + one[2]]
    question = visit._("Berapa bagian selesai dalam batas waktu?")
    if not told:
        return _nothing(seen, service, question, rows)
    met, missed = sum(one[1] for one in told), sum(one[2] for one in told)
    worst = max(told, key=lambda one: one[2] / (one[1] + one[2]))
    finding = visit._(
        "%(part)s batas waktu terpenuhi (%(share)s).",
        part=of_parts(met, met + missed, visit), share=percent(met / (met + missed), visit),
    )  # fmt: skip
    if worst[2]:
        finding += " " + visit._(
            "Paling sering lewat: %(when)s, %(part)s.",
            when=seen.name(worst[0], rows), part=of_parts(worst[2], worst[1] + worst[2], visit),
        )  # fmt: skip
    links = [(seen.link(row, "met"), seen.link(row, "missed")) for row, _, _ in told]
    return Chart(
        question=question,
        finding=finding,
        svg=bars(
            [
                Row(seen.name(row, rows), [Bar(bad, number(bad), late), Bar(good, number(good), kept)])
                for (row, good, bad), (kept, late) in zip(told, links, strict=True)
            ],
            ("late", "fine"),
        ),
        legend=[Legend("late", visit._("Lewat")), Legend("fine", visit._("Terpenuhi"))],
        head=[visit._("Masa"), visit._("Terpenuhi"), visit._("Lewat"), visit._("Bagian terpenuhi")],
        rows=[
            [
                Cell(_incomplete(seen.name(row, rows), row, visit)),
                Cell(number(good), kept if good else ""),
                Cell(number(bad), late if bad else ""),
                Cell(percent(good / (good + bad), visit)),
            ]
            for (row, good, bad), (kept, late) in zip(told, links, strict=True)
        ],
        notes=_least(seen),
    )


def waiting(seen: Seen, service: str) -> Chart:
    """Whose time it was, period by period."""
    visit = seen.visit
    rows = [row for row in chosen_rows(seen.published, service) if any(one["seconds"] for one in row["waited"])]
    question = visit._("Waktu siapa yang terpakai?")
    if not rows:
        return _nothing(seen, service, question, rows)
    sums = {party: sum(_waited(row, party) for row in rows) for party in PARTIES}
    shown = [party for party in PARTIES if sums[party]]
    most, whole = max(shown, key=sums.__getitem__), sum(sums.values())
    return Chart(
        question=question,
        finding=visit._(
            "Paling lama menunggu %(who)s: %(share)s dari seluruh waktu.",
            who=visit._(PARTY_NAMES[most]).lower(), share=percent(sums[most] / whole, visit),
        ),
        svg=bars(
            [Row(seen.name(row, rows), [_share_bar(seen, row, party) for party in shown]) for row in rows],
            shown,
            whole=100,
        ),
        legend=[Legend(party, visit._(PARTY_NAMES[party])) for party in shown],
        head=[visit._("Masa"), *[visit._(PARTY_NAMES[party]) for party in shown]],
        rows=[
            [
                Cell(_incomplete(seen.name(row, rows), row, visit)),
                *[
                    Cell(
                        f"{_length(_waited(row, party), visit)} ({percent(_share(row, party), visit)})",
                        seen.link(row, "waited", party=party) if _waited(row, party) else "",
                    )
                    for party in shown
                ],
            ]
            for row in rows
        ],
        notes=[visit._("Setiap saat sejak pengajuan milik tepat satu pihak; jumlahnya adalah seluruh waktu."), *_least(seen)],
    )  # fmt: skip


def stages(seen: Seen, service: str, labels: Mapping[str, str]) -> Chart:
    """How long the stages of a service take, in the latest period that tells it. `labels`: what they are called."""
    visit, number = seen.visit, seen.visit.speech.number
    rows = [row for row in chosen_rows(seen.published, service) if any(stage["left"] for stage in row["stages"])]
    question = visit._("Berapa lama setiap tahap berlangsung?")
    if not service:
        return Chart(question=question, finding=visit._("Pilih satu layanan: tahapnya berbeda-beda."))
    if not rows:
        return _nothing(seen, service, question, rows)
    order = {code: place for place, code in enumerate(labels)}
    row = {**rows[-1], "stages": sorted(rows[-1]["stages"], key=lambda stage: order.get(stage["code"], len(order)))}
    told = [stage for stage in row["stages"] if stage["lasted"]]
    slowest = max(told, key=lambda stage: stage["lasted"]["p50"], default=None)
    name = {stage["code"]: _stage_name(stage, labels, visit) for stage in row["stages"]}
    finding = visit._("Terlalu sedikit kasus yang meninggalkan suatu tahap dalam %(when)s untuk menyebut lamanya.",
                      when=seen.name(row, rows))  # fmt: skip
    if slowest is not None:
        finding = visit._(
            "Paling lama dalam %(when)s: %(stage)s, separuhnya lebih dari %(length)s dan satu dari sepuluh lebih dari %(long)s.",
            when=seen.name(row, rows), stage=name[slowest["code"]],
            length=_length(slowest["lasted"]["p50"], visit), long=_length(slowest["lasted"]["p90"], visit),
        )  # fmt: skip
    return Chart(
        question=question,
        finding=finding,
        svg=bars([Row(name[stage["code"]], _half_and_tenth(seen, row, stage)) for stage in told], ("plain", "more")),
        legend=[Legend("plain", visit._("Separuhnya selesai")), Legend("more", visit._("Sembilan dari sepuluh selesai"))],
        head=[
            visit._("Tahap"), visit._("Ditinggalkan"), visit._("Separuhnya"), visit._("Sembilan dari sepuluh"),
            visit._("Terbuka pada akhirnya"),
        ],
        rows=[
            [
                Cell(name[stage["code"]]),
                Cell(number(stage["left"]), _stage_link(seen, row, stage, "left")),
                Cell(_percentile(stage, "p50", visit)),
                Cell(_percentile(stage, "p90", visit)),
                Cell(number(stage["backlog"]["open"]), _stage_link(seen, row, stage, "open")),
            ]
            for stage in row["stages"]
        ],
        notes=[visit._("Lama dihitung sejak tahap itu menjadi yang terjauh sampai tahap berikutnya tercapai."), *_least(seen)],
    )  # fmt: skip


def desks(seen: Seen, service: str) -> Chart:
    """How long each desk was waited on in the latest period, over its services."""
    visit = seen.visit
    rows = [row for row in seen.published.rows if not service or row["service"] == service]
    latest = max((row["period"] for row in rows), default="")
    rows = [row for row in rows if row["period"] == latest and row["seconds"]]
    question = visit._("Berapa lama setiap meja ditunggu, dan berapa tindakannya?")
    if not rows:
        return _nothing(seen, service, question, rows)
    rows.sort(key=lambda row: -row["seconds"])
    first = rows[0]
    unit_s, unit = (_DAY_S, visit._("hari")) if first["seconds"] >= 2 * _DAY_S else (_HOUR_S, visit._("jam"))
    name = [f"{_desk_name(row, visit)} · {seen.service(row['service'])}" for row in rows]
    links = [seen.link(row, "waited", desk=row["desk"]) if row["of"] == "one" else "" for row in rows]
    return Chart(
        question=question,
        finding=visit._(
            "Dalam %(when)s meja %(desk)s ditunggu paling lama: seluruhnya %(length)s.",
            when=period_name(latest, visit), desk=name[0], length=_length(first["seconds"], visit),
        ),
        svg=bars(
            [
                Row(name[place], [Bar(round(row["seconds"] / unit_s, 2), _length(row["seconds"], visit), links[place])])
                for place, row in enumerate(rows[:15])
            ]
        ),
        head=[visit._("Meja dan layanan"), visit._("Banyaknya permohonan"), visit._("Ditunggu"), visit._("Tindakan")],
        rows=[
            [
                Cell(name[place]),
                Cell("–" if row["applications"] is None else visit.speech.number(row["applications"]), links[place]),
                Cell(_length(row["seconds"], visit), links[place]),
                Cell(visit.speech.number(row["acts"])),
            ]
            for place, row in enumerate(rows)
        ],
        notes=[visit._("Sumbu gambar dalam %(unit)s. Angka ini tentang meja, bukan tentang orang.", unit=unit), *_least(seen)],
    )  # fmt: skip


def withheld(seen: Seen, service: str, *, rows: Sequence[Any]) -> str:
    """Why there is nothing to show: nothing was there, or it was too little to be told by itself."""
    visit = seen.visit
    if not seen.published.rows:
        return visit._("Untuk masa dan kantor ini belum ada statistik. Pilih masa lain.")
    if service and not rows:
        return visit._(
            "%(service)s tidak punya baris sendiri dalam masa ini: permohonannya kurang dari %(least)s, jadi digabung "
            "dengan layanan lain. Kasusnya tetap dapat Anda cari.",
            service=seen.service(service), least=seen.published.basis.least,
        )  # fmt: skip
    return visit._("Dalam masa ini tidak terjadi apa pun yang dihitung di sini. Pilih masa lain.")


def _nothing(seen: Seen, service: str, question: str, rows: Sequence[Any]) -> Chart:
    """What stands in place of a chart; where a service has too little for one, with the way to its cases."""
    way = Cell(seen.visit._("Lihat kasusnya"), seen.cases.of(service=service)) if service and not rows else None
    return Chart(question=question, finding=withheld(seen, service, rows=rows), way=way, notes=_least(seen))


def _least(seen: Seen) -> list[str]:
    visit = seen.visit
    return [
        visit._(
            "Statistik ini terbuka untuk umum, jadi baris dengan kurang dari %(least)s permohonan digabung dan lama dari "
            "kurang dari %(least)s kasus tidak disebut. Keadaan pada %(until)s.",
            least=seen.published.basis.least, until=visit.speech.day_time(seen.published.basis.until),
        )
    ]  # fmt: skip


def _incomplete(name: str, row: Mapping[str, Any], visit: Says) -> str:
    return name if row["complete"] else visit._("%(when)s (belum selesai)", when=name)


def _waited(row: Mapping[str, Any], party: str) -> int:
    return next((int(one["seconds"]) for one in row["waited"] if one["party"] == party), 0)


def _share(row: Mapping[str, Any], party: str) -> float:
    return next((one["share"] or 0.0 for one in row["waited"] if one["party"] == party), 0.0)


def _share_bar(seen: Seen, row: Mapping[str, Any], party: str) -> Bar:
    share = _share(row, party) * 100
    return Bar(round(share, 2), f"{share:.0f} %" if share >= 8 else "", seen.link(row, "waited", party=party))


def _half_and_tenth(seen: Seen, row: Mapping[str, Any], stage: Mapping[str, Any]) -> list[Bar]:
    lasted, link = stage["lasted"], _stage_link(seen, row, stage, "left")
    half, tenth = lasted["p50"] / _HOUR_S, lasted["p90"] / _HOUR_S
    return [
        Bar(round(half, 3), _length(lasted["p50"], seen.visit), link),
        Bar(round(tenth - half, 3), _length(lasted["p90"], seen.visit), link),
    ]


def _stage_link(seen: Seen, row: Mapping[str, Any], stage: Mapping[str, Any], what: str) -> str:
    there = stage["left"] if what == "left" else stage["backlog"]["open"]
    return seen.link(row, what, stage=stage["code"]) if stage["of"] == "one" and there else ""


def _stage_name(stage: Mapping[str, Any], labels: Mapping[str, str], visit: Says) -> str:
    if stage["of"] != "one":
        return visit._("Tahap lain, digabung")
    return labels.get(stage["code"], stage["code"]) or visit._("Sebelum tahap pertama")


def _desk_name(row: Mapping[str, Any], visit: Says) -> str:
    if row["of"] != "one":
        return visit._("Meja lain, digabung")
    return row["desk"] or visit._("belum ada meja")


def _percentile(stage: Mapping[str, Any], which: str, visit: Says) -> str:
    return _length(stage["lasted"][which], visit) if stage["lasted"] else visit._("terlalu sedikit kasus")


def _length(seconds: float, visit: Says) -> str:
    return visit.speech.length_of(seconds)
