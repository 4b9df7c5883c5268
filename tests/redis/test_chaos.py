"""A bad network and callers who give up: nobody is given the answer to another's question."""

import asyncio
from typing import Final

import pytest

from cachekit import Cache
from cachekit.backend import Backend
from cachekit.guard import Guard
from cachekit_redis import RedisBackend
from tests.redis.chaos import Chaos
from tests.redis.place import PATIENCE
from tests.servers.fixtures import Starter
from tests.servers.proxy import Faults, Proxy
from tests.servers.server import RedisServer
from tests.servers.waiting import eventually

BAD: Final = Faults(delay=0.05, longest=0.01, split=0.3, cut=0.012, reset=0.004)


def guarded(backend: Backend) -> Guard:
    """Asked on as long as nothing is in its journal, and else as soon as that could be replayed.

    Else most of the callers would have come while it was not asked for anything.
    """
    return Guard(backend, deadline=PATIENCE, failures=10**6, probe_interval=0.001)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("operations", [6000, pytest.param(100_000, marks=pytest.mark.long)])
async def test_no_value_of_another_key_and_nothing_left_over(
    start: Starter, operations: int
) -> None:
    server = start(RedisServer())
    async with Proxy(server.port, BAD, seed=operations) as proxy:
        backends = [
            RedisBackend(proxy.url, timeout=PATIENCE, connect_timeout=PATIENCE) for _ in range(2)
        ]
        guards = [guarded(backend) for backend in backends]
        caches = [Cache(guard, namespace="x", deadline=PATIENCE) for guard in guards]
        for cache in caches:
            await cache.open()
        chaos = Chaos(caches, backends, seed=operations)
        await chaos.run(operations)
        for cache in caches:
            await cache.close()
        await eventually(lambda: proxy.connections == 0, "the end of all connections")
    assert chaos.wrong == []
    assert sum(backend.unreadable for backend in backends) == 0  # another key's would be
    hits = sum(cache.stats().hits for cache in caches)
    refused = sum(cache.stats().refused_fills for cache in caches)
    met = ", ".join(f"{count} {fault}" for fault, count in proxy.met.items() if count)
    print(f"{operations}: {hits} hits, {refused} fills refused, {dict(chaos.done)}; {met}")
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert len(server.command("CLIENT", "LIST").splitlines()) == 1
    assert hits > operations / 4
    assert refused > operations / 1000
    assert chaos.done["cancelled"] > operations / 20
    assert min(proxy.met[fault] for fault in ("delay", "split", "cut", "reset")) > operations / 6000
