"""`python -m runtime.start services.intake.main`: run a service, without what only a terminal needs.

structlog and httpx colour their output with rich and pygments wherever these are installed, and they are, for the `jejak`
command. A service writes JSON: without them each process is 4 MiB smaller and starts a sixth of a second of processor
time earlier. Both libraries do without them by themselves once an import fails.
"""

import runpy
import sys
from typing import Any, cast

FOR_TERMINALS = ("rich", "pygments")


def main(module: str) -> None:
    """Run `module` as the program."""
    for name in FOR_TERMINALS:
        sys.modules[name] = cast(Any, None)  # an import of it raises ImportError
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv.pop(1))
