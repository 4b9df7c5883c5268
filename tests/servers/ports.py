"""Free ports of the loopback."""

import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"

BUS: Final = 10_000
"""What a Cluster adds to a port to get that of its bus."""


def free_port(*, with_bus: bool = False) -> int:
    """A port that was free a moment ago; `with_bus`: and so was that of its bus."""
    while True:
        port = _port(0)
        if not with_bus or _is_free(port + BUS):
            return port


def _is_free(port: int) -> bool:
    try:
        return _port(port) == port
    except (OSError, OverflowError):
        return False


def _port(wanted: int) -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, wanted))
        port: int = listener.getsockname()[1]
        return port
