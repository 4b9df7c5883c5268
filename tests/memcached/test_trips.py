"""How often a server is asked, as docs/memcached.md says."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from cachekit import Cache, Key, Tag
from cachekit_memcached import MemcachedBackend
from tests.memcached.counting import Sent
from tests.servers.fixtures import ThreeMemcacheds

PAGE: Final = (Path(__file__).parents[2] / "docs" / "memcached.md").read_text()


async def load() -> int:
    return 1


Call = Callable[[Cache], Awaitable[Any]]

CALLS: Final[dict[str, list[Call]]] = {
    "hit, with the tags that the call declares": [
        lambda cache: cache.get_or_set("warm", load),
        lambda cache: cache.get_or_set("tagged", load, tags=["t", "u"]),
    ],
    "hit by `get` of a value that has tags": [lambda cache: cache.get("tagged")],
    "miss of `get`": [lambda cache: cache.get("none")],
    "miss of `get_or_set`: read, lease, look, fill": [
        lambda cache: cache.get_or_set("a", load),
        lambda cache: cache.get_or_set("b", load, tags=["t", "u"]),
    ],
    "the same with tags that were never seen": [
        lambda cache: cache.get_or_set("c", load, tags=["v", "w"])
    ],
    "`set` of what is there": [lambda cache: cache.set("warm", 2)],
    "`set` of what is not": [lambda cache: cache.set("d", 2)],
    "`add`": [lambda cache: cache.add("e", 2)],
    "`touch`": [lambda cache: cache.touch("warm", 5)],
    "`delete`, `invalidate(Key(...))`, `invalidate(Tag(...))`, `clear()`, and several of them": [
        lambda cache: cache.delete("warm"),
        lambda cache: cache.invalidate(Key("warm"), Tag("t"), Tag("u")),
        lambda cache: cache.clear(),
    ],
    "100 hits at once": [
        lambda cache: asyncio.gather(*(cache.get(f"many:{n}") for n in range(100)))
    ],
}


def told() -> dict[str, int]:
    """The table of the page: trips by call."""
    return {call: int(trips) for call, trips in re.findall(r"^\| (.+?) +\| (\d) +\|$", PAGE, re.M)}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    return Sent(monkeypatch)


@pytest.fixture(params=[1, 3])
def servers(request: pytest.FixtureRequest) -> int:
    """How many there are."""
    return int(request.param)


@pytest.fixture
async def cache(
    servers: int, three_memcacheds: ThreeMemcacheds, prefix: str, sent: Sent
) -> AsyncIterator[Cache]:
    """Its connections are open, and what it carries is known."""
    addresses = [server.address for server in three_memcacheds[:servers]]
    backend = MemcachedBackend(addresses, prefix=prefix, timeout=5.0)
    async with Cache(backend, namespace="n", ttl=60, deadline=5.0) as cache:
        await cache.set_many({f"many:{n}": n for n in range(100)} | {"warm": 1})
        await cache.get_or_set("tagged", load, tags=["t", "u"])
        sent.look()
        yield cache


def test_the_page_tells_of_all_calls() -> None:
    assert told().keys() == CALLS.keys()


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_is_as_many_trips_as_the_page_says(
    cache: Cache, sent: Sent, servers: int, call: str
) -> None:
    """None of several servers is asked more often; what goes to two may be one trip for each."""
    for ask in CALLS[call]:
        await ask(cache)
        _, trips = sent.look()
        assert trips <= told()[call]
        if servers == 1:
            assert trips == told()[call]


async def test_what_is_asked_in_one_tick_is_one_command_for_each_server(
    cache: Cache, sent: Sent
) -> None:
    await asyncio.gather(*(cache.get(f"many:{n}") for n in range(100)), cache.get("none"))
    commands, trips = sent.look()
    assert commands.keys() == {"get"}
    assert commands["get"] in (1, 3)
    assert trips == 1


async def test_misses_of_one_tick_go_together(cache: Cache, sent: Sent) -> None:
    await asyncio.gather(*(cache.get_or_set(f"k{n}", load) for n in range(20)))
    commands, trips = sent.look()
    assert (commands["add"], commands["gets"], commands["cas"]) == (20, 20, 20)
    assert trips < 10  # four, and more if a reply comes in parts


async def test_what_is_forgotten_in_one_tick_goes_together(cache: Cache, sent: Sent) -> None:
    await asyncio.gather(*(cache.delete(f"many:{n}") for n in range(50)))
    commands, trips = sent.look()
    assert (commands, trips) == ({"delete": 50}, 1)
