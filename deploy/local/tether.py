"""Start a command that cannot outlive the process that started it, as another user if asked.

`python -I -S tether.py PARENT SIGNAL USER -- COMMAND …` replaces itself by COMMAND; the process id stays the same.

- PARENT: process id of the supervisor. When it ends, however it ends, COMMAND gets SIGNAL.
- USER: `uid:gid` to run as, or `-` for the same user.

On Linux the kernel does it (`PR_SET_PDEATHSIG`, prctl(2)); set after the change of user, which would clear it.
Elsewhere a watcher, a process of its own that belongs to nobody, looks twice a second whether PARENT still lives.
Only the standard library and no site-packages, so that it adds some ten milliseconds to a start.
"""

import os
import signal
import sys
import time
import warnings  # noqa: F401 os.execvp wants it, when Python's own files may be out of reach already
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
WATCH_INTERVAL_S = 0.5


def main(arguments: list[str]) -> None:
    """Give up rights, tie to the parent, become the command. Exits 127 when there is no such command, 126 when it cannot run."""
    parent, death_signal = int(arguments[0]), int(arguments[1])
    user, command = arguments[2], arguments[4:]
    tie = tie_by_kernel() if sys.platform == "linux" else tie_by_watcher
    if user != "-":
        become(*(int(part) for part in user.split(":")))
    tie(parent, death_signal)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


def become(uid: int, gid: int) -> None:
    """Drop to the user for good: supplementary groups first, then group, then user."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def tie_by_kernel() -> Callable[[int, int], None]:
    """How the kernel is asked for a signal at the parent's end; found while we may still read Python's own files."""
    import ctypes

    prctl = ctypes.CDLL(None).prctl

    def tie(parent: int, death_signal: int) -> None:
        prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            sys.exit(f"the supervisor {parent} has ended")

    return tie


def tie_by_watcher(parent: int, death_signal: int) -> None:
    """Leave a watcher behind that signals this process, which becomes the command, once the parent is gone."""
    command = os.getpid()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 256)  # the watcher must not hold the command's log or pipe open
    while is_alive(command):
        if not is_alive(parent):
            os.kill(command, death_signal)
            break
        time.sleep(WATCH_INTERVAL_S)
    os._exit(0)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main(sys.argv[1:])
