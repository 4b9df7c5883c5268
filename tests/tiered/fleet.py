"""Processes that each have copies in front of one server, on a link of its own that may be bad."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from cachekit import Cache
from cachekit.backend import Backend
from cachekit_memory import MemoryBackend
from cachekit_redis import RedisBackend
from cachekit_tiered import TieredBackend
from tests.races.crew import CONTEXT, PATIENCE, Crew
from tests.servers.proxy import NONE, Faults, Proxy
from tests.tiered.players import BAD, OVER, Log, Reader, Truth, Writer
from tests.tiered.pubsub import Published

PROCESSES: Final = 3
READERS: Final = 8

STALENESS: Final = 0.5
SLACK: Final = 0.05

WAITS: Final = 0.4
"""Seconds that the server may be silent: a machine with too much to do is no bad link."""

WEATHER: Final = (
    Faults(delay=0.5, longest=0.05),
    Faults(delay=0.05, longest=1.5),
    Faults(delay=0.2, longest=0.02, split=0.2, cut=0.01),
    Faults(hole=0.02),
    Faults(reset=0.02),
    *[NONE] * 3,
)
SILENT: Final = 0.3
HELD: Final = 0.2
"""So often all connections there are fall silent; so often all is late, and nothing is lost."""

CHANGES: Final = (0.1, 0.9)
"""Seconds after which it is another one."""


class Fleet:
    """`PROCESSES` who read and write, while their links are well, bad, and well again.

    With `published` they follow what is published, as many do, instead of the stream.
    """

    forgets_prefixes = True

    def __init__(self, port: int, *, published: bool = False) -> None:
        self.published = published
        self.truth = Truth()
        self.ready = CONTEXT.Barrier(PROCESSES + 1)
        self.addresses: list[str] = []
        self._port = port
        self._random = random.Random(port)

    def __getstate__(self) -> Mapping[str, Any]:
        return {**vars(self), "_random": None}

    async def run(self, seconds: Sequence[float], *, reads: int = 0) -> Log:
        """Have it happen, in phases of so many `seconds`; the bad one goes on for so many reads."""
        log = Log()
        async with AsyncExitStack() as stack:
            proxies = [
                await stack.enter_async_context(Proxy(self._port, seed=number))
                for number in range(PROCESSES)
            ]
            self.addresses = [proxy.address for proxy in proxies]
            with Crew(PROCESSES, _live, self) as crew:
                await asyncio.to_thread(self.ready.wait, PATIENCE)
                for length in seconds:
                    await self._pass(length, reads, proxies)
                    self.truth.phase.add(0)
                for each in await asyncio.to_thread(crew.results):
                    log.add(each)
        return log

    async def _pass(self, seconds: float, reads: int, proxies: Sequence[Proxy]) -> None:
        """One phase."""
        if self.truth.phase[0] != BAD:
            await asyncio.sleep(seconds)
            return
        raging = [asyncio.create_task(self._rage(proxy)) for proxy in proxies]
        await asyncio.sleep(seconds)
        while self.truth.reads[0] < reads:  # noqa: ASYNC110  other processes read
            await asyncio.sleep(0.1)
        for each in raging:
            each.cancel()
        await asyncio.gather(*raging, return_exceptions=True)

    async def _rage(self, proxy: Proxy) -> None:
        try:
            while True:
                proxy.faults = self._random.choice(WEATHER)
                if self._random.random() < SILENT:
                    proxy.silence()
                if self._random.random() < HELD:
                    proxy.hold()
                await asyncio.sleep(self._random.uniform(*CHANGES))
                proxy.release()
        finally:
            proxy.release()
            proxy.faults = NONE

    def backend(self, number: int) -> Backend:
        """Of one process, on its own link."""
        url = f"redis://{self.addresses[number]}"
        far = RedisBackend(url, timeout=WAITS, connect_timeout=WAITS)
        used = Published(far, url) if self.published else far
        return TieredBackend(MemoryBackend(), used, max_staleness=STALENESS)


async def _live(fleet: Fleet, number: int) -> Log:
    log = Log()
    backend = fleet.backend(number)
    async with Cache(backend, namespace="fleet", deadline=WAITS + 0.1) as cache:
        reader = Reader(fleet.truth, cache, log)
        writer = Writer(fleet.truth, cache, log, prefixes=fleet.forgets_prefixes)
        await reader.warm_up()
        await asyncio.to_thread(fleet.ready.wait, PATIENCE)
        await asyncio.gather(
            *(reader.play() for _ in range(READERS)),
            writer.play(),
            _take_notes(fleet.truth, cache, log),
        )
    return log


async def _take_notes(truth: Truth, cache: Cache, log: Log) -> None:
    """At the end of each phase."""
    reads = near = 0
    for phase in range(OVER):
        while truth.phase[0] == phase:  # noqa: ASYNC110  another process decides
            await asyncio.sleep(0.005)
        so_far = len(log.reads), cache.stats().tiers[0].hits
        log.phases.append((so_far[0] - reads, so_far[1] - near))
        reads, near = so_far
