"""Makes the icons of the installed application: `python -m services.portal.installing.icons`. Its files are committed.

The mark of the portal, three steps of a trail on deep green. The maskable one keeps within the inner 80 % that every
platform's mask shows (W3C, Web Application Manifest, `purpose`).
"""

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

FOLDER: Final = Path(__file__).parent / "static"
GREEN: Final = "#0b5138"
PAPER: Final = "#fbfaf7"
STEPS: Final = ((9 / 32, 23 / 32, 3 / 32), (0.5, 0.5, 3 / 32), (23 / 32, 9 / 32, 3 / 32))
"""Centre and radius of each step, in parts of the side."""
_FINER: Final = 4


def icon(side: int, *, shrink: float) -> Image.Image:
    """A square of `side` pixels; `shrink` draws the mark smaller around the middle."""
    large = Image.new("RGB", (side * _FINER, side * _FINER), GREEN)
    draw = ImageDraw.Draw(large)
    scale = side * _FINER
    for x, y, radius in STEPS:
        cx, cy, r = (0.5 + (x - 0.5) * shrink) * scale, (0.5 + (y - 0.5) * shrink) * scale, radius * shrink * scale
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=PAPER)
    return large.resize((side, side), Image.Resampling.LANCZOS).quantize(16)


def main() -> None:
    """Write all three."""
    for name, side, shrink in (("icon-192", 192, 1.0), ("icon-512", 512, 1.0), ("icon-maskable", 512, 0.75)):
        icon(side, shrink=shrink).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
