"""The whole comparison: one pass without the cache, one with it, each on a fresh database."""

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.progress import Progress

from examples.places.database import Database
from examples.places.demo.drive import TIMEOUT, Driver, Figures
from examples.places.demo.server import serving
from examples.places.demo.traffic import Ask, Traffic, World
from examples.places.fill import fill


@dataclass(frozen=True)
class Options:
    """How much of what; `fill` says what `smallest` is."""

    requests: int = 2_000
    clients: int = 16
    crowd: int = 200
    smallest: int = 1_000
    seed: int = 7


@dataclass(frozen=True)
class Script:
    """What both passes do."""

    streams: Sequence[Sequence[Ask]]
    stampede: Sequence[Ask]

    @property
    def requests(self) -> int:
        return sum(map(len, self.streams))


async def compare(
    folder: Path, options: Options, store: str | None, bars: Progress
) -> tuple[Figures, Figures]:
    """The figures without the cache, and with it in `store`, as `serving()` takes that."""
    filled = folder / "filled.db"
    _fill(filled, options.smallest, bars)
    script = _script(filled, options)
    without = await _pass(filled, script, bars, cached=False)
    return without, await _pass(filled, script, bars, cached=True, store=store)


def _fill(path: Path, smallest: int, bars: Progress) -> None:
    bar = bars.add_task("filling the database", total=None)
    fill(path, smallest, lambda done, total: bars.update(bar, completed=done, total=total))


def _script(filled: Path, options: Options) -> Script:
    with closing(Database(filled, connections=1)) as database:
        world = World.of(database)
    each = options.requests // options.clients
    seeds = [f"{options.seed} {client}" for client in range(options.clients)]
    streams = [list(Traffic(world, seed).asks(each)) for seed in seeds]
    return Script(streams, [Ask("GET", f"/countries/{world.calm}/statistics")] * options.crowd)


async def _pass(
    filled: Path, script: Script, bars: Progress, *, cached: bool, store: str | None = None
) -> Figures:
    how = "with" if cached else "without"
    database = filled.with_name(f"{how}.db")
    shutil.copy(filled, database)
    bar = bars.add_task(f"{how} the cache", total=script.requests + len(script.stampede))
    service = serving(database, cached=cached, store=store)
    async with service as server, _client(server.url) as client:
        driver = Driver(client, lambda: bars.advance(bar))
        await driver.run(script.streams)
        await driver.stampede(script.stampede)
    return driver.figures


def _client(url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=url, timeout=TIMEOUT, limits=limits, trust_env=False)
