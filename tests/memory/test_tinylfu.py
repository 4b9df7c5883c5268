"""TinyLFU by itself, as the `cachetools.Cache` it is, and the sketch that it counts in."""

import random
import sys
import threading
from collections.abc import Callable, Iterable

import pytest
from cachetools import Cache, LRUCache
from hypothesis import given
from hypothesis import strategies as st

from cachekit_memory.s3fifo import S3FIFO
from cachekit_memory.sketch import BLOCK, COUNTS, LEAST, MOST, PERIOD, Sketch
from cachekit_memory.slotted import Slot
from cachekit_memory.tinylfu import GHOSTS, STEP, WIDEST, WINDOW, TinyLFU
from tests.memory.rings import agree, keys_in


def filled(size: int) -> TinyLFU[int, str]:
    """With the oldest nine tenths in the main queue, and the others in the window."""
    cache: TinyLFU[int, str] = TinyLFU(size)
    for key in range(size):
        cache[key] = str(key)
    return cache


def test_what_is_new_goes_first_if_it_was_not_asked_for_more_often() -> None:
    cache = filled(100)
    for key in range(1000, 1100):
        cache[key] = "once"
    assert sum(key in cache for key in range(85)) > 80  # a few may share a count


def test_what_was_used_in_the_window_moves_to_the_main_queue() -> None:
    cache = filled(100)
    cache[100] = "new"
    cache.peek(100)
    for key in range(1000, 1100):
        cache[key] = "once"
    assert 100 in cache


def test_what_was_asked_for_before_is_admitted() -> None:
    cache = filled(100)
    for _ in range(3):
        for key in range(1000, 1020):
            cache[key] = "driven out by the others"
    assert 1000 in cache
    assert 0 not in cache


def test_hits_are_worth_three_rounds_of_the_main_queue_at_most() -> None:
    cache = filled(10)
    for _ in range(100):
        cache.peek(0)
    assert cache._move_on()
    assert cache._slots[0].hits == 2
    assert cache._oldest(cache._main) == 1
    assert not cache._move_on()


def test_the_sketch_gets_to_know_of_each_hit_once() -> None:
    cache = filled(100)
    for _ in range(9):
        cache.peek(0)
    assert cache[0] == cache.get(0) == "0"
    assert cache._move_on()
    assert (cache._sketch.count(0), cache._slots[0].hits) == (10, 2)
    cache.pop(0)
    assert cache._sketch.count(0) >= 12


def test_hits_that_others_count_meanwhile_are_not_taken_from_the_sketch() -> None:
    class Busy(Slot[str]):
        """Each time that its hits are set, a hundred more have come when they are looked at."""

        __slots__ = ("counted",)

        @property
        def hits(self) -> int:
            return int(self.counted)

        @hits.setter
        def hits(self, hits: int) -> None:
            self.counted = hits + 100

    cache = filled(10)
    old = cache._slots[0]
    busy = cache._slots[0] = Busy("0", 1)
    busy.ring, busy.place = old.ring, old.place
    assert cache._use(0, 2)
    assert cache._sketch.count(0) == 1 + 98


def test_hits_of_what_is_deleted_are_not_forgotten() -> None:
    cache = filled(100)
    for _ in range(9):
        cache.peek(99)
    del cache[99]
    assert cache._sketch.count(99) == 10


def test_what_was_deleted_returns_to_its_queue_and_that_is_no_request() -> None:
    cache = filled(100)
    for key in (0, 99):
        ring = cache._slots[key].ring
        for _ in range(9):
            del cache[key]
            cache[key] = "newer"
        assert cache._slots[key].ring == ring
        assert cache._sketch.count(key) == 1


def test_a_new_value_keeps_the_place_of_the_old_one() -> None:
    cache = filled(10)
    cache[0] = "newer"
    assert cache._oldest(cache._main) == 0
    assert cache[0] == "newer"


def test_a_key_that_the_window_gave_up_widens_it() -> None:
    cache = filled(100)
    cache[100] = "new"
    gone = next(iter(cache._from_window))
    cache[gone] = "back"
    assert cache._part == WINDOW + STEP
    assert gone not in cache._from_window


def test_a_key_that_the_main_queue_gave_up_narrows_the_window() -> None:
    cache = filled(100)
    for key in range(80, 100):
        cache.peek(key)
    cache[100] = "drives out the oldest, since the window moved on"
    assert list(cache._from_main) == [0]
    cache[0] = "back"
    assert cache._part == WINDOW - STEP


def test_the_window_is_never_nothing_nor_all() -> None:
    cache = filled(10)
    for ghosts, part in ((cache._from_window, WIDEST), (cache._from_main, STEP)):
        for _ in range(1000):
            ghosts[-1] = None
            cache._adapt(-1)
        assert cache._part == part


def test_what_is_remembered_is_bounded() -> None:
    cache = filled(100)
    for key in range(100, 5000):
        cache[key] = str(key)
        if key % 3:
            del cache[key]
        most = 2 + GHOSTS * 100
        assert len(cache._from_window) <= most
        assert len(cache._from_main) <= most
        assert len(cache._deleted) <= 102
    assert len(cache._sketch._counts) <= 4 * COUNTS * 100


def test_clear_forgets_ghosts_and_counts_too() -> None:
    cache = filled(10)
    for key in range(10, 20):
        cache[key] = "drives one out"
    del cache[0]
    cache.clear()
    assert (len(cache), cache.currsize, cache.peek(10)) == (0, 0, None)
    assert not cache._from_window | cache._from_main
    assert not cache._deleted
    assert cache._sketch.count(10) == 0


