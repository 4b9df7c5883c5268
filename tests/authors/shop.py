"""A shop of several real processes over one store, some of which await and some of which block.

Each product has a price, a counter that only grows. A process that raises a price invalidates it
and, once that is acknowledged, says so: whoever asks after that and gets less was served stale.
"""

import asyncio
import multiprocessing
import random
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path
from typing import Any, Final, NamedTuple

from cachekit import Cache, Key, Tag
from cachekit.runtime import drive
from examples.sqlite_backend import SqliteBackend

PATIENCE: Final = 60.0
"""Seconds of real time: several processes know no other."""

TASKS: Final = 4
"""So many tasks or threads of a process play at once."""

RAISES: Final = 0.1
"""The share of rounds in which a price is raised."""

_SPAWN: Final = multiprocessing.get_context("spawn")
_BRIEFLY: Final = 0.002


class Report(NamedTuple):
    """What all processes saw; `first_loads` has, by product, the loads of its first price."""

    reads: int
    raises: int
    stale: int
    first_loads: list[int]


class Ledger:
    """What the processes share besides the store."""

    def __init__(self, processes: int, products: int) -> None:
        self.processes = processes
        self.products = range(products)
        self.prices = _array(products)
        self.acknowledged = _array(products)
        self.asked = _array(products)
        self.first_loads = _array(products)
        self.counts = _array(3)
        self.ready = _SPAWN.Barrier(processes)


class Face(NamedTuple):
    """How a process uses its cache, whichever way."""

    price: Callable[[int], Awaitable[int]]
    forget: Callable[[int], Awaitable[None]]


class Shop:
    """`processes` of them, of which every second one blocks."""

    def __init__(self, path: Path, *, processes: int, products: int) -> None:
        self._path = path
        self._ledger = Ledger(processes, products)
        self._processes: list[SpawnProcess] = []

    def __enter__(self) -> "Shop":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def run(self, rounds: int) -> Report:
        """Every process asks once for each product; then each of its tasks plays `rounds`."""
        for number in range(self._ledger.processes):
            target = _block if number % 2 else _await
            arguments = (self._path, self._ledger, number, rounds)
            self._processes.append(_SPAWN.Process(target=target, args=arguments))
            self._processes[-1].start()
        for process in self._processes:
            process.join(PATIENCE)
            assert process.exitcode == 0, "see above what the process wrote"
        reads, raises, stale = self._ledger.counts[:]
        return Report(reads, raises, stale, self._ledger.first_loads[:])


def _await(path: Path, ledger: Ledger, number: int, rounds: int) -> None:
    asyncio.run(_on_loop(path, ledger, number, rounds))


async def _on_loop(path: Path, ledger: Ledger, number: int, rounds: int) -> None:
    async with _cache(path) as cache:

        async def price(product: int) -> int:
            async def load() -> int:
                while not _all_ask(ledger, product):  # noqa: ASYNC110  others are processes
                    await asyncio.sleep(_BRIEFLY)
                return _load(ledger, product)

            return await cache.get_or_set(_key(product), load, tags=[_tag(product)])

        async def forget(product: int) -> None:
            await cache.invalidate(_target(product))

        face = Face(price, forget)
        await asyncio.gather(*(_ask_first(ledger, face, product) for product in ledger.products))
        await asyncio.to_thread(ledger.ready.wait, PATIENCE)
        dice = [random.Random(f"{number} {task}") for task in range(TASKS)]
        await asyncio.gather(*(_play(ledger, face, rounds, die) for die in dice))


def _block(path: Path, ledger: Ledger, number: int, rounds: int) -> None:
    cache = _cache(path)

    async def price(product: int) -> int:
        def load() -> int:
            while not _all_ask(ledger, product):
                time.sleep(_BRIEFLY)
            return _load(ledger, product)

        return cache.sync.get_or_set(_key(product), load, tags=[_tag(product)])

    async def forget(product: int) -> None:
        cache.sync.invalidate(_target(product))

    def play(task: int) -> None:
        drive(_play(ledger, face, rounds, random.Random(f"{number} {task}")))

    face = Face(price, forget)
    for product in ledger.products:
        drive(_ask_first(ledger, face, product))
    ledger.ready.wait(PATIENCE)
    threads = [threading.Thread(target=partial(play, task)) for task in range(TASKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    cache.sync.close()


async def _ask_first(ledger: Ledger, face: Face, product: int) -> None:
    _add(ledger.asked, product)
    assert await face.price(product) == 0


async def _play(ledger: Ledger, face: Face, rounds: int, die: random.Random) -> None:
    for _ in range(rounds):
        product = die.choice(ledger.products)
        if die.random() < RAISES:
            price = _add(ledger.prices, product)
            await face.forget(product)
            _raise_to(ledger.acknowledged, product, price)
            _add(ledger.counts, 1)
        else:
            least = ledger.acknowledged[product]
            _add(ledger.counts, 2, await face.price(product) < least)
            _add(ledger.counts, 0)


def _load(ledger: Ledger, product: int) -> int:
    price = ledger.prices[product]
    _add(ledger.first_loads, product, price == 0)
    return price


def _all_ask(ledger: Ledger, product: int) -> bool:
    """A first load goes on until every process wants it, so that none comes too late to wait."""
    return ledger.asked[product] == ledger.processes


def _cache(path: Path) -> Cache:
    return Cache(SqliteBackend(path), namespace="shop", deadline=PATIENCE)


def _key(product: int) -> str:
    return f"price:{product}"


def _tag(product: int) -> str:
    return f"product:{product}"


def _target(product: int) -> Key | Tag:
    return Key(_key(product)) if product % 2 else Tag(_tag(product))


def _array(size: int) -> "SynchronizedArray[int]":
    return _SPAWN.Array("q", size)


def _add(array: "SynchronizedArray[Any]", place: int, number: int = 1) -> int:
    with array.get_lock():
        array[place] += number
        return int(array[place])


def _raise_to(array: "SynchronizedArray[int]", place: int, number: int) -> None:
    with array.get_lock():
        array[place] = max(array[place], number)
