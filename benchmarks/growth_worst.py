"""The worst call of many sets, one after the other into what is empty, beside a plain dict's.

`python -m benchmarks.growth_worst SUBJECT WHAT SIZE` prints the milliseconds of the worst of `SIZE`
calls, and the same but for what the garbage collector takes. Each is measured in a process of its
own: memory that a process had before is faster to get than what it never had.
"""

import gc
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from rich.progress import track

from benchmarks.growth_series import DICT, ENTRIES, TTL, Series, measured_apart
from benchmarks.measuring import Effort
from benchmarks.results import OURS
from cachekit import Cache
from cachekit_memory import MemoryBackend

TEXTS: Final = "texts"
NESTED: Final = "dicts with a list and a dict in each"
LARGEST: Final = 1_000_000
"""So many entries at most are in one process here; each takes about a kilobyte."""
_WORST: Final = "the worst set of a table being filled with {}"
_APART: Final = "{}, without what the garbage collector takes"
_PART: Final = 3
"""One round in so many is measured: each is some minutes."""
Put = Callable[[int], object]


@dataclass
class Pauses:
    """Seconds that the garbage collector took so far."""

    seconds: float = 0.0
    _since: float = 0.0

    def note(self, phase: str, _: object) -> None:
        if phase == "start":
            self._since = time.thread_time()
        else:
            self.seconds += time.thread_time() - self._since


def worst(effort: Effort) -> Iterator[Series]:
    """Of plain and nested values, for a plain dict and for ours; milliseconds of CPU time."""
    size, rounds = min(effort.most, LARGEST), max(1, effort.rounds // _PART)
    for what in _VALUES:
        whole = {name: _series(_WORST.format(what), name) for name in _TABLES}
        apart = {name: _series(_APART.format(each.what), name) for name, each in whole.items()}
        for _ in track(range(rounds), description=f"the worst set of {what}"):
            for name in _TABLES:
                both = measured_apart(__name__, name, what, size)
                for series, figure in zip((whole[name], apart[name]), both, strict=True):
                    series.add(size, figure)
        yield from [*whole.values(), *apart.values()]


def filled(put: Put, size: int) -> tuple[float, float]:
    """Puts so many; the garbage collector walks what comes from this, not what was there before.

    Each call lasts until the next one: what it allocates may be collected just after it.
    """
    whole = apart = 0.0
    with _watched() as pauses:
        paused, started = pauses.seconds, time.thread_time()
        for number in range(size):
            put(number)
            seconds, now = pauses.seconds, time.thread_time()
            whole = max(whole, now - started)
            apart = max(apart, now - started - (seconds - paused))
            paused, started = seconds, now
    return whole * 1000, apart * 1000


def drive(work: Coroutine[Any, Any, Any]) -> None:
    """To its end: nothing suspends that is on a store in memory."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it suspended")


def _series(what: str, name: str) -> Series:
    return Series(what, name, ENTRIES, "ms", floor=name == DICT)


@contextmanager
def _watched() -> Iterator[Pauses]:
    gc.collect()
    gc.freeze()
    gc.collect()  # else it would wait until there is a quarter more than what is frozen
    pauses = Pauses()
    gc.callbacks.append(pauses.note)
    try:
        yield pauses
    finally:
        gc.callbacks.remove(pauses.note)
        gc.unfreeze()


def _plain(value: Callable[[int], Any]) -> Put:
    table: dict[str, Any] = {}

    def put(number: int) -> None:
        table[f"item:{number}"] = value(number)

    return put


def _ours(value: Callable[[int], Any]) -> Put:
    cache = Cache(MemoryBackend(max_entries=None), ttl=TTL)

    async def load(number: int) -> Any:
        raise AssertionError(f"{number} is not in the cache")

    item = cache.cached(key="item:{number}", tags=["all"])(load)

    def put(number: int) -> None:
        drive(item.set(value(number), number))

    return put


def _nested(number: int) -> dict[str, Any]:
    return {"id": number, "kinds": ["one", "other"], "of": {"name": "text", "price": 9.5}}


_TABLES: Final = {DICT: _plain, OURS: _ours}
_VALUES: Final[dict[str, Callable[[int], Any]]] = {TEXTS: "value {}".format, NESTED: _nested}


if __name__ == "__main__":
    print(*filled(_TABLES[sys.argv[1]](_VALUES[sys.argv[2]]), int(sys.argv[3])))
