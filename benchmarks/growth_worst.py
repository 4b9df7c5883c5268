"""The worst call of many sets, one after the other into what is empty, beside a plain dict's."""

import gc
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.growth_series import DICT, Series
from benchmarks.results import OURS
from cachekit.backend import Write
from cachekit.entry import Entry, Kind
from cachekit_memory import MemoryBackend

ENTRIES: Final = "entries"
TTL: Final = 3600.0
_STORE: Final = "the memory backend alone"
_SUCH: Final = "plain dict of such entries"
_WORST: Final = "the worst set of a table being filled"
_APART: Final = "the same, without what the garbage collector takes"
Put = Callable[[int], object]


@dataclass(frozen=True)
class Worst:
    """Milliseconds of CPU time of the worst of `size` calls, and but for garbage collection."""

    size: int
    whole: float
    apart: float


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


def filled(put: Put, size: int) -> Worst:
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
    return Worst(size, whole * 1000, apart * 1000)


def worst(keys: Sequence[str], values: Sequence[str], ours: Worst) -> list[Series]:
    """Of `ours`, that was measured already, and of what it stands on."""
    puts = {DICT: _plain, _SUCH: _such, _STORE: _store}
    found = {name: filled(put(keys, values), len(keys)) for name, put in puts.items()}
    return [series for name, each in {**found, OURS: ours}.items() for series in _told(name, each)]


def drive(work: Coroutine[Any, Any, Any]) -> None:
    """To its end: nothing suspends that is on a store in memory."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it suspended")


def _told(name: str, found: Worst) -> Iterator[Series]:
    for what, figure in ((_WORST, found.whole), (_APART, found.apart)):
        series = Series(what, name, ENTRIES, "ms", floor=name == DICT)
        series.add(found.size, figure)
        yield series


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


def _plain(keys: Sequence[str], values: Sequence[str]) -> Put:
    table: dict[str, str] = {}

    def put(number: int) -> None:
        table[keys[number]] = values[number]

    return put


def _such(keys: Sequence[str], values: Sequence[str]) -> Put:
    table: dict[str, Entry] = {}

    def put(number: int) -> None:
        table[keys[number]] = _entry(values[number])

    return put


def _store(keys: Sequence[str], values: Sequence[str]) -> Put:
    backend = MemoryBackend(max_entries=None)

    def put(number: int) -> None:
        drive(backend.write([Write(keys[number], _entry(values[number]))]))

    return put


def _entry(value: str) -> Entry:
    return Entry(Kind.VALUE, keep=TTL).keeping(value, share=True)
