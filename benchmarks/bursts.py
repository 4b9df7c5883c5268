"""Callers that ask at the same time: what is measured of each client, and how.

Callers are tasks that ask again as soon as they have their answer, as those of a server do that is
busy: to make the tasks is no part of what a call takes. In one row it is.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Final

from benchmarks.clients import CROWD, VALUE, Call, Client
from benchmarks.measuring import Figure

SIZES: Final = (1, 10, 100, 1000)
"""So many ask at once."""
ROUND: Final = 6000
"""So many keys are gone through where none is to be asked for again soon: more than we remember."""

Items = Callable[[], Sequence[Any]]
Asking = Coroutine[Any, Any, None]


@dataclass
class Burst:
    """One subject asked by `size` callers at once, each for something else.

    `anew`: each time by new ones.
    """

    case: str
    size: int
    subject: str
    call: Call
    items: Items
    floor: "Burst | None" = None
    """What it is held against."""
    anew: bool = False
    repeats: int = 1
    figure: Figure = field(default_factory=Figure)
    """Microseconds of a clock on the wall that one call takes."""
    cpu: Figure = field(default_factory=Figure)
    """The same of CPU time in this process, in all of its threads."""
    failure: str = ""

    async def once(self) -> list[Any]:
        items = self.items()
        if len(items) == 1:
            return [await self.call(items[0])]
        return await asyncio.gather(*map(self.call, items))

    async def measure(self) -> float:
        """Takes a round of the CPU time, too."""
        if self.repeats > 1:  # the first of short ones finds nothing where it was
            await self.once()
        calls = self.repeats * self.size
        turns = [self.items() for _ in range(self.repeats)]
        go = asyncio.Event()
        waiting = [asyncio.create_task(asking) for asking in self._asking(turns, go)]
        await asyncio.sleep(0)
        started, cpu = time.perf_counter(), time.process_time()
        go.set()
        await asyncio.gather(*waiting)
        took, busy = time.perf_counter() - started, time.process_time() - cpu
        self.cpu.rounds.append(busy / calls * 1e6)
        return took / calls * 1e6

    def _asking(self, turns: Sequence[Sequence[Any]], go: asyncio.Event) -> Iterator[Asking]:
        if self.anew:
            yield self._ask_by_new_ones(turns, go)
        else:
            yield from (self._ask(items, go) for items in zip(*turns, strict=True))

    async def _ask(self, items: Sequence[Any], go: asyncio.Event) -> None:
        """One caller, who stays."""
        await go.wait()
        for item in items:
            await self.call(item)

    async def _ask_by_new_ones(self, turns: Sequence[Sequence[Any]], go: asyncio.Event) -> None:
        await go.wait()
        for items in turns:
            await asyncio.gather(*map(self.call, items))

    async def prepare(self, span: float) -> None:
        """See whether it does what it should, and how often it has time for that in `span`."""
        try:
            got = await self.once()
            # That has opened connections; of another, a process beside it may have been most.
            took = min([await self._took() for _ in range(3)])
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            return
        wrong = sum(each != VALUE for each in got)
        if self.case != "set" and wrong:
            self.failure = f"{wrong} calls did not get what was stored"
            return
        self.repeats = max(1, round(span / took))

    async def _took(self) -> float:
        started = time.perf_counter()
        await self.once()
        return time.perf_counter() - started


def bursts(clients: Sequence[Client], cold: Iterator[int], callers: int) -> list[Burst]:
    """All that is measured, by case and size; what others are held against comes first.

    `cold` has numbers that nobody has asked for; no more than `callers` ask at once.
    """
    sizes = [size for size in SIZES if size <= callers]
    by_size = {size: [client for client in clients if client.serves(size)] for size in sizes}
    pair = sizes[0], min(CROWD, sizes[-1])
    crowd = by_size[pair[1]]
    few = [client for client in crowd if client.most > CROWD]
    alone = {size: gets(some, size) for size, some in by_size.items()}
    all_of = (
        *alone.values(),
        _anew(few, pair[1]),
        _hot(crowd, pair[1]),
        _wide(few, pair[1]),
        *(_hits(by_size[size], size, alone[size][0]) for size in pair),
        *(_sets(some, size) for size, some in by_size.items()),
        *(_misses(some, size, cold) for size, some in by_size.items()),
    )
    return [burst for some in all_of for burst in some]


def gets(clients: Sequence[Client], size: int) -> list[Burst]:
    """Each of the callers asks for a key of its own."""
    keys = _same(keys_of(size))
    made = [Burst("get", size, client.name, client.get, keys) for client in clients]
    reads = [(f"{client.name}, the read alone", client.read) for client in clients if client.read]
    return _beside([*made, *(Burst("get", size, name, read, keys) for name, read in reads)])


def _anew(clients: Sequence[Client], size: int) -> list[Burst]:
    keys, case = _same(keys_of(size)), "get, a new task for each"
    return _beside([Burst(case, size, c.name, c.get, keys, anew=True) for c in clients])


def _hot(clients: Sequence[Client], size: int) -> list[Burst]:
    keys = _same(keys_of(1) * size)
    case = "get of one key"
    return _beside([Burst(case, size, client.name, client.get, keys) for client in clients])


def _wide(clients: Sequence[Client], size: int) -> list[Burst]:
    """Never a key that was asked for a moment ago; not by so few that it would take long."""
    if size < CROWD:
        return []
    case = "get of other keys each time"
    return _beside(
        [Burst(case, size, client.name, client.get, _in_turn(size)) for client in clients]
    )


def _hits(clients: Sequence[Client], size: int, floor: Burst) -> list[Burst]:
    numbers = _same(range(size))
    calls = [call for c in clients if not c.plain for call in c.recall.items()]
    return [Burst("get or load, hit", size, name, call, numbers, floor) for name, call in calls]


def _sets(clients: Sequence[Client], size: int) -> list[Burst]:
    """Of keys of their own: what others ask for does not change meanwhile."""
    keys = _same([f"set:{number}" for number in range(size)])
    return _beside([Burst("set", size, client.name, client.set, keys) for client in clients])


def _misses(clients: Sequence[Client], size: int, cold: Iterator[int]) -> list[Burst]:
    def numbers() -> list[int]:
        return list(islice(cold, size))

    calls = [call for client in clients for call in client.recall.items()]
    return _beside([Burst("get or load, miss", size, *call, numbers) for call in calls])


def _beside(made: list[Burst]) -> list[Burst]:
    for burst in made[1:]:
        burst.floor = made[0]
    return made


def keys_of(size: int) -> list[str]:
    return [f"product:{number}" for number in range(size)]


def stored(client: Client, callers: int) -> int:
    """How many keys there have to be for a client of which no more than `callers` ask."""
    if client.most <= CROWD:
        return min(client.most, callers)
    return max(callers, ROUND if callers >= CROWD else 0)


def _in_turn(size: int) -> Items:
    keys = keys_of(ROUND)
    turns = cycle([keys[at : at + size] for at in range(0, len(keys), size)])
    return lambda: next(turns)


def _same(items: Sequence[Any]) -> Items:
    return lambda: items
