"""`BytesBackend`: from bytes and a conditional put to a backend."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, UNREACHED, Unreached, Write
from cachekit.bytes_backend import AT_ONCE, BytesBackend, Expected, meets
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
    with pytest.raises(TypeError, match="put_if"):
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
def test_what_meets_a_condition(expected: Expected, there: bytes | None, met: bool) -> None:
    assert meets(expected, there) is met


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
        async def put_if(self, key: str, data: bytes | None, keep: Any, expected: Expected) -> bool:
            if isinstance(expected, bytes):
                self.table[key] = pack(key, stub(7)), 100.0
            return await super().put_if(key, data, keep, expected)

    backend = Raced()
    backend.table["a"] = b"torn", 100.0
    assert await backend.write([putting("a", 2, expected=ABSENT)]) == [REFUSED]
    assert await version_of(backend, "a") == 7


async def test_the_unreadable_is_counted_and_told_once(
    backend: ShelfBackend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.table["a"] = b"ck", 100.0
    with caplog.at_level(logging.WARNING):
        await backend.read(["a"])
        await backend.read(["a"])
    assert backend.unreadable == 2
    (told,) = caplog.messages
    assert told.startswith("what a store holds cannot be read, and counts as absent: under 'a'")


async def test_a_key_that_fails_harms_no_other(backend: ShelfBackend) -> None:
    backend.broken = {"b"}
    unpacked = Write("c", Entry(Kind.VALUE, keep=10.0))
    outcomes = await backend.write([putting("a"), putting("b"), unpacked, putting("d")])
    assert outcomes == [DONE, UNREACHED, UNREACHED, DONE]
    assert list(await backend.read(["a", "b", "c", "d"])) == ["a", "d"]


async def test_where_every_key_failed_the_first_ones_error_is_raised(backend: ShelfBackend) -> None:
    backend.broken = {"a", "b"}
    with pytest.raises(OSError, match="broken: a"):
        await backend.write([putting("a"), putting("b")])


async def test_a_node_that_does_not_answer_takes_its_keys_only(backend: ShelfBackend) -> None:
    await backend.write([putting("a"), putting("b")])
    backend.silent = {"a"}
    found = await backend.read(["a", "b", "c"])
    assert isinstance(found["a"], Unreached)
    assert isinstance(found["b"], Entry)
    outcomes = await backend.write([putting("a", 2, expected=1), putting("b", 2, expected=1)])
    assert outcomes == [UNREACHED, DONE]


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


async def test_different_keys_are_written_beside_each_other_but_not_all_at_once() -> None:
    class Slow(ShelfBackend):
        now = most = 0

        async def put_if(self, key: str, data: bytes | None, keep: Any, expected: Expected) -> bool:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0)
            self.now -= 1
            return await super().put_if(key, data, keep, expected)

    backend = Slow()
    outcomes = await backend.write([putting(f"key {n}") for n in range(3 * AT_ONCE)])
    assert outcomes == [DONE] * 3 * AT_ONCE
    assert backend.most == AT_ONCE


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
    assert backend.changes == 97


async def test_an_unconditional_write_asks_for_nothing(backend: ShelfBackend) -> None:
    backend.silent = {"a"}
    assert await backend.write([putting("a")]) == [DONE]
    assert backend.tries == [("a", ANY)]


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
