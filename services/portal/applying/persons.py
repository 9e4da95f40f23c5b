"""The page that asks who applies: which fields a service needs, what can be wrong in them. Pure."""

import datetime as dt
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from babel import Locale

from services.portal.forms import Form, FormErrors
from services.portal.language import N_

CITIZENS: Final = frozenset({"passport", "travel_document"})
"""Categories of services for Indonesian citizens; the others are for foreigners."""
ALWAYS: Final = ("name", "email", "phone", "date_of_birth", "place_of_birth")
OF_CITIZENS: Final = (*ALWAYS, "nik")
OF_FOREIGNERS: Final = (*ALWAYS, "nationality", "passport_number", "address")
LABELS: Final = {
    "name": N_("Nama lengkap"),
    "email": N_("Alamat surel"),
    "phone": N_("Nomor telepon"),
    "date_of_birth": N_("Tanggal lahir"),
    "place_of_birth": N_("Tempat lahir"),
    "nik": N_("NIK"),
    "nationality": N_("Kewarganegaraan"),
    "passport_number": N_("Nomor paspor"),
    "address": N_("Alamat di Indonesia"),
}
LIMITS: Final = {
    "name": 200, "email": 254, "phone": 32, "nik": 32, "passport_number": 32,
    "nationality": 3, "place_of_birth": 200, "address": 500, "date_of_birth": 10,
}  # fmt: skip
_email: Final = re.compile(r"[^\s@<>\",;]{1,64}@(?:[^\s@.<>\",;]+\.)+[^\s@.\d<>\",;][^\s@.<>\",;]+")
_phone: Final = re.compile(r"\+?[\d\s().-]{6,31}")
_OLDEST: Final = dt.date(1900, 1, 1)


def fields_of(category: str) -> tuple[str, ...]:
    """What is asked of who applies for a service of `category`."""
    return OF_CITIZENS if category in CITIZENS else OF_FOREIGNERS


def given_in(form: Form, category: str, language: str) -> dict[str, str]:
    """What the form says, as intake takes it: empty fields are left out."""
    given = {name: " ".join(form.get(name).split()) for name in fields_of(category) if form.get(name)}
    if nik := given.get("nik"):
        given["nik"] = re.sub(r"[\s.-]", "", nik)
    return given | {"language": language}


def wrong_in(given: Mapping[str, str], category: str, today: dt.date) -> FormErrors:
    """What is wrong (Indonesian source texts), by field, in the order of the page."""
    wrong: FormErrors = {}
    if not given.get("name"):
        wrong["name"] = N_("Isi nama lengkap seperti di KTP atau paspor.")
    if not given.get("email") and not given.get("phone"):
        wrong["email"] = N_("Isi alamat surel atau nomor telepon, supaya kami dapat menghubungi Anda.")
    elif given.get("email") and not _email.fullmatch(given["email"]):
        wrong["email"] = N_("Periksa alamat surel; bentuknya seperti nama@contoh.id.")
    if given.get("phone") and not _is_phone(given["phone"]):
        wrong["phone"] = N_("Periksa nomor telepon; bentuknya seperti 0812 3456 7890 atau +62 812 3456 7890.")
    if not _is_birth(given.get("date_of_birth", ""), today):
        wrong["date_of_birth"] = N_("Isi tanggal lahir, misalnya 1990-08-17.")
    if category not in CITIZENS and given.get("nationality", "") not in countries("id"):
        wrong["nationality"] = N_("Pilih kewarganegaraan.")
    for name in fields_of(category):
        if len(given.get(name, "")) > LIMITS[name]:
            wrong[name] = N_("Isian ini terlalu panjang.")
    return {name: wrong[name] for name in fields_of(category) if name in wrong}


def refused_fields(problem: Mapping[str, Any], category: str) -> FormErrors:
    """What intake found wrong in the applicant's data, at the fields of the page."""
    wrong: FormErrors = {}
    for said in problem.get("fields", []):
        name = str(said).partition(" ")[0].rstrip(",")
        if name in fields_of(category):
            wrong[name] = N_("Isian ini tidak dapat kami terima. Periksa kembali.")
    return wrong or {"name": N_("Isian ini tidak dapat kami terima. Periksa kembali.")}


def _is_phone(text: str) -> bool:
    return bool(_phone.fullmatch(text)) and sum(one.isdigit() for one in text) >= 6


def _is_birth(text: str, today: dt.date) -> bool:
    try:
        return _OLDEST <= dt.date.fromisoformat(text) <= today
    except ValueError:
        return False


@cache
def countries(language: str) -> dict[str, str]:
    """Countries by ISO 3166 code, sorted by their names in the language. Made when a form first asks: the names of all
    countries, with all else that Babel reads with them, are 6 MiB.
    """
    names = Locale(language).territories
    left_out = {"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"}
    found = {code: str(name) for code, name in names.items() if len(code) == 2 and code.isalpha()}
    return dict(sorted(((code, name) for code, name in found.items() if code not in left_out), key=lambda one: one[1]))
