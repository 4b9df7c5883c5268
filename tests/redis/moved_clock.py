"""Time for tests that do not wait for it."""

from collections.abc import Iterable
from typing import Final

from cachekit.testing.clock import FakeClock
from tests.servers.server import RedisServer

_AGE: Final = """
local cursor = '0'
repeat
  local found = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 1000)
  cursor = found[1]
  for _, key in ipairs(found[2]) do
    local left = redis.call('PTTL', key)
    if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[2]) end
  end
until cursor == '0'
"""


class MovedClock(FakeClock):
    """Moves the time of servers, too: all below `prefix` that is to expire does so earlier."""

    def __init__(self, servers: Iterable[RedisServer], prefix: str) -> None:
        super().__init__()
        self._servers = list(servers)
        self._prefix = prefix

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        for server in self._servers:
            server.command("EVAL", _AGE, 0, self._prefix, round(seconds * 1000))
