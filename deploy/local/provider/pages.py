"""What a browser sees: the choice of a person, and what went wrong. Both languages on one page: it is asked by nobody."""

from html import escape
from typing import Final

from deploy.local.provider.people import PEOPLE, Person

STYLE: Final = """
:root { color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 40rem; padding: 1.5rem 1rem; }
h1 { font-size: 1.75rem; line-height: 1.2; }
.warning { border-left: .5rem solid #b26a00; padding: .25rem 1rem; }
ul { list-style: none; padding: 0; }
button { font: inherit; text-align: left; width: 100%; min-height: 3.5rem; margin: 0 0 .75rem; padding: .5rem 1rem;
  border: 2px solid #1b5e3a; border-radius: .25rem; background: Canvas; color: CanvasText; cursor: pointer; }
button:hover, button:focus-visible { outline: 3px solid #1b5e3a; outline-offset: 2px; }
small { display: block; font-size: 1rem; }
"""


def choice(query: str) -> str:
    """The list of people; `query` is what the portal asked, sent along with the choice."""
    people = "".join(f"<li>{_button(person)}</li>" for person in PEOPLE)
    return _page(
        "Masuk untuk mencoba · Sign in to try out",
        f"""{_warning()}
<p>Sebagai siapa Anda ingin masuk? · <span lang="en">As whom do you want to sign in?</span></p>
<form method="post" action="/authorize?{escape(query)}"><ul>{people}</ul></form>""",
    )


def trouble(reason: str) -> str:
    """What was wrong with a request."""
    return _page(
        "Tidak dapat masuk · Cannot sign in",
        f"""{_warning()}
<p>Permintaan ini tidak dapat dijawab: <span lang="en">{escape(reason)}</span></p>
<p>Kembalilah ke portal dan mulai masuk dari sana. · <span lang="en">Go back to the portal and sign in from there.</span></p>""",
    )


def signed_out() -> str:
    """The end of a session that returns nowhere."""
    return _page(
        "Anda sudah keluar · You are signed out",
        f"""{_warning()}<p>Tutup halaman ini. · <span lang="en">Close this page.</span></p>""",
    )


def _button(person: Person) -> str:
    return (
        f'<button name="person" value="{escape(person.subject)}">{escape(person.name)}: {escape(person.what)} '
        f'<small lang="en">{escape(person.what_in_english)}</small></button>'
    )


def _warning() -> str:
    return """<p class="warning"><strong>Hanya untuk mencoba.</strong> Di sini orang dipilih tanpa kata sandi; tidak
satu pun dari mereka nyata. Di kantor, penyedia identitas kantor yang bertanya. ·
<span lang="en"><strong>For trying out only.</strong> People are chosen here without a password, and none of them is
real. In an office, the office's identity provider asks.</span></p>"""


def _page(title: str, main: str) -> str:
    return f"""<!doctype html><html lang="id"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/style.css"></head>
<body><main><h1>{title}</h1>{main}</main></body></html>"""
