"""The web application manifest (W3C), in the visitor's language. Pure."""

from collections.abc import Callable
from typing import Any

from services.portal.visit import Visit


def manifest(visit: Visit, asset: Callable[[str], str]) -> dict[str, Any]:
    """`asset`: the address of a file of ours."""
    return {
        "id": "/",
        "lang": visit.language,
        "dir": "ltr",
        "name": visit._("Jejak – perjalanan permohonan Anda"),
        "short_name": "Jejak",
        "description": visit._("Ajukan, lacak, dan lengkapi permohonan Anda."),
        "start_url": visit.url("/"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#fbfaf7",
        "theme_color": "#fbfaf7",
        "icons": [
            {"src": asset("installing/icon-192.png"), "sizes": "192x192", "type": "image/png", "purpose": "any"},
            {"src": asset("installing/icon-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "any"},
            {
                "src": asset("installing/icon-maskable.png"),
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "maskable",
            },
        ],
        "shortcuts": [
            {"name": visit._("Lacak"), "url": visit.url("/lacak")},
            {"name": visit._("Permohonan saya"), "url": visit.url("/saya")},
        ],
    }
