"""The pages whose weight and server time `python -m tests.bench` prints (ONLY=pages). Every room adds its own."""

from typing import Final, NamedTuple


class Page(NamedTuple):
    """A page that anybody can open; `{number}` is put in: an application that is under way."""

    name: str
    path: str


PAGES: Final = (
    Page("start", "/"),
    Page("services", "/layanan"),
    Page("service", "/layanan/passport_new"),
    Page("compare", "/bandingkan?layanan=passport_new&layanan=passport_replacement"),
    Page("choose", "/bantu-pilih"),
    Page("office", "/kantor/lebong"),
    Page("help", "/bantuan"),
    Page("apply", "/ajukan/passport_new"),
    Page("enter a number", "/lacak"),
    Page("track", "/lacak/{number}"),
    Page("track, English", "/en/lacak/{number}"),
    Page("pay", "/lacak/{number}/bayar"),
    Page("my applications", "/saya"),
    Page("components", "/rancangan"),
)
