"""Writes the services' OpenAPI 3.1 documents into the contracts: `python -m deploy.openapi [--check]`.

They are made of the applications themselves, wired as in production but not started: nothing is connected.
"""

import argparse
import asyncio
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from contracts.openapi import FOLDER
from runtime.openapi import openapi_document

SERVICES: Final = ("intake", "processing", "status", "notify")
SETTINGS: Final = {
    "JEJAK_KAFKA": "127.0.0.1:9092",
    "JEJAK_DATABASE": "postgresql://jejak@127.0.0.1/jejak",
    "JEJAK_MASTER_KEY": "00" * 32,
    "JEJAK_INTAKE_URL": "http://127.0.0.1",
    "JEJAK_SMTP": "127.0.0.1:25",
}
"""What the services insist on; none of it is in the documents."""


async def documents() -> dict[Path, str]:
    """Each service's file with its text."""
    return {FOLDER / f"{name}.json": _document(name) for name in SERVICES}


def _document(name: str) -> str:
    module = importlib.import_module(f"services.{name}.main")
    settings = getattr(module, f"{name.capitalize()}Settings")()
    return json.dumps(openapi_document(module.build(settings)), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="name drifted files and exit 1")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("JEJAK_")]:
        del os.environ[name]
    os.environ.update(SETTINGS)
    with tempfile.TemporaryDirectory(prefix="jejak-openapi-") as folder:
        os.environ["JEJAK_DOCUMENTS"] = Path(folder).as_uri()
        texts = asyncio.run(documents())
    drifted = [path for path, text in texts.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in drifted:
        if options.check:
            print(f"{path.name} has drifted: run `make contracts`", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8", newline="\n")
    return 1 if options.check and drifted else 0


if __name__ == "__main__":
    sys.exit(main())
