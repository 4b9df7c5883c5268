"""The answer to a `get` of many, however it comes."""

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

import pytest
from aiomcache.exceptions import ClientException
from hypothesis import given
from hypothesis import strategies as st

from cachekit.backend import Write
from cachekit.decoding import SMALL
from cachekit.entry import Entry
from cachekit.remembered import Remembered
from cachekit.testing.backends.entries import an_entry
from cachekit_memcached import MemcachedBackend
from cachekit_memcached.getting import Getting, Items
from tests.memcached.scripted import END, value

NAMES = [b"a", b"ab", b"b", b"VALUE", b"END", b"0"]
DATA = (
    st.sampled_from([b"", b"x", b"END\r\n", b"VALUE a 0 1\r\n", b"\r\n", bytes(1500)]) | st.binary()
)
HELD = st.dictionaries(st.sampled_from(NAMES), DATA)
ASKED = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)


def answered(names: Iterable[bytes], held: Mapping[bytes, bytes]) -> bytes:
    return b"".join(value(name, held[name]) for name in names if name in held) + END


def read(
    names: Sequence[bytes], data: bytes, items: Items, cuts: Iterable[int] = ()
) -> list[bytes | None]:
    """What is read of `data`, of which at first there is as much as `cuts` say."""
    one, at = Getting(names, items), 0
    for end in [*sorted(min(cut, len(data)) for cut in cuts), len(data)]:
        at = one.take(data[:end], at)
    assert data[at:] == END
    return one.values


@given(ASKED, st.lists(HELD, min_size=1, max_size=4), st.lists(st.integers(0, 4000), max_size=5))
def test_each_name_has_its_own(
    names: Sequence[bytes], helds: Sequence[Mapping[bytes, bytes]], cuts: Sequence[int]
) -> None:
    """Whatever came the last time, and in however many parts it comes now."""
    items: Items = Remembered()
    for held in helds:
        wanted = [held.get(name) for name in names]
        assert read(names, answered(names, held), items, cuts) == wanted


@given(ASKED, HELD, st.randoms(use_true_random=False))
def test_the_order_is_that_of_the_answer(
    names: Sequence[bytes], held: Mapping[bytes, bytes], rng: random.Random
) -> None:
    """What stands for several servers may mix what they answer."""
    mixed = list(names)
    rng.shuffle(mixed)
    items: Items = Remembered()
    for _ in range(3):
        assert read(names, answered(mixed, held), items) == [held.get(name) for name in names]


@pytest.mark.parametrize("known", [False, True])
def test_what_was_not_asked_for_is_an_error(known: bool) -> None:
    items: Items = Remembered()
    held = {b"a": b"1", b"b": b"2"}
    if known:
        for _ in range(2):
            read([b"a", b"b"], answered(held, held), items)
    with pytest.raises(ClientException, match="not asked for"):
        read([b"a"], answered(held, held), items)


def test_the_same_bytes_are_the_same_object() -> None:
    items: Items = Remembered()
    held = {name: name * 3 for name in NAMES}
    _, second, third = (read(NAMES, answered(NAMES, held), items) for _ in range(3))
    assert list(map(id, second)) == list(map(id, third))


def test_only_what_is_small_is_remembered() -> None:
    items: Items = Remembered()
    held = {b"a": bytes(SMALL), b"b": bytes(SMALL + 1)}
    for _ in range(2):
        read([b"a", b"b"], answered(held, held), items)
    assert list(items.known) == [b"a"]


async def test_who_asks_for_a_key_twice_is_answered(backend: MemcachedBackend) -> None:
    entry = an_entry()
    await backend.write([Write("v:a", entry)])
    for keys in permutations(["v:a", "v:a", "v:b"]):
        found = await backend.read(keys)
        assert {key: one.version for key, one in found.items() if isinstance(one, Entry)} == {
            "v:a": entry.version
        }
