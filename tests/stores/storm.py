"""A bad network and callers who give up: nobody is given the answer to another's question."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final, NamedTuple

from cachekit import Cache
from cachekit.backend import MEASURE, Backend
from cachekit.guard import Guard
from tests.servers.proxy import Faults, Proxy
from tests.servers.waiting import eventually
from tests.stores.chaos import Chaos

BAD: Final = Faults(delay=0.05, longest=0.01, split=0.3, cut=0.012, reset=0.004)
MET: Final = ("delay", "split", "cut", "reset")

PATIENCE: Final = 5.0
"""Seconds for an answer: the machine may be busy, and no answer is not what is tested."""


class Store(NamedTuple):
    """The ports of its servers, and what makes a backend of the addresses of their proxies.

    `failures` are what that raises where it gets no answer.
    """

    ports: Sequence[int]
    connect: Callable[[Sequence[str]], Backend]
    failures: tuple[type[Exception], ...] = (ConnectionError, TimeoutError)


def guarded(backend: Backend) -> Guard:
    """Asked on as long as nothing is in its journal, and else as soon as that could be replayed.

    Else most of the callers would have come while it was not asked for anything.
    """
    return Guard(backend, deadline=PATIENCE, failures=10**6, probe_interval=0.001)


async def check_storm(store: Store, operations: int) -> None:
    """No value of another key, many hits, and nothing left over on this side."""
    async with AsyncExitStack() as stack:
        proxies = [
            await stack.enter_async_context(Proxy(port, BAD, seed=operations + number))
            for number, port in enumerate(store.ports)
        ]
        backends = [store.connect([proxy.address for proxy in proxies]) for _ in range(2)]
        caches = [Cache(guarded(backend), namespace="x", deadline=PATIENCE) for backend in backends]
        chaos = Chaos(caches, backends, store.failures, seed=operations)
        await _play(chaos, caches, operations)
        await eventually(
            lambda: not any(proxy.connections for proxy in proxies), "the end of all connections"
        )
    _check(chaos, caches, backends, operations)
    _check_met(proxies, operations)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def _play(chaos: Chaos, caches: Sequence[Cache], operations: int) -> None:
    for cache in caches:
        await cache.open()
    await chaos.run(operations)
    for cache in caches:
        await cache.close()


def _check(
    chaos: Chaos, caches: Sequence[Cache], backends: Sequence[Backend], operations: int
) -> None:
    assert chaos.wrong == []
    assert sum(map(_unreadable, backends)) == 0  # another key's would be
    hits = sum(cache.stats().hits for cache in caches)
    refused = sum(cache.stats().refused_fills for cache in caches)
    print(f"{operations}: {hits} hits, {refused} fills refused, {dict(chaos.done)}")
    assert hits > operations / 4
    assert refused > operations / 1000
    assert chaos.done["cancelled"] > operations / 20


def _check_met(proxies: Sequence[Proxy], operations: int) -> None:
    met = {fault: sum(proxy.met[fault] for proxy in proxies) for fault in MET}
    print(met)
    assert min(met.values()) > operations / 6000


def _unreadable(backend: Backend) -> int:
    measure = backend.capability(MEASURE)
    assert measure is not None
    return measure.unreadable
