"""What the page of components shows in them: no person's data."""

from typing import Final

ROWS: Final = [("Layanan", "Paspor elektronik 10 tahun", ""), ("Kantor", "Kantor Imigrasi Lebong", "/kantor")]
STEPS: Final = [
    {"title": "Data Anda", "href": "#", "state": "done", "hint": ""},
    {"title": "Dokumen", "href": "#", "state": "current", "hint": "2 dari 4 sudah diunggah"},
    {"title": "Periksa jawaban", "href": "", "state": "ahead", "hint": ""},
]
ENTRIES: Final = [
    {"title": "Diajukan", "state": "done", "at": "2026-03-02T02:12:00Z", "text": "", "mark": ""},
    {
        "title": "Dokumen diminta",
        "state": "done",
        "at": "2026-03-02T04:00:00Z",
        "text": "Akta kelahiran tidak terbaca",
        "mark": "",
    },
    {
        "title": "Dokumen diterima",
        "state": "done",
        "at": "2026-03-04T02:00:00Z",
        "text": "",
        "mark": "46 jam menunggu Anda",
    },
    {"title": "Pemeriksaan dokumen", "state": "current", "at": "2026-03-04T02:00:00Z", "text": "", "mark": ""},
    {"title": "Keputusan", "state": "ahead", "at": None, "text": "", "mark": ""},
]
PARTS: Final = [
    {"party": "office", "label": "kantor", "length": "3 jam", "share": 6},
    {"party": "applicant", "label": "Anda", "length": "46 jam", "share": 94},
]
HEAD: Final = ["Layanan", "Permohonan", "Melewati batas"]
TABLE: Final = [["Paspor baru", "214", "3"], ["Paspor anak", "88", "0"]]
OPTIONS: Final = [("id", "Bahasa Indonesia"), ("en", "English")]
ERRORS: Final = {"sample_error": "Isi nama Anda seperti di KTP."}
