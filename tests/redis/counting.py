"""Commands and round trips, counted where they arrive."""

from collections.abc import Sequence
from typing import Any, Final

from tests.servers.server import RedisServer

ASKED: Final = ("info",)
"""What counting itself sends."""


class Counter:
    """What `servers` were sent since the last look, by a client and by scripts.

    `commands` are counted by name, of all servers together. `trips` are, server by server, how
    often there was something to read: what arrives together is read at once.
    """

    def __init__(self, servers: Sequence[RedisServer]) -> None:
        self._servers = servers
        self._commands: list[dict[str, int]] = []
        self._reads: list[int] = []
        self.look()

    def look(self) -> tuple[dict[str, int], list[int]]:
        """The commands and the round trips since the last look."""
        told = [server.command("INFO", "everything") for server in self._servers]
        commands, reads = [_commands(each) for each in told], [_reads(each) for each in told]
        before = self._commands or commands, self._reads or reads
        self._commands, self._reads = commands, reads
        sent: dict[str, int] = {}
        for now, then in zip(commands, before[0], strict=True):
            for name, count in now.items():
                sent[name] = sent.get(name, 0) + count - then.get(name, 0)
        trips = [now - then - 1 for now, then in zip(reads, before[1], strict=True)]
        return {name: count for name, count in sent.items() if count}, trips


def _commands(told: dict[str, Any]) -> dict[str, int]:
    stats = {name: stat["calls"] for name, stat in told.items() if name.startswith("cmdstat_")}
    names = {name.removeprefix("cmdstat_"): calls for name, calls in stats.items()}
    return {name: calls for name, calls in names.items() if name not in ASKED}


def _reads(told: dict[str, Any]) -> int:
    return int(told["total_reads_processed"])
