"""Writes what is derived from the contracts: `python -m contracts.generate`.

`--check` writes nothing, names the files that have drifted and exits 1. `--release NAME` keeps the event schemas of now
under `contracts/released/NAME/` for ever (see `docs/contracts.md`). The output is the same on every machine.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from contracts import openapi
from contracts.asyncapi import asyncapi, golden_examples
from contracts.reference import render
from contracts.schemas import catalogue_schemas, event_schemas

ROOT: Final = Path(__file__).parent
GENERATED: Final = ROOT / "generated"
GOLDEN: Final = ROOT / "golden"
RELEASED: Final = ROOT / "released"
REFERENCE: Final = ROOT.parent / "docs" / "contracts-reference.md"


def documents() -> dict[Path, str]:
    """Every generated file with its text."""
    examples = golden_examples(GOLDEN)
    texts = {GENERATED / "events" / f"{name}.schema.json": _json(schema) for name, schema in event_schemas().items()}
    texts |= {
        GENERATED / "catalogue" / f"{name}.schema.json": _json(schema) for name, schema in catalogue_schemas().items()
    }
    texts[GENERATED / "asyncapi.yaml"] = yaml.dump(
        asyncapi(examples), Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=110
    )
    texts[GENERATED / "reference.html"] = render("reference.html.jinja", examples)
    texts[REFERENCE] = render("reference.md.jinja", examples)
    return texts


def drifted(texts: dict[Path, str]) -> list[Path]:
    """The files that differ from `texts`, are missing, or are no longer generated."""
    ours = {path for path in GENERATED.rglob("*") if path.is_file() and path.parent != openapi.FOLDER}
    stale = ours - texts.keys()
    return sorted(stale | {path for path, text in texts.items() if _read(path) != text})


def write(texts: dict[Path, str]) -> None:
    """Brings the files in line with `texts`."""
    for path in drifted(texts):
        if path in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8", newline="\n")
        else:
            path.unlink()


def release(name: str, folder: Path = RELEASED) -> Path:
    """Keeps the event schemas of now as those of release `name`. Raises `FileExistsError`: a release never changes."""
    target = folder / name
    target.mkdir(parents=True)
    for event, schema in event_schemas().items():
        (target / f"{event}.schema.json").write_text(_json(schema), encoding="utf-8", newline="\n")
    return target


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="name drifted files and exit 1")
    choice.add_argument("--release", metavar="NAME", help="keep the event schemas of now as those of this release")
    options = parser.parse_args(arguments)
    texts = documents()
    if options.check:
        return _report(drifted(texts))
    write(texts)
    if options.release:
        sys.stdout.write(f"kept {release(options.release).relative_to(ROOT.parent)}\n")
    return 0


def _report(paths: list[Path]) -> int:
    for path in paths:
        sys.stderr.write(f"{path.relative_to(ROOT.parent)} has drifted: run `python -m contracts.generate`\n")
    return 1 if paths else 0


def _read(path: Path) -> str | None:
    return path.read_bytes().decode() if path.is_file() else None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


class _PlainDumper(yaml.SafeDumper):
    """YAML without anchors: the same object in two places is written twice, which people read more easily."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


if __name__ == "__main__":
    sys.exit(main())
