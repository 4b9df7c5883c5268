"""What holds for each policy with slots: it is a `cachetools.Cache` that does bounded work."""

import copy
import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest
from cachetools import Cache

from cachekit_memory import S3FIFO, TinyLFU, s3fifo, tinylfu
from cachekit_memory.slotted import Slotted

STEPS = {TinyLFU: ("_move_on", tinylfu.MOVES), S3FIFO: ("_spare", s3fifo.MOVES)}
"""What looks at one key of those that may be moved, and how many are at most."""

policies = pytest.mark.parametrize("policy", STEPS)
Policy = type[Slotted[int, str]]


def filled(policy: Policy, size: int) -> Slotted[int, str]:
    cache = policy(size)
    for key in range(size):
        cache[key] = str(key)
    return cache


@policies
def test_it_is_a_cachetools_cache(policy: Policy) -> None:
    cache = filled(policy, 3)
    assert isinstance(cache, Cache)
    assert cache[1] == "1"
    assert cache.get(9) is None
    assert list(cache) == [0, 1, 2]
    assert (len(cache), cache.currsize, cache.maxsize) == (3, 3, 3)
    assert repr(cache) == f"{policy.__name__}(3 keys, maxsize=3, currsize=3)"
    with pytest.raises(KeyError):
        cache[9]
    with pytest.raises(KeyError):
        del cache[9]
    assert cache.pop(1) == "1"
    assert 1 not in cache


@policies
def test_a_value_larger_than_all_there_is_is_refused(policy: Policy) -> None:
    cache = policy(3, len)
    with pytest.raises(ValueError, match="too large"):
        cache[0] = "four"
    assert len(cache) == 0


@policies
def test_a_value_that_grows_drives_out_others(policy: Policy) -> None:
    cache = policy(6, len)
    for key in range(6):
        cache[key] = "a"
    cache[5] = "longer"
    assert (dict(cache.items()), cache.currsize) == ({5: "longer"}, 6)


@policies
def test_it_cannot_be_copied(policy: Policy) -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(filled(policy, 3))


@policies
def test_to_look_is_no_use(policy: Policy) -> None:
    cache = filled(policy, 3)
    assert [cache.look(key) for key in (0, 9)] == ["0", None]
    assert cache._slots[0].hits == 0


@policies
def test_a_scan_does_not_drive_out_what_is_used(policy: Policy) -> None:
    cache = filled(policy, 100)
    hot = range(30)
    for _ in range(2):
        for key in hot:
            cache.peek(key)
    for key in range(1000, 3000):
        cache[key] = "once"
    assert all(key in cache for key in hot)


@pytest.mark.parametrize("size", [100, 1000, 10_000])
@policies
def test_a_write_when_all_is_hot_does_bounded_work(policy: Policy, size: int) -> None:
    cache, (step, most) = filled(policy, size), STEPS[policy]  # type: ignore[index]
    for _ in range(3):
        for key in range(size):
            cache.peek(key)
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, arg: Any) -> None:
        calls[frame.f_code.co_name] += event == "call"

    sys.setprofile(count)
    try:
        cache[-1] = "new"
    finally:
        sys.setprofile(None)
    assert calls[step] == most == 32
    assert calls.total() < 12 * most
    assert len(cache) == size


@policies
def test_an_empty_cache_has_nothing_to_evict(policy: Policy) -> None:
    with pytest.raises(KeyError, match="empty"):
        policy(2).popitem()
