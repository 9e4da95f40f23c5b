"""As a program: the compiled fold under the address and undefined-behaviour sanitizers, on records of which bytes are broken.

    python -m tests.unit.status.sanitized LIBRARY SEED

LIBRARY was built with the sanitizers, whose runtime the process must be started with.
"""

import random
import sys
from pathlib import Path

from services.status.folding import compiled
from tests.bench.events import log
from tests.unit.status.story import PROCEDURES

RECORDS = 3_000
BLOCK = 200
SPECIAL = b'"\\{}[]:,0-\x00\x1f\x7f\x80\xff'


def broken(value: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, cut out, or put in."""
    changed = bytearray(value)
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(changed))
        how = chance.randrange(4)
        if how == 0:
            changed[place] = chance.randrange(256)
        elif how == 1:
            changed[place] = chance.choice(SPECIAL)
        elif how == 2:
            del changed[place : place + chance.randrange(1, 30)]
        else:
            changed[place:place] = bytes([changed[place]]) * chance.randrange(1, 400)
        if not changed:
            break
    return bytes(changed)


def main(library: str, seed: int) -> None:
    """Fold them all; what the sanitizers find ends the process."""
    compiled.library_path = lambda: Path(library)
    chance = random.Random(seed)
    fold = compiled.CompiledFold(0, 1, PROCEDURES)
    block = []
    refused = 0

    def refuse(offset: int, error: Exception) -> None:
        nonlocal refused
        refused += 1

    for offset, (key, value) in enumerate(log(RECORDS, seed)):
        block.append((offset, 1_772_420_400_000, key.encode(), broken(value, chance)))
        if len(block) == BLOCK:
            fold.take(block, refuse)
            block.clear()
    print(f"sanitized: {fold.events} events, {refused} refused, {sum(1 for _ in fold.application_rows())} applications")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
