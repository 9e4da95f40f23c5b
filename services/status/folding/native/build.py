"""Compiles the fold, where there is a C compiler; part of `make setup`. Without one rebuilds take some twice as long.

No headers of Python are needed, so any compiler will do that makes shared libraries for this machine.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.status.folding.compiled import FLAGS, SOURCE, library_path

COMPILERS: Final = ("cc", "gcc", "clang")


class CannotCompile(Exception):
    """There is no compiler, or it refused; the message is one line."""


def build() -> Path:
    """Compile the library beside its source, where it is not there yet. Raises `CannotCompile`."""
    path = library_path()
    if path.exists():
        return path
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        compile_to(made)
        made.replace(path)  # whole or not at all: others may be loading it
    for old in path.parent.glob(path.name.partition("-")[0] + "-*.so"):
        if old != path:
            old.unlink(missing_ok=True)
    return path


def compile_to(path: Path, more_flags: Sequence[str] = ()) -> None:
    """Make the library at `path`. Raises `CannotCompile`."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise CannotCompile(f"no C compiler ({', '.join(COMPILERS)})")
    done = subprocess.run(  # noqa: S603 - a compiler on our own source
        [compiler, *FLAGS, *more_flags, "-o", str(path), str(SOURCE)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CannotCompile(f"{compiler}: {(done.stderr.strip().splitlines() or ['no reason given'])[0]}")


def main() -> None:
    """Build it, if it can be built: a line says what became of it."""
    try:
        build()
    except CannotCompile as why:
        sys.stdout.write(f"compiled fold: left out, {why}; rebuilds take some twice as long\n")
    else:
        sys.stdout.write("compiled fold: ready\n")


if __name__ == "__main__":
    main()
