"""Bounds by entries and by bytes, and what sizes are taken to be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cachekit.backend import ABSENT, DONE, REFUSED
from cachekit.entry import Entry, Kind
from cachekit.errors import ConfigurationError
from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction
from cachekit_memory.size import ENTRY, TAG, size_of
from tests.memory.by_hand import POLICIES, peeking, read, value, write


def payload(size: int) -> Entry:
    entry = Entry(Kind.VALUE)
    entry.payload = bytes(size)
    return entry


@pytest.mark.parametrize("policy", POLICIES)
def test_entries_are_bounded(policy: Eviction) -> None:
    backend = MemoryBackend(max_entries=10, policy=policy)
    for number in range(100):
        write(backend, f"k{number}", value())
        assert len(backend) == min(number + 1, 10)
    assert backend.evictions == 90
    assert sum(read(backend, f"k{number}") is not None for number in range(100)) == 10
    assert read(backend, "k99") is not None


def test_lru_keeps_what_was_used_last() -> None:
    backend = MemoryBackend(max_entries=3, policy="lru")
    for key in "abc":
        write(backend, key, value())
    peeking(backend).peek("a")
    read(backend, "b")
    write(backend, "d", value())
    assert [key for key in "abcd" if read(backend, key)] == ["a", "b", "d"]


QUEUES: tuple[Eviction, ...] = ("tinylfu", "s3fifo")


@pytest.mark.parametrize("policy", QUEUES)
def test_queues_keep_what_was_used_again(policy: Eviction) -> None:
    backend = MemoryBackend(max_entries=20, policy=policy)
    write(backend, "hot", value())
    for _ in range(2):
        peeking(backend).peek("hot")
    for number in range(200):
        write(backend, f"k{number}", value())
    assert read(backend, "hot") is not None


@pytest.mark.parametrize("policy", QUEUES)
def test_queues_keep_the_place_of_a_key_while_a_stub_stands_in(policy: Eviction) -> None:
    backend = MemoryBackend(max_entries=20, policy=policy)
    write(backend, "hot", value())
    for _ in range(2):
        peeking(backend).peek("hot")
    for number in range(50):
        write(backend, f"k{number}", value())
    write(backend, "hot", Entry(Kind.STUB))
    write(backend, "hot", value())
    for number in range(100, 150):
        write(backend, f"k{number}", value())
    assert read(backend, "hot") is not None


@pytest.mark.parametrize("policy", POLICIES)
def test_writing_is_not_using(policy: Eviction) -> None:
    backend = MemoryBackend(max_entries=20, policy=policy)
    for version in range(10):
        write(backend, "written", value(version=version), version - 1 if version else ABSENT)
    for _ in range(10):
        assert write(backend, "written", value(), ABSENT) is REFUSED
    for number in range(30):
        write(backend, f"k{number}", value())
        for _ in range(2):
            peeking(backend).peek(f"k{number}")
    assert read(backend, "written") is None


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_is_left_of_what_was_evicted(policy: Eviction) -> None:
    backend = MemoryBackend(max_entries=10, policy=policy)
    for number in range(1000):
        write(backend, f"k{number}", value(keep=1e6))
    assert len(backend) == len(backend._deadlines) == 10


@pytest.mark.parametrize("policy", POLICIES)
def test_bytes_are_bounded(policy: Eviction) -> None:
    backend = MemoryBackend(max_bytes=20 * size_of(payload(1000)), policy=policy)
    for number in range(100):
        write(backend, f"k{number}", payload(1000))
    assert len(backend) == 20
    write(backend, "large", payload(10_000))
    assert read(backend, "large") is not None
    assert 10 < len(backend) < 20


@pytest.mark.parametrize("policy", POLICIES)
def test_both_bounds_hold(policy: Eviction) -> None:
    backend = MemoryBackend(max_entries=10, max_bytes=5 * size_of(payload(1000)), policy=policy)
    for number in range(20):
        write(backend, f"large{number}", payload(1000))
    assert len(backend) == 5
    for number in range(100):
        write(backend, f"small{number}", value())
    assert len(backend) <= 10


@pytest.mark.parametrize("policy", POLICIES)
def test_a_value_beyond_the_bound_is_done_and_evicted_at_once(policy: Eviction) -> None:
    backend = MemoryBackend(max_bytes=10_000, policy=policy)
    write(backend, "k", payload(10))
    write(backend, "other", payload(10))
    assert write(backend, "k", payload(20_000)) is DONE
    assert read(backend, "k") is None
    assert read(backend, "other") is not None
    assert backend.evictions == 1


@pytest.mark.parametrize("policy", POLICIES)
def test_no_bound_is_none(policy: Eviction) -> None:
    backend = MemoryBackend(max_entries=None, policy=policy)
    for number in range(12_000):
        write(backend, str(number), payload(1))
    assert (len(backend), backend.evictions) == (12_000, 0)


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    label: str


class Plain:
    def __init__(self, text: str) -> None:
        self.text = text


@pytest.mark.parametrize(
    "make",
    [
        lambda text: text,
        lambda text: text.encode(),
        lambda text: (1, text),
        lambda text: [text],
        lambda text: {"text": [text]},
        lambda text: {"rows": [{"text": [text]}]},
        lambda text: frozenset({text}),
        lambda text: Point(1, text),
        Plain,
    ],
)
@pytest.mark.parametrize("share", [False, True])
def test_the_size_of_a_value_grows_with_it(make: Callable[[str], Any], share: bool) -> None:
    small, large = (value_of(make("x" * size), share) for size in (10, 100_000))
    assert ENTRY < size_of(small) < 3 * ENTRY
    assert 100_000 < size_of(large) < 100_000 + 3 * ENTRY


def value_of(content: Any, share: bool) -> Entry:
    return Entry(Kind.VALUE).keeping(content, share=share)


def test_both_faces_and_the_tags_count() -> None:
    entry = value_of("x" * 1000, share=False)
    one_face = size_of(entry)
    entry.payload = bytes(5000)
    both = size_of(entry)
    assert 5000 <= both - one_face < 5100
    entry.tags = {"t:a": 1, "t:b": 2}
    assert size_of(entry) == both + 2 * TAG


def test_long_containers_are_judged_by_a_sample() -> None:
    rows = tuple("x" * 1000 for _ in range(1000))
    assert size_of(value_of(rows, share=False)) == pytest.approx(1_050_000, rel=0.05)


def test_what_holds_itself_has_a_size() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert ENTRY < size_of(value_of(circle, share=True)) < 20 * ENTRY


@pytest.mark.parametrize("name", ["max_entries", "max_bytes"])
@pytest.mark.parametrize("bad", [0, -1, 1.5, "10", True])
def test_a_bound_must_be_a_whole_number(name: str, bad: Any) -> None:
    options: dict[str, Any] = {name: bad}
    with pytest.raises(ConfigurationError, match=f"{name} must be .*not {bad!r}"):
        MemoryBackend(**options)


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match=r"policy must be .*tinylfu.*s3fifo.*lru.*not 'mru'"
    ):
        MemoryBackend(policy="mru")  # type: ignore[arg-type]
