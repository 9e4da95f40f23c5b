"""Free ports on loopback that stay ours until we are done.

A port that the kernel called free may be gone before the server that is to use it has started. So the socket that found
it stays bound, without listening, for as long as the reservation lives. Linux lets a server that sets `SO_REUSEADDR`
(PostgreSQL, the JVM, uvicorn and asyncio all do) bind the same port nevertheless, and gives it to nobody else, not even
while the server is being restarted. Other systems refuse the second bind, so there the socket is closed at once and the
rare race is met by starting again on another port.
"""

import socket
import sys

LOOPBACK = "127.0.0.1"


class Reservation:
    """One reserved port; `release` gives it up."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]
        if sys.platform != "linux":
            self.release()

    def release(self) -> None:
        """Give the port up. Safe to call twice."""
        self._socket.close()


class Ports:
    """All reservations of one run, released together."""

    def __init__(self) -> None:
        self._reservations: list[Reservation] = []

    def take(self) -> int:
        """A port that no other process gets until `release`."""
        reservation = Reservation()
        self._reservations.append(reservation)
        return reservation.port

    def find_free(self) -> int:
        """A port that is free at this moment and not kept: for servers that would not share the reservation."""
        reservation = Reservation()
        reservation.release()
        return reservation.port

    def release(self) -> None:
        """Give all ports up."""
        for reservation in self._reservations:
            reservation.release()
        self._reservations.clear()


def is_taken(port: int) -> bool:
    """Whether some server listens on the port, so that one of ours could not."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen()
        except OSError:
            return True
    return False
