"""The eviction policy by itself, as the `cachetools.Cache` it is."""

from hypothesis import given
from hypothesis import strategies as st

from cachekit_memory.s3fifo import MOST_HITS, S3FIFO
from tests.memory.rings import agree, keys_in


def filled(size: int) -> S3FIFO[int, str]:
    cache: S3FIFO[int, str] = S3FIFO(size)
    for key in range(size):
        cache[key] = str(key)
    return cache


def test_of_what_was_never_used_the_oldest_goes() -> None:
    assert filled(10).popitem() == (0, "0")


def test_one_use_is_not_enough_to_stay() -> None:
    cache = filled(10)
    cache.peek(0)
    assert cache.popitem() == (0, "0")


def test_what_was_used_twice_moves_to_the_main_queue() -> None:
    cache = filled(10)
    for _ in range(2):
        cache.peek(0)
    assert [cache.popitem()[0] for _ in range(10)] == [*range(1, 10), 0]


def test_reading_an_item_counts_as_a_use() -> None:
    cache = filled(10)
    assert cache[0] == cache.get(0) == "0"
    assert cache.popitem() == (1, "1")


def test_a_key_that_returns_as_a_ghost_outlives_what_was_used_less() -> None:
    cache = filled(10)
    cache[10] = "new"  # drives out 0
    cache[0] = "back"  # drives out 1, and goes to the main queue
    for key in range(11, 30):
        cache[key] = str(key)
    assert cache[0] == "back"
    assert 10 not in cache


def test_each_hit_in_the_main_queue_is_worth_a_round() -> None:
    cache = filled(4)
    for key in range(4):
        for _ in range(2):
            cache.peek(key)
    cache[4] = "4"  # all were hot: they moved to the main queue, and one had to go
    assert 0 not in cache
    cache.peek(1)
    cache[5] = "5"  # 4 is in the small queue, over its tenth
    assert 4 not in cache
    del cache[5]
    assert cache.popitem()[0] == 2  # 1 had one more round


def test_a_deleted_key_of_the_main_queue_returns_to_it() -> None:
    cache = filled(10)
    for _ in range(2):
        cache.peek(0)
    cache[10] = "10"  # 0 moves on, 1 goes
    del cache[0]
    cache[0] = "newer"
    for key in range(11, 30):
        cache[key] = str(key)
    assert cache[0] == "newer"


def test_a_new_value_keeps_the_place_of_the_old_one() -> None:
    cache = filled(10)
    cache[0] = "newer"
    assert cache.popitem() == (0, "newer")


def test_hits_are_counted_up_to_three() -> None:
    cache = filled(10)
    for _ in range(100):
        cache.peek(0)
    assert cache._slots[0].hits == MOST_HITS == 3


def test_there_are_no_more_ghosts_than_cached_keys() -> None:
    cache = filled(10)
    for key in range(10, 100):
        cache[key] = str(key)
        assert len(cache._ghosts) <= 10


def test_clear_forgets_ghosts_too() -> None:
    cache = filled(10)
    cache[10] = "drives out 0"
    cache.clear()
    assert (len(cache), cache.currsize, cache.peek(10)) == (0, 0, None)
    for key in range(10):
        cache[key] = "anew"
    assert cache.popitem() == (0, "anew")


STEPS = st.lists(
    st.tuples(st.sampled_from(["set", "use", "delete", "evict"]), st.integers(0, 8), st.text()),
    max_size=80,
)


@given(STEPS, st.integers(1, 40))
def test_sizes_queues_and_bounds_agree(steps: list[tuple[str, int, str]], most: int) -> None:
    cache: S3FIFO[int, str] = S3FIFO(most, getsizeof=len)
    for what, key, text in steps:
        if what == "set" and len(text) <= most:
            cache[key] = text
            assert cache[key] == text
        elif what == "use":
            assert cache.peek(key) == cache.get(key)
        elif what == "delete":
            cache.pop(key, None)
        elif what == "evict" and len(cache):
            cache.popitem()
        assert cache.currsize == sum(map(len, cache.values())) <= most
        agree(cache, cache._small, cache._main)
        assert not cache._ghosts.keys() & cache._slots.keys()
        small = keys_in(cache._rings, cache._small)
        assert cache._small_size == sum(len(cache._slots[key].value) for key in small)
