"""The whole of it: services without a cache, then with one, under the same load."""

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from examples.places.database import Database
from examples.places.demo.server import serving
from examples.places.demo.traffic import World
from examples.places.fill import fill
from examples.places.outage.client import Client
from examples.places.outage.drive import Driver
from examples.places.outage.figures import Timeline
from examples.places.outage.own_redis import OwnRedis
from examples.places.outage.phases import ALONE, PHASES
from examples.places.outage.traffic import asks

SMALLEST = 15_000
"""Places of fewer people are left out."""

STORE = "memory://?max_entries=20000 {}"
"""What `PLACES_CACHE` is, with the URL of Redis."""


@dataclass(frozen=True)
class Options:
    """How many requests a second, to how many processes, and how many seconds a phase takes."""

    rate: int = 500
    seconds: int = 7
    processes: int = 2
    seed: int = 7

    @property
    def duration(self) -> int:
        """Seconds, without what it takes to start and to end."""
        return self.seconds * (1 + len(PHASES))


class Run:
    """One run: what is found is on `timeline`, as it is found; `doing` says what is done now."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.timeline = Timeline()
        self.doing = ""
        self._folder = folder
        self._filled = folder / "filled.db"
        self.options = options

    async def all(self) -> None:
        """All of it. Leaves nothing running."""
        async with OwnRedis(self._folder) as redis:
            self.doing = "filling the database"
            await asyncio.to_thread(fill, self._filled, SMALLEST)
            await self._alone()
            await self._through_outages(redis)
        self.doing = ""

    async def _alone(self) -> None:
        self.doing = "starting the service without a cache"
        async with self._services("alone", None) as clients:
            driver = Driver(clients, self.timeline, self.options.seconds)
            self._mark(0, ALONE)
            await self._load(driver)

    async def _through_outages(self, redis: OwnRedis) -> None:
        self.doing = "starting the service"
        async with self._services("cached", STORE.format(redis.url)) as clients:
            driver = Driver(clients, self.timeline, self.options.seconds * len(PHASES))
            load = asyncio.create_task(self._load(driver))
            try:
                await self._conduct(redis, driver)
                self.doing = "waiting for the last answers"
                await load
            finally:
                load.cancel()
                await asyncio.wait([load])

    async def _conduct(self, redis: OwnRedis, driver: Driver) -> None:
        """Let each phase begin on its second."""
        for number, phase in enumerate(PHASES):
            second = number * self.options.seconds
            await asyncio.sleep(driver.began + second - time.monotonic())
            self._mark(self.options.seconds + second, phase.title)
            driver.watch.gone(time.monotonic())
            await phase.begin(redis)
            if not phase.away:
                driver.watch.back(time.monotonic())
        await asyncio.sleep(self.options.seconds)

    def _mark(self, second: int, title: str) -> None:
        self.timeline.marks[second] = self.doing = title

    async def _load(self, driver: Driver) -> None:
        with closing(Database(self._filled, connections=1)) as database:
            world = World.of(database)
        await driver.run(asks(world, str(self.options.seed)), self.options.rate)

    @asynccontextmanager
    async def _services(self, name: str, store: str | None) -> AsyncGenerator[list[Client]]:
        """As many processes as there are to be, on a database of their own."""
        database = self._folder / f"{name}.db"
        shutil.copy(self._filled, database)
        async with AsyncExitStack() as stack:
            starting = [
                stack.enter_async_context(
                    serving(database, cached=store is not None, store=store, name=f"{name}-{n}")
                )
                for n in range(self.options.processes)
            ]
            clients = [Client((await server).url) for server in starting]
            for client in clients:
                stack.callback(client.close)
            yield clients
