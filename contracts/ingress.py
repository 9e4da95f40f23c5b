"""The topics on which another system publishes by Kafka, and what comes back on them when it is refused.

`ingress.<system>.v1`: only that system's principal may write. `ingress.<system>.refused.v1`: each record that was not
admitted, with its key, value and headers as they came, and the headers below beside them.
"""

import re
from typing import Final

REFUSAL_HEADER: Final = "jejak-refusal"
"""Why, as the `type` URI of problem details, the same as over HTTP."""
REFUSAL_DETAIL_HEADER: Final = "jejak-refusal-detail"
"""Why and where, in words; it repeats nothing of the content."""
REFUSED_POSITION_HEADER: Final = "jejak-refused-position"
"""Which record: `<topic>/<partition>/<offset>`."""

SYSTEM_PATTERN: Final = r"^[a-z][a-z0-9-]{0,31}$"
_system: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)


def ingress_topic(system: str) -> str:
    """The topic on which `system` publishes. Raises `ValueError` when that is no name of a system."""
    return f"ingress.{_checked(system)}.v1"


def refused_topic(system: str) -> str:
    """The topic on which `system` reads what was refused. Raises `ValueError` when that is no name of a system."""
    return f"ingress.{_checked(system)}.refused.v1"


def _checked(system: str) -> str:
    if not _system.fullmatch(system):
        raise ValueError(
            "a system's name is lower-case letters, digits and hyphens, at most 32, and begins with a letter"
        )
    return system
