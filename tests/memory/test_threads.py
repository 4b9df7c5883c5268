"""Many threads on one backend."""

import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from cachekit.backend import ABSENT, ANY
from cachekit.clock import SYSTEM
from cachekit.entry import Entry, Kind
from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction
from tests.memory.by_hand import POLICIES, forget, peeking, read, tag, value, write

THREADS = 4
STEPS = 2_000


@pytest.fixture(autouse=True)
def switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(*work: Callable[[], None]) -> None:
    """Each in a thread of its own; the first exception is raised here."""
    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(one) for one in work]:
            done.result()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("bound", [{"max_entries": 50}, {"max_bytes": 60_000}])
def test_everything_at_once(policy: Eviction, bound: dict[str, Any]) -> None:
    backend = MemoryBackend(policy=policy, **bound)
    together(*[partial(hammer, backend, seed) for seed in range(THREADS)])
    check(backend)
    assert len(backend) <= 51


def hammer(backend: MemoryBackend, seed: int) -> None:
    rng = random.Random(seed)
    peek = peeking(backend).peek
    for _ in range(STEPS):
        key, name = f"v:{rng.randrange(100)}", f"t:{rng.randrange(5)}"
        match rng.randrange(12):
            case 0:
                write(backend, name, tag(rng.randrange(3)), rng.choice([ANY, ABSENT]))
            case 1:
                write(backend, rng.choice([key, name]), None)
            case 2:
                write(backend, key, Entry(rng.choice([Kind.STUB, Kind.PASS]), keep=0.001))
            case 3 | 4 | 5:
                record = read(backend, name)
                tags = {name: record.version} if record else {}
                write(backend, key, value(seed, keep=rng.choice([None, 0.001]), tags=tags))
            case 6 if rng.random() < 0.1:
                forget(backend, f"v:{rng.randrange(10)}")
            case 7:
                read(backend, key)
            case _:
                entry = peek(key)
                assert entry is None or entry.kind is Kind.VALUE
                assert entry is None or entry.serves(0.0) in (True, False)


def check(backend: MemoryBackend) -> None:
    """The tables agree with each other."""
    values = set(backend._values)
    assert not values & backend._beside.keys()
    assert backend._values.currsize <= backend._values.maxsize
    assert not set(backend._tags) & (values | backend._beside.keys())
    dated = {key for part in backend._deadlines._places for key in part}
    assert dated <= values | backend._beside.keys()
    peek = peeking(backend).peek
    assert all(peek(key) is not None for key in values)
    assert all(peek(key) is None for key in backend._beside)


@pytest.mark.parametrize("policy", POLICIES)
def test_after_an_invalidation_no_thread_is_served_an_older_value(policy: Eviction) -> None:
    backend = MemoryBackend(policy=policy, max_entries=2)
    acknowledged = 0
    served = 0

    def invalidate() -> None:
        nonlocal acknowledged
        for number in range(1, STEPS):
            write(backend, "t:a", tag(number))
            acknowledged = number
            write(backend, f"v:{number % 3}", value(number, tags={"t:a": number}))
            if number % 50 == 0:
                time.sleep(0.001)  # lets the others look while this one serves

    def look() -> None:
        nonlocal served
        peek = peeking(backend).peek
        while acknowledged < STEPS - 1:
            least = acknowledged
            entry = peek(f"v:{least % 3}")
            if entry is not None and entry.serves(SYSTEM.monotonic()):
                assert entry.kept >= least
                served += 1

    together(invalidate, look, look, look)
    assert served


def test_only_one_of_many_gets_an_absent_key() -> None:
    backend = MemoryBackend()
    won: list[str] = []

    def lease() -> None:
        for number in range(200):
            stub = Entry(Kind.STUB)
            if write(backend, f"v:{number}", stub, ABSENT).name == "DONE":
                won.append(f"v:{number}")

    together(*[lease] * THREADS)
    assert sorted(won) == sorted(f"v:{number}" for number in range(200))
