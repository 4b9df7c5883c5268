"""The whole of it: services without a cache, then with one, under the same load."""

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from examples.places.database import Database
from examples.places.demo.server import serving
from examples.places.demo.traffic import Ask, Mix, World
from examples.places.fill import fill
from examples.places.outage.client import Client
from examples.places.outage.drive import Driver
from examples.places.outage.figures import Timeline
from examples.places.outage.own_redis import OwnRedis, program
from examples.places.outage.phases import ALONE, PHASES, Phase
from examples.places.outage.traffic import LIGHT, asks

SMALLEST = 15_000
"""Places of fewer people are left out."""


@dataclass(frozen=True)
class Options:
    """How many requests a second, to how many processes, and how many seconds a phase takes.

    `store` is what `PLACES_CACHE` is, with `{}` for the URL of Redis.
    """

    rate: int = 500
    seconds: int = 7
    processes: int = 2
    seed: int = 7
    mix: Mix = LIGHT
    phases: Sequence[Phase] = PHASES
    store: str = "memory://?max_entries=20000 {}"

    @property
    def duration(self) -> int:
        """Seconds, without what it takes to start and to end."""
        return self.seconds * (1 + len(self.phases))


class Run:
    """One run: what is found is on `timeline`, as it is found; `doing` says what is done now.

    `folder` is for what it needs; if there is a `filled.db` in it, that is the database.
    """

    def __init__(self, folder: Path, options: Options) -> None:
        self.options = options
        self.timeline = Timeline()
        self.doing = ""
        self._folder = folder
        self._filled = folder / "filled.db"

    async def all(self) -> None:
        """Without a cache, then with one. Leaves nothing running."""
        program()  # or there is none, which is better known before all else
        if not self._filled.exists():
            self.doing = "filling the database"
            await asyncio.to_thread(fill, self._filled, SMALLEST)
        await self.alone()
        await self.through_outages()
        self.doing = ""

    async def alone(self) -> None:
        """The load on services without a cache."""
        self.doing = "starting the service without a cache"
        async with self._services("alone", None) as clients:
            traffic, driver = self._traffic(), self._driver(clients, self.options.seconds)
            self._mark(0, ALONE)
            await driver.run(traffic, self.options.rate)

    async def through_outages(self) -> None:
        """The load on services with a cache, while this and that happens to their Redis."""
        self.doing = "starting the service"
        async with (
            OwnRedis(self._folder) as redis,
            self._services("cached", self.options.store.format(redis.url)) as clients,
        ):
            seconds = self.options.seconds * len(self.options.phases)
            traffic, driver = self._traffic(), self._driver(clients, seconds)
            load = asyncio.create_task(driver.run(traffic, self.options.rate))
            try:
                await self._conduct(redis, driver)
                self.doing = "waiting for the last answers"
                await load
            finally:
                load.cancel()
                await asyncio.wait([load])

    def _driver(self, clients: Sequence[Client], seconds: int) -> Driver:
        self._first = len(self.timeline.seconds)
        return Driver(clients, self.timeline, seconds)

    async def _conduct(self, redis: OwnRedis, driver: Driver) -> None:
        """Let each phase begin on its second."""
        for number, phase in enumerate(self.options.phases):
            second = number * self.options.seconds
            await asyncio.sleep(driver.began + second - time.monotonic())
            self._mark(second, phase.title)
            driver.watch.gone(time.monotonic())
            await phase.begin(redis)
            if not phase.away:
                driver.watch.back(time.monotonic())
        await asyncio.sleep(self.options.seconds)

    def _mark(self, second: int, title: str) -> None:
        self.timeline.marks[self._first + second] = self.doing = title

    def _traffic(self) -> Iterator[Ask]:
        with closing(Database(self._filled, connections=1)) as database:
            world = World.of(database)
        return asks(world, str(self.options.seed), self.options.mix)

    @asynccontextmanager
    async def _services(self, name: str, store: str | None) -> AsyncGenerator[list[Client]]:
        """As many processes as there are to be, on a database of their own."""
        database = self._folder / f"{name}.db"
        shutil.copy(self._filled, database)
        async with AsyncExitStack() as stack:
            clients: list[Client] = []
            for number in range(self.options.processes):
                service = serving(
                    database, cached=store is not None, store=store, name=f"{name}-{number}"
                )
                client = Client((await stack.enter_async_context(service)).url)
                stack.callback(client.close)
                clients.append(client)
            yield clients
