"""The pages whose weight and server time `python -m tests.bench` prints (ONLY=pages). Every room adds its own."""

from typing import Final, NamedTuple


class Page(NamedTuple):
    """A page that anybody can open, or somebody with `role`. Put in are `{number}`, an application that is under way, and
    `{case}`, one that an officer works on."""

    name: str
    path: str
    role: str = ""


PAGES: Final = (
    Page("start", "/"),
    Page("services", "/layanan"),
    Page("service", "/layanan/passport_new"),
    Page("compare", "/bandingkan?layanan=passport_new&layanan=passport_replacement"),
    Page("choose", "/bantu-pilih"),
    Page("offices", "/kantor"),
    Page("office", "/kantor/lebong"),
    Page("help", "/bantuan"),
    Page("apply", "/ajukan/passport_new"),
    Page("enter a number", "/lacak"),
    Page("track", "/lacak/{number}"),
    Page("track, English", "/en/lacak/{number}"),
    Page("pay", "/lacak/{number}/bayar"),
    Page("access code", "/lacak/{number}/masuk"),
    Page("my applications", "/saya"),
    Page("offline", "/luring"),
    Page("components", "/rancangan"),
    Page("inbox", "/petugas", "officer"),
    Page("case", "/petugas/kasus/{case}", "officer"),
    Page("step", "/petugas/kasus/{case}/langkah/minta-dokumen", "officer"),
    Page("help desk", "/petugas/bantuan", "officer"),
    Page("counter", "/petugas/loket", "officer"),
    Page("boards", "/papan", "supervisor"),
    Page("board: backlog", "/papan/antrean", "supervisor"),
    Page("board: deadlines", "/papan/batas-waktu", "supervisor"),
    Page("audit: search", "/audit", "auditor"),
    Page("audit: case", "/audit/{number}", "auditor"),
    Page("audit: statistics", "/audit/statistik", "auditor"),
    Page("audit: export", "/audit/ekspor", "auditor"),
)
