"""`BytesBackend`: from bytes and a conditional put to a backend."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from cachekit import Cache
from cachekit.backend import ABSENT, ANY, DONE, REFUSED, UNREACHED, Condition, Unreached, Write
from cachekit.bytes_backend import BytesBackend, Put
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from tests.authors.shelf import ShelfBackend, Table, putting, stub


class ShelfDoor(BackDoor):
    """Into the dict of a `ShelfBackend`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def has(self, key: str) -> bool:
        return key in self._table

    def drop(self, key: str) -> None:
        self._table.pop(key, None)

    def damage(self, key: str, change: Any) -> None:
        data, ends = self._table[key]
        self._table[key] = change(data), ends


class TestShelf(BackendSuite):
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def table(self) -> Table:
        return {}

    @pytest.fixture
    def backend(self, clock: FakeClock, table: Table) -> ShelfBackend:
        return ShelfBackend(clock, table)

    @pytest.fixture
    def another_backend(self, clock: FakeClock, table: Table) -> ShelfBackend:
        return ShelfBackend(clock, table)

    @pytest.fixture
    def back_door(self, table: Table) -> ShelfDoor:
        return ShelfDoor(table)


@pytest.fixture
def backend() -> ShelfBackend:
    return ShelfBackend()


async def version_of(backend: BytesBackend, key: str) -> int | None:
    entry = (await backend.read([key])).get(key)
    return entry.version if isinstance(entry, Entry) else None


def test_both_methods_are_needed() -> None:
    with pytest.raises(TypeError, match="put_many"):
        cast("Any", BytesBackend)()


@pytest.mark.parametrize(
    ("expected", "there", "met"),
    [
        (ANY, None, True),
        (ANY, b"x", True),
        (ABSENT, None, True),
        (ABSENT, b"", False),
        (b"x", b"x", True),
        (b"x", b"y", False),
        (b"", None, False),
    ],
)
def test_what_meets_a_condition(
    expected: bytes | Condition, there: bytes | None, met: bool
) -> None:
    assert Put("a", b"new", None, expected).replaces(there) is met


async def test_what_cannot_be_read_is_absent_to_reads_and_conditions(backend: ShelfBackend) -> None:
    await backend.write([putting("a"), putting("b")])
    backend.damage("a")
    assert list(await backend.read(["a", "b"])) == ["b"]
    assert await backend.write([putting("a", 2, expected=1)]) == [REFUSED]
    assert await backend.write([putting("a", 3, expected=ABSENT)]) == [DONE]
    assert await version_of(backend, "a") == 3


async def test_another_keys_bytes_are_absent(backend: ShelfBackend) -> None:
    await backend.write([putting("a")])
    backend.table["b"] = backend.table["a"]
    assert list(await backend.read(["a", "b"])) == ["a"]
    assert await backend.write([putting("b", 2, expected=ABSENT)]) == [DONE]


async def test_what_replaces_the_unreadable_does_not_replace_what_came_in_between() -> None:
    class Raced(ShelfBackend):
        async def put_many(self, puts: Sequence[Put]) -> Sequence[bool | Unreached]:
            if puts[0].expected == b"torn":
                self.table["a"] = pack("a", stub(7)), 100.0
            return await super().put_many(puts)

    backend = Raced()
    backend.table["a"] = b"torn", 100.0
    assert await backend.write([putting("a", 2, expected=ABSENT)]) == [REFUSED]
    assert await version_of(backend, "a") == 7


