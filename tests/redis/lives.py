"""A cache on a server that may come back, and what it had before."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from redis.asyncio.connection import AbstractConnection, ConnectionPool

from cachekit import Cache
from cachekit.backend import Unreached
from cachekit_redis import RedisBackend
from tests.servers.server import RedisServer

NAME: Final = "v:n:k"
"""The store key of `k` in the cache `n`."""

STORED: Final = f"ck:{NAME}"
"""What a server knows it by."""

PATIENCE: Final = 5.0
"""Seconds for an answer: the machine may be busy, and no answer is not what is tested."""


class Origin:
    """Where values come from: `now`, until that is changed; `loads` counts."""

    def __init__(self, now: str = "old") -> None:
        self.now = now
        self.loads = 0

    def load(self) -> str:
        self.loads += 1
        return self.now


class User:
    """A process that caches `k`, with the tag `t`, on the servers at a URL, or of a client."""

    def __init__(self, url: Any, origin: Origin, *, trust_restart: bool = False) -> None:
        self.backend = RedisBackend(
            url, timeout=PATIENCE, connect_timeout=PATIENCE, trust_restart=trust_restart
        )
        self.cache = Cache(self.backend, namespace="n", deadline=PATIENCE)
        self.origin = origin

    async def fill(self) -> None:
        """Have `k` stored, and served from there."""
        assert await self.get_or_set() == self.origin.now
        assert await self.get() == self.origin.now

    async def get(self) -> Any:
        """What is stored, once the servers answer."""
        await self.is_answered()
        return await self.cache.get("k")

    async def get_or_set(self) -> Any:
        """What is stored or else loaded, once the servers answer."""
        await self.is_answered()
        return await self.cache.get_or_set("k", self.origin.load, tags=["t"])

    async def is_answered(self) -> None:
        """Wait until the servers answer; they may have come back on a new connection."""
        await self.cache.exists("k")  # it is the cache that opens its backend
        async with asyncio.timeout(10):
            while not await self._has_answer():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def _has_answer(self) -> bool:
        try:
            found = await self.backend.read([NAME])
        except Exception:
            return False
        return not isinstance(found.get(NAME), Unreached)

    async def close(self) -> None:
        await self.cache.close()


@asynccontextmanager
async def using(servers: "Reachable", *, trust_restart: bool = False) -> AsyncGenerator[User]:
    """Somebody who uses them."""
    user = User(servers.url, Origin(), trust_restart=trust_restart)
    yield user
    await user.close()


class Reachable(Protocol):
    """One server, or several."""

    @property
    def url(self) -> str: ...


class Unnamed(RedisServer):
    """Its `INFO` has another name, that nobody knows."""

    def __init__(self) -> None:
        super().__init__(settings={"rename-command": 'INFO ""'})

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            return super()._answers()
        try:
            return bool(self.command("PING"))
        except Exception:
            return False


def patient(url: str, prefix: str) -> RedisBackend:
    """A backend that waits long for its server."""
    return RedisBackend(url, prefix=prefix, timeout=PATIENCE, connect_timeout=PATIENCE)


def begin_another_life(server: RedisServer) -> None:
    """As the first replica, or a promotion, does: connections and data stay."""
    server.command("DEBUG", "CHANGE-REPL-ID")


def told_by(**fields: str) -> bytes:
    """An `INFO` with these fields, and those of a master that nobody else has."""
    said = {"run_id": "a", "redis_version": "7.0.15", "role": "master", "master_replid": "1"}
    return "".join(f"{name}:{value}\r\n" for name, value in (said | fields).items()).encode()


def connecting(port: int) -> Callable[[], AbstractConnection]:
    """Makes connections to a server of this machine."""
    pool: ConnectionPool = ConnectionPool(host="127.0.0.1", port=port, protocol=3)
    return pool.make_connection
