"""Who can be chosen: for each role somebody, officers at two desks. Nobody of them is real."""

from typing import Final, NamedTuple


class Person(NamedTuple):
    """One of them, as tokens name them."""

    subject: str
    name: str
    roles: tuple[str, ...]
    office: str = "lebong"
    desk: str | None = None
    what: str = ""
    """What the page of choices says of them, in Indonesian."""
    what_in_english: str = ""


PEOPLE: Final = (
    Person("petugas-depan", "Ratna", ("officer",), desk="front", what="petugas, loket depan", what_in_english="officer, front desk"),
    Person("petugas-belakang", "Bagus", ("officer",), desk="back", what="petugas, meja belakang", what_in_english="officer, back desk"),
    Person("penyelia", "Sari", ("supervisor",), desk="lead", what="penyelia", what_in_english="supervisor"),
    Person("penyelia-petugas", "Joko", ("officer", "supervisor"), desk="lead", what="petugas dan penyelia", what_in_english="officer and supervisor"),
    Person("pemeriksa", "Dewi", ("auditor",), what="auditor", what_in_english="auditor"),
    Person("operator", "Tono", ("operator",), what="operator sistem", what_in_english="system operator"),
    Person("tanpa-peran", "Wati", (), what="tanpa peran di sini", what_in_english="no role here"),
)  # fmt: skip


def person_of(subject: str) -> Person | None:
    """The person of that subject."""
    return next((person for person in PEOPLE if person.subject == subject), None)