STEPS = st.lists(
    st.tuples(st.sampled_from(["set", "use", "delete", "evict"]), st.integers(0, 8), st.text()),
    max_size=80,
)


@given(STEPS, st.integers(1, 40))
def test_sizes_queues_and_bounds_agree(steps: list[tuple[str, int, str]], most: int) -> None:
    cache: TinyLFU[int, str] = TinyLFU(most, getsizeof=len)
    model: dict[int, str] = {}
    for what, key, text in steps:
        if what == "set" and len(text) <= most:
            cache[key] = model[key] = text
            assert cache[key] == text
        elif what == "use":
            assert cache.peek(key) == cache.get(key)
        elif what == "delete":
            cache.pop(key, None)
        elif what == "evict" and len(cache):
            cache.popitem()
        assert all(model[key] == text for key, text in cache.items())
        assert cache.currsize == sum(map(len, cache.values())) <= most
        agree(cache, cache._window, cache._main)
        assert cache._in_window == len(keys_in(cache._rings, cache._window))
        check(cache)


def check(cache: TinyLFU[int, str]) -> None:
    for ghosts in (cache._from_window, cache._from_main, cache._deleted):
        assert not ghosts.keys() & cache._slots.keys()
    assert STEP <= cache._part <= WIDEST
    assert len(cache) <= cache._sketch.keys


def test_threads_may_peek_while_one_writes() -> None:
    cache = filled(50)
    ended = threading.Event()
    wrong: list[object] = []

    def look(seed: int) -> None:
        rng = random.Random(seed)
        while not ended.is_set():
            key = rng.randrange(100)
            if cache.peek(key) not in (None, str(key)):
                wrong.append(key)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(3)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    rng = random.Random(9)
    for _ in range(5000):
        key = rng.randrange(100)
        if rng.random() < 0.2:
            cache.pop(key, None)
        else:
            cache[key] = str(key)
    ended.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    assert not wrong
    agree(cache, cache._window, cache._main)


def ratio(cache: Cache[int, int], requests: Iterable[int], size: Callable[[int], int]) -> float:
    """In percent; a key is its value, and has the size that it is said to have."""
    hits = asked = 0
    for key in requests:
        asked += 1
        if cache.get(key) is not None:
            hits += 1
        elif size(key) <= cache.maxsize:
            cache[key] = key
    return 100 * hits / asked


def popular(seed: int, keys: int, requests: int) -> list[int]:
    """Few keys much, many a little; none is 0."""
    rng = random.Random(seed)
    return [1 + int(keys ** rng.random()) for _ in range(requests)]


def scanned() -> list[int]:
    hot = popular(1, 2000, 20_000)
    for place in range(0, 30_000, 3000):
        hot[place:place] = range(10_000 + place, 11_000 + place)
    return hot


TRACES = {
    "popular": popular(1, 5000, 30_000),
    "scanned": scanned(),
    "a loop": list(range(1, 301)) * 50,
    "a loop among others": [
        key for pair in zip(popular(2, 2000, 15_000), list(range(9000, 9300)) * 50, strict=True)
        for key in pair
    ],
}  # fmt: skip


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("weights", [False, True])
def test_it_hits_more_often_than_lru(trace: str, weights: bool) -> None:
    def size(key: int) -> int:
        return 1 + hash((key, 1)) % 19 if weights else 1

    most = 2000 if weights else 200
    of = {
        policy: ratio(policy(most, size), TRACES[trace], size)
        for policy in (TinyLFU, S3FIFO, LRUCache)
    }
    assert of[TinyLFU] > of[LRUCache] + 2
    assert of[TinyLFU] > of[S3FIFO] - 1


def test_where_what_was_used_last_comes_next_it_is_near_to_lru() -> None:
    rng = random.Random(1)
    moving = [place // 8 + rng.randrange(300) for place in range(60_000)]
    of = {
        policy: ratio(policy(300), moving, lambda key: 1) for policy in (TinyLFU, S3FIFO, LRUCache)
    }
    assert of[TinyLFU] > of[LRUCache] - 5
    assert of[TinyLFU] > of[S3FIFO] + 5


def sketch_for(keys: int) -> Sketch:
    sketch = Sketch()
    while sketch.keys < keys:
        sketch.grow()
    return sketch


def test_a_sketch_counts_up_to_its_end() -> None:
    sketch = sketch_for(100)
    sketch.add(1, 3)
    assert (sketch.count(1), sketch.count(2)) == (3, 0)
    sketch.add(1, MOST)
    assert sketch.count(1) == MOST


def test_counts_halve_after_so_many_requests() -> None:
    sketch = sketch_for(16)
    sketch.add(1, 100)
    sketch.add(2, PERIOD * 16 - 101)
    assert sketch.count(1) == 100
    sketch.add(2, 1)
    assert (sketch.count(1), sketch.count(2)) == (50, 78)
    for _ in range(10):
        sketch.add(2, PERIOD * 16)
    assert sketch.count(1) == 0


def test_a_sketch_grows_and_each_key_keeps_its_count() -> None:
    sketch = Sketch()
    sketch.add(1, 7)
    for _ in range(10):
        before = sketch.keys
        sketch.grow()
        assert sketch.keys == 2 * before
        assert sketch.count(1) == 7
        assert len(sketch._counts) == max(LEAST, COUNTS * sketch.keys)
        assert len(sketch._counts) == BLOCK * len(sketch._ages)


@pytest.mark.parametrize("step", [1, -1, 64, 1000, 2**32])
def test_numbers_seldom_share_a_count(step: int) -> None:
    sketch = sketch_for(1000)
    assert len({sketch._place(number * step) for number in range(1000)}) > 950