async def test_the_unreadable_is_counted_and_told_once(
    backend: ShelfBackend, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            backend.table["a"] = b"ck", 100.0
            await backend.read(["a"])
    assert backend.unreadable == 2
    (told,) = caplog.messages
    assert told.startswith("what a store holds cannot be read, and counts as absent: under 'a'")


async def test_the_unreadable_shows_in_the_figures_of_a_cache_and_is_deleted(
    backend: ShelfBackend,
) -> None:
    async with Cache(backend, namespace="shop") as cache:
        await cache.set("a", 1)
        data, ends = backend.table["v:shop:a"]
        backend.table["v:shop:a"] = data[:-1], ends
        assert await cache.get("a") is None
        assert cache.stats().unreadable == 1
        assert "v:shop:a" not in backend.table


async def test_what_came_in_the_place_of_the_unreadable_meanwhile_stays() -> None:
    class Raced(ShelfBackend):
        async def put_many(self, puts: Sequence[Put]) -> Sequence[bool | Unreached]:
            self.table["a"] = pack("a", stub(7)), 100.0
            return await super().put_many(puts)

    backend = Raced()
    backend.table["a"] = b"torn", 100.0
    assert await backend.read(["a"]) == {}
    assert await version_of(backend, "a") == 7


async def test_the_unreadable_is_absent_even_if_it_cannot_be_deleted() -> None:
    class ReadOnly(ShelfBackend):
        async def put_many(self, puts: Sequence[Put]) -> Sequence[bool | Unreached]:
            raise OSError("read only")

    backend = ReadOnly()
    backend.table["a"] = b"torn", 100.0
    assert await backend.read(["a"]) == {}


async def test_an_entry_that_has_no_bytes_harms_no_other(backend: ShelfBackend) -> None:
    not_encoded = Write("b", Entry(Kind.VALUE, keep=10.0))
    outcomes = await backend.write([putting("a"), not_encoded, putting("c")])
    assert outcomes == [DONE, UNREACHED, DONE]
    assert list(await backend.read(["a", "b", "c"])) == ["a", "c"]


async def test_what_the_store_raises_is_raised(backend: ShelfBackend) -> None:
    backend.broken = True
    with pytest.raises(OSError, match="broken"):
        await backend.read(["a"])
    for expected in (ANY, ABSENT, 1):
        with pytest.raises(OSError, match="broken"):
            await backend.write([putting("a", 1, expected), putting("b", 1, expected)])


async def test_a_store_that_breaks_between_two_steps_has_answered_the_first(
    backend: ShelfBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    await backend.write([putting("a")])
    monkeypatch.setattr(backend, "get_many", None)
    assert await backend.write([putting("a", 2, ABSENT), putting("b", 3, ABSENT)]) == [
        UNREACHED,
        DONE,
    ]


async def test_a_node_that_does_not_answer_takes_its_keys_only(backend: ShelfBackend) -> None:
    await backend.write([putting("a"), putting("b")])
    backend.silent = {"a"}
    found = await backend.read(["a", "b", "c"])
    assert isinstance(found["a"], Unreached)
    assert isinstance(found["b"], Entry)
    for expected in (1, ANY):
        writes = [putting("a", 1, expected), putting("b", 1, expected)]
        assert await backend.write(writes) == [UNREACHED, DONE]


async def test_no_writes_are_no_outcomes(backend: ShelfBackend) -> None:
    assert await backend.write([]) == []


async def test_writes_of_one_key_stay_in_order(backend: ShelfBackend) -> None:
    writes = [
        putting("a", 1, ABSENT),
        putting("b", 9, ABSENT),
        putting("a", 2, 1),
        putting("a", 3, 1),
        Write("a", None, 2),
        putting("a", 4, ABSENT),
    ]
    assert await backend.write(writes) == [DONE, DONE, DONE, REFUSED, DONE, DONE]
    assert await version_of(backend, "a") == 4


async def test_a_batch_travels_together(backend: ShelfBackend) -> None:
    await backend.write([putting(f"key {n}") for n in range(30)])
    await backend.write([putting(f"key {n}", 2, expected=1) for n in range(30)])
    assert [len(puts) for puts in backend.puts] == [30, 30]


async def test_a_store_that_answers_for_fewer_is_told_so(
    backend: ShelfBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put_many(puts: Sequence[Put]) -> Sequence[bool]:
        return [True]

    monkeypatch.setattr(backend, "put_many", put_many)
    with pytest.raises(ValueError, match="shorter"):
        await backend.write([putting("a"), putting("b")])


async def test_what_is_past_its_time_is_absent_and_may_be_replaced() -> None:
    clock = FakeClock()
    backend = ShelfBackend(clock)
    await backend.write([putting("a", 1)])
    clock.advance(10)
    assert await backend.write([putting("a", 2, expected=1)]) == [REFUSED]
    assert await backend.write([putting("a", 3, expected=ABSENT)]) == [DONE]


class Restless(ShelfBackend):
    """The time of what is there changes `changes` times between a look and a put."""

    changes = 0

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes | Unreached]:
        found = await super().get_many(keys)
        if self.changes:
            self.changes -= 1
            value = Entry(Kind.VALUE, version=1)
            value.payload = str(self.changes).encode()
            self.table["a"] = pack("a", value), 100.0
        return found


async def test_the_same_version_in_other_bytes_is_still_that_version() -> None:
    backend = Restless()
    await backend.write([putting("a", 1)])
    backend.changes = 2
    assert await backend.write([putting("a", 2, expected=1)]) == [DONE]
    assert await version_of(backend, "a") == 2


async def test_who_never_finds_it_unchanged_does_not_know() -> None:
    backend = Restless()
    await backend.write([putting("a", 1)])
    backend.changes = 100
    assert await backend.write([putting("a", 2, 1), putting("b")]) == [UNREACHED, DONE]
    assert backend.changes == 96


async def test_only_a_version_is_looked_for(
    backend: ShelfBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "get_many", None)
    writes = [putting("a", 1, ANY), putting("b", 1, ABSENT), Write("c", None)]
    assert await backend.write(writes) == [DONE] * 3


async def test_its_values_age_by_its_clock() -> None:
    clock = FakeClock()
    backend = ShelfBackend(clock)
    value = Entry(Kind.VALUE, keep=60.0)
    value.payload = b"1"
    value.freshen(30.0, clock)
    await backend.write([Write("a", value)])
    clock.advance(20)
    found = (await backend.read(["a"]))["a"]
    assert isinstance(found, Entry)
    assert found.fresh_until == pytest.approx(30.0)
