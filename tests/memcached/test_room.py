"""How much a server takes, and what becomes of what it does not take."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from cachekit import Cache, TooLargeError
from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Condition, Write
from cachekit.testing.backends.entries import an_entry
from cachekit.testing.backends.subject import read, write
from tests.memcached.place import PATIENCE, Place
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer

KILO: Final = 1024
BESIDE: Final = 8 * KILO
"""So much is left for what is not payload."""

VERSION: Final = 5
SIZES: Final = {"512k": 512 * KILO, "1m": 1024 * KILO, "2m": 2048 * KILO}


@pytest.fixture(params=SIZES)
def sized(request: pytest.FixtureRequest, start: Starter, prefix: str) -> tuple[Place, int]:
    """A server that takes items of so many bytes, and how many those are."""
    server = start(MemcachedServer(options=("-I", request.param)))
    return Place([server], prefix), SIZES[request.param]


def of(size: int) -> bytes:
    """A payload of so many bytes that nothing makes smaller."""
    return os.urandom(size)


async def test_what_a_server_says_counts(sized: tuple[Place, int]) -> None:
    """Once it was asked for anything; before, what all take that nobody has told otherwise."""
    place, size = sized
    backend = place.backend()
    assert backend.most_bytes == SIZES["1m"] - BESIDE
    await backend.read(["v:k"])
    assert backend.most_bytes == size - BESIDE
    await backend.close()


@pytest.mark.parametrize("expected", [ANY, ABSENT, VERSION], ids=str)
async def test_what_is_larger_is_refused(
    sized: tuple[Place, int], expected: int | Condition, caplog: pytest.LogCaptureFixture
) -> None:
    """That one alone, on the same connection, and it is told once."""
    place, size = sized
    backend = place.backend()
    if expected == VERSION:
        await write(backend, "v:k", an_entry(version=VERSION))
    for number in range(3):
        writes = [
            Write("v:a", an_entry(version=number)),
            Write("v:k", an_entry(version=9, payload=of(size)), expected),
            Write("v:b", an_entry(version=number)),
        ]
        assert await backend.write(writes) == [DONE, REFUSED, DONE]
        found = await read(backend, "v:a", "v:b", "v:k")
        there = {"v:k": VERSION} if expected == VERSION else {}
        assert {key: entry.version for key, entry in found.items()} == {
            "v:a": number,
            "v:b": number,
            **there,
        }
    told = [record.getMessage() for record in caplog.records]
    assert told == ["memcached does not do all that it is asked for: object too large for cache"]
    assert await write(backend, "v:k", an_entry(version=9, payload=of(size - BESIDE))) is DONE
    await backend.close()


async def test_all_of_several_must_take_it(start: Starter, prefix: str) -> None:
    servers = [start(MemcachedServer(options=("-I", size))) for size in ("2m", "512k", "8m")]
    backend = Place(servers, prefix).backend()
    await backend.read([f"v:{number}" for number in range(50)])
    assert backend.most_bytes == SIZES["512k"] - BESIDE
    await backend.close()


async def test_who_has_not_said_does_not_count(start: Starter, prefix: str) -> None:
    """One that is down keeps nothing from the others."""
    place = Place([start(MemcachedServer(options=("-I", "2m"))) for _ in range(3)], prefix)
    place.servers[0].kill()
    backend = place.backend()
    await backend.read([f"v:{number}" for number in range(50)])
    assert backend.most_bytes == SIZES["2m"] - BESIDE
    await backend.close()


async def test_what_needs_more_room_beside_is_refused(sized: tuple[Place, int]) -> None:
    """Many tags count as well; the value is served, and stored where there are fewer."""
    place, size = sized
    backend = place.backend()
    tags = {f"t:n:{number}".ljust(150, "x"): number for number in range(200)}
    entry = an_entry(payload=of(size - BESIDE), tags=tags)
    assert await write(backend, "v:k", entry) is REFUSED
    assert await write(backend, "v:k", an_entry(payload=of(size - BESIDE))) is DONE
    await backend.close()


# -- through a cache


@pytest.fixture
def large(sized: tuple[Place, int]) -> bytes:
    return of(sized[1])


async def test_it_is_served_not_stored_and_counted(
    sized: tuple[Place, int], large: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """From the first call on, and by one load for all who wait."""
    async with Cache(sized[0].backend(), namespace="n", deadline=PATIENCE) as cache:
        loads: list[int] = []

        async def load() -> bytes:
            loads.append(1)
            await asyncio.sleep(0)
            return large

        with caplog.at_level(logging.WARNING, "cachekit"):
            found = await asyncio.gather(*(cache.get_or_set("k", load) for _ in range(5)))
            assert found == [large] * 5
            assert len(loads) == 1
            assert await cache.get_or_set("k", load) == large
        assert await cache.get("k") is None
        assert len(loads) == cache.stats().too_large == 2
        assert cache.stats().nodes[0].failures == 0
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("a value for v:n:k was served but not stored: the value has ")


SETS: Final[dict[str, Callable[[Cache, bytes], Awaitable[Any]]]] = {
    "set": lambda cache, value: cache.set("k", value),
    "add": lambda cache, value: cache.add("k", value),
    "set_many": lambda cache, value: cache.set_many({"k": value, "other": b"small"}),
}


@pytest.mark.parametrize("way", SETS)
async def test_who_sets_it_is_told(sized: tuple[Place, int], large: bytes, way: str) -> None:
    place, size = sized
    async with Cache(place.backend(), namespace="n", deadline=PATIENCE) as cache:
        assert await cache.get("k") is None
        with pytest.raises(TooLargeError, match=f"MemcachedBackend takes {size - BESIDE:,}: "):
            await SETS[way](cache, large)
        assert await cache.get_many(["k", "other"]) == (
            {"other": b"small"} if way == "set_many" else {}
        )
        await cache.set("k", large[: -BESIDE - 100])
        assert await cache.get("k") == large[: -BESIDE - 100]


@pytest.mark.parametrize("sized", ["512k"], indirect=True)
async def test_who_sets_it_first_of_all_is_told(sized: tuple[Place, int], large: bytes) -> None:
    async with Cache(sized[0].backend(), namespace="n", deadline=PATIENCE) as cache:
        with pytest.raises(TooLargeError):
            await cache.set("k", large)


@pytest.mark.parametrize("sized", ["2m"], indirect=True)
async def test_who_sets_first_what_the_server_takes(sized: tuple[Place, int], large: bytes) -> None:
    async with Cache(sized[0].backend(), namespace="n", deadline=PATIENCE) as cache:
        await cache.set("k", large[: 1536 * KILO])
