"""One of three servers is not there: it takes along what it has, and nothing of the others."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Final, NamedTuple

import pytest

from cachekit import Cache, InvalidationError
from cachekit.guard import Guard
from cachekit.stats import NodeStats
from tests.memcached.crowd import BUSY_NAMES, CALM_NAMES, NAMES, Crowd, Truth, tags_of
from tests.memcached.three import SPACE, Three
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.stores.calls import asked_again

IN_TIME: Final = 5.0
"""Seconds for an answer: none is late but on a machine that has much else to do."""

IN_A_MOMENT: Final = 0.8
AT_ONCE: Final = 0.3
"""The same where some are waited for in vain."""

SOON: Final = 0.05
"""Seconds within which what has failed is tried again."""


class Harm(NamedTuple):
    """What becomes of a server, and what ends that; `keeps`: it has then what it had before."""

    begin: Callable[[MemcachedServer], None]
    end: Callable[[MemcachedServer], None]
    keeps: bool


HARMS: Final[Mapping[str, Harm]] = {
    "killed": Harm(MemcachedServer.kill, MemcachedServer.start, False),
    "frozen": Harm(MemcachedServer.freeze, MemcachedServer.thaw, True),
}


@pytest.fixture
def three(start: Starter) -> Three:
    return Three([start(MemcachedServer()) for _ in range(3)])


@pytest.fixture(params=HARMS)
def harm(request: pytest.FixtureRequest) -> Harm:
    return HARMS[request.param]


def cache_on(three: Three, timeout: float) -> Cache:
    """Of one process; what has failed is soon tried again.

    Of what is asked for together only that is lost which a node does not answer within `timeout`.
    """
    backend = three.backend(timeout=timeout, connect_timeout=timeout)
    guard = Guard(backend, deadline=timeout + IN_TIME, probe_interval=SOON)
    return Cache(guard, namespace=SPACE, deadline=timeout + IN_TIME)


@asynccontextmanager
async def crowds(three: Three, timeout: float) -> AsyncGenerator[tuple[Crowd, Crowd]]:
    """Two processes, and all is stored."""
    truth = Truth()
    async with cache_on(three, timeout) as one, cache_on(three, timeout) as two:
        crowd, other = Crowd(one, truth), Crowd(two, truth)
        await crowd.read_all()
        while len(await two.get_many(NAMES)) < len(NAMES):  # the machine was busy
            await crowd.read_all()
        yield crowd, other


async def sees(cache: Cache, names: set[str]) -> None:
    """These are there, if not at the first look on a busy machine, and no others ever are."""
    async with asyncio.timeout(10 * IN_TIME):
        while (found := {*await cache.get_many(NAMES)}) != names:
            assert found < names


def needing(three: Three, server: MemcachedServer) -> set[str]:
    """What is not served without `server`, since it has that or a record of its tags."""
    return {
        name
        for name in NAMES
        if three.having(name) is server
        or any(three.having_tag(tag) is server for tag in tags_of(name))
    }


def stats_of(cache: Cache, server: MemcachedServer) -> tuple[NodeStats, list[NodeStats]]:
    """The figures of one node, and of all else."""
    nodes = cache.stats().nodes
    (one,) = (node for node in nodes if node.name == server.address)
    return one, [node for node in nodes if node is not one]


def failures_but(cache: Cache, server: MemcachedServer) -> int:
    """How often anything else has failed."""
    nodes = cache.stats().nodes
    return sum(node.failures for node in nodes if node.name != server.address)


async def under_load(three: Three, crowd: Crowd, server: MemcachedServer, harm: Harm) -> None:
    """Have it happen, while all go on reading and changing.

    What needs none of `server` is served all the while, and nothing else of it is unacknowledged.
    """
    kept = {*CALM_NAMES} - needing(three, server)
    async with crowd.at_work():
        await crowd.goes_on(500)
        failures = failures_but(crowd.cache, server)
        calls, loads = crowd.calls.copy(), crowd.loads.copy()
        await asyncio.to_thread(harm.begin, server)
        await crowd.goes_on(1500)
        calls, loads = crowd.calls - calls, crowd.loads - loads
        assert sum(calls[name] for name in kept) > 100
        assert sum(loads[name] for name in kept) == 0
        gone, others = stats_of(crowd.cache, server)
        assert gone.journaled > 0
        assert failures_but(crowd.cache, server) == failures
        assert sum(node.journaled for node in others) == 0
        await asyncio.to_thread(harm.end, server)
        await asked_again(crowd.cache)
        await crowd.goes_on(500)
    assert {where(three, each) for error in crowd.raised for each in error.unreached} == {server}
    crowd.raised.clear()


def where(three: Three, unreached: str) -> MemcachedServer:
    """The server of something that is named in an error."""
    known = {f"Key({name!r})": three.having(name) for name in BUSY_NAMES}
    tags = {tag for name in BUSY_NAMES for tag in tags_of(name)}
    known |= {f"Tag({tag!r})": three.having_tag(tag) for tag in tags}
    return known[unreached]


async def is_whole_again(crowd: Crowd, other: Crowd, lost: set[str]) -> None:
    """Nobody gets what is old, what was not `lost` is there, and so is all once it was loaded."""
    assert sum(node.journaled for node in crowd.cache.stats().nodes) == 0
    loads = crowd.loads + other.loads
    for each in (crowd, other):
        await asked_again(each.cache)
        await each.read_all()
    again = crowd.loads + other.loads - loads
    assert {name for name in CALM_NAMES if again[name]} <= lost
    loads = crowd.loads + other.loads
    for each in (crowd, other):
        await each.read_all()
    assert crowd.loads + other.loads == loads
    assert crowd.wrong == other.wrong == []


async def test_one_of_three_under_load(three: Three, harm: Harm) -> None:
    """No caller gets an error, the keys of the others hit, and nothing older is ever served."""
    server = three.servers[0]
    async with crowds(three, IN_A_MOMENT if harm.keeps else IN_TIME) as (crowd, other):
        await under_load(three, crowd, server, harm)
        gone, others = stats_of(crowd.cache, server)
        assert gone.replayed > 0
        assert [node.replayed for node in others] == [0] * 3
        await is_whole_again(crowd, other, set() if harm.keeps else needing(three, server))


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_one_after_the_other_under_load(three: Three) -> None:
    """Each of them again and again, killed or frozen."""
    random = Random(7)
    async with crowds(three, IN_A_MOMENT) as (crowd, other):
        for _ in range(40):
            server, harm = random.choice(three.servers), random.choice([*HARMS.values()])
            await under_load(three, crowd, server, harm)
            await is_whole_again(crowd, other, set() if harm.keeps else needing(three, server))
    print(f"{crowd.calls.total()} calls, {crowd.loads.total()} loads")


ForgetAll = Callable[[Crowd], Awaitable[None]]

FORGETS: Final[Mapping[str, tuple[ForgetAll, str, str]]] = {
    "everything": (lambda crowd: crowd.cache.clear(), "everything on {}", ""),
    "all of a function": (lambda crowd: crowd.calm.clear(), "all of calm on {}", "calm:"),
}


@pytest.mark.parametrize("what", FORGETS)
async def test_what_forgets_all_while_one_is_not_there(three: Three, harm: Harm, what: str) -> None:
    """That of the others is gone at once, for all; its own is once it is back."""
    forget, title, begin = FORGETS[what]
    server = three.servers[0]
    async with crowds(three, AT_ONCE) as (crowd, other):
        lost = needing(three, server)
        kept = {name for name in NAMES if not name.startswith(begin)}
        harm.begin(server)
        with pytest.raises(InvalidationError) as caught:
            await forget(crowd)
        assert caught.value.unreached == (title.format(server.address),)
        for each in (crowd.cache, other.cache):
            await sees(each, kept - lost)
        harm.end(server)
        await asked_again(crowd.cache)
        await asked_again(other.cache)
        for each in (crowd.cache, other.cache):
            await sees(each, kept if harm.keeps else kept - lost)
        assert stats_of(crowd.cache, server)[0].replayed == 1


async def test_what_was_to_carry_a_tag_of_a_node_that_is_not_there_is_not_set(
    three: Three, harm: Harm
) -> None:
    """An error says so, and what it was to replace is not served any more."""
    one, two, _ = three.servers
    name, tag = next(three.keys_at(one)), next(three.tags_at(two))
    async with crowds(three, AT_ONCE) as (crowd, other):
        await crowd.cache.set(name, "old")
        harm.begin(two)
        with pytest.raises(InvalidationError) as caught:
            await crowd.cache.set(name, "new", tags=[tag])
        assert caught.value.unreached == (f"Key({name!r})",)
        assert await crowd.cache.get(name) is None
        assert await other.cache.get(name) is None
        await crowd.cache.set(name, "newer")
        assert await other.cache.get(name) == "newer"
        harm.end(two)
