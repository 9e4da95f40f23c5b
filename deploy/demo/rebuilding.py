"""Drops the projection and has it built anew from the event log, by the command that an operator would use."""

import os
import subprocess
from dataclasses import dataclass

from deploy.demo.history import JEJAK, ROOT
from deploy.demo.place import DemoFailed


@dataclass(frozen=True)
class Rebuilt:
    """What `jejak rebuild` says of its work."""

    events: int
    seconds: float
    digest: str

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds else 0.0


def rebuild() -> Rebuilt:
    """Empty the live projection and rebuild it from Kafka. Raises `DemoFailed` where that does not succeed."""
    command = [*JEJAK, "rebuild", "--from", "kafka", "--drop"]
    done = subprocess.run(command, check=False, env=os.environ, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    words = done.stdout.split()
    told = dict(word.split("=", 1) for word in words if "=" in word)
    if done.returncode or words[:2] != ["rebuild:", "identical"]:
        raise DemoFailed(f"jejak rebuild ended with exit code {done.returncode}: {done.stdout.strip() or 'see above'}")
    return Rebuilt(int(told["events"]), float(told["seconds"]), told["digest"])
