"""Round trips as Redis counts them."""

from typing import Final

from benchmarks.clients import OURS, in_use
from benchmarks.redis_clients import makers
from benchmarks.results import Report
from benchmarks.trips import Trips, trips_of_all
from cachekit_redis import RedisBackend
from tests.servers.server import RedisServer

_NOT_COUNTED: Final = "cmdstat_info"
"""What asks for the count."""


class RedisMeter:
    """Asks the server, in a piece that it leaves out."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._asked = 0

    def so_far(self) -> Trips:
        info = self._server.command("INFO", "everything")
        self._asked += 1
        names = [name for name in info if name.startswith("cmdstat_") and name != _NOT_COUNTED]
        commands = {name.removeprefix("cmdstat_"): info[name]["calls"] for name in names}
        return Trips(info["total_reads_processed"] - self._asked, commands)


def backend_on(server: RedisServer) -> RedisBackend:
    """Ours with one connection: another would introduce itself in between."""
    return RedisBackend(server.url, connections=1)


async def trips(server: RedisServer) -> Report:
    """Those of all."""
    async with in_use(makers(server.url)) as clients:
        others = [each for each in clients if each.name != OURS and each.serves(1)]
        meter = RedisMeter(server)
        where = "as the server counts them"
        return await trips_of_all("redis", where, meter, backend_on(server), others)
