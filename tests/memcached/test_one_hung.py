"""One of three servers hangs: a call that needs it costs one deadline, and any other nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from itertools import product
from typing import Any, Final, NamedTuple

import pytest

from cachekit import Cache, Key, Tag
from cachekit.guard import Guard
from tests.memcached.three import SPACE, Three
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.stores.calls import all_of
from tests.stores.operations import timed

TIMEOUT: Final = 0.5
FOREVER: Final = 5.0
"""Seconds after which a call hangs itself."""
NEVER: Final = 600.0
"""Seconds within which a guard tries again."""
FAILURES: Final = 5
"""So many in a row, and a node is asked no more."""


class Thing(NamedTuple):
    """A key and a tag of it, and whether the server that hangs has the value, or that record."""

    key: str
    tag: str
    value_hangs: bool
    tag_hangs: bool


class Call(NamedTuple):
    """What is done, and whether that needs the value and the tag; `forgets`: else it raises."""

    of: Callable[[Cache, Thing], Awaitable[object]]
    value: bool = True
    tag: bool = True
    forgets: bool = False

    def needs_who_hangs(self, thing: Thing) -> bool:
        return (self.value and thing.value_hangs) or (self.tag and thing.tag_hangs)


async def load() -> str:
    return "loaded"


def function_of(cache: Cache, it: Thing) -> Any:
    return cache.cached(key=it.key, tags=[it.tag])(load)


CALLS: Final[Mapping[str, Call]] = {
    "get": Call(lambda cache, it: cache.get(it.key, "loaded")),
    "get_or_set": Call(lambda cache, it: cache.get_or_set(it.key, load, tags=[it.tag])),
    "function": Call(lambda cache, it: function_of(cache, it)()),
    "exists": Call(lambda cache, it: cache.exists(it.key)),
    "touch": Call(lambda cache, it: cache.touch(it.key, 600)),
    "set": Call(lambda cache, it: cache.set(it.key, "set", tags=[it.tag]), forgets=True),
    "set without": Call(lambda cache, it: cache.set(it.key, "set"), tag=False, forgets=True),
    "delete": Call(lambda cache, it: cache.delete(it.key), tag=False, forgets=True),
    "key": Call(lambda cache, it: cache.invalidate(Key(it.key)), tag=False, forgets=True),
    "tag": Call(lambda cache, it: cache.invalidate(Tag(it.tag)), value=False, forgets=True),
}

ANSWERS: Final = {"get": "stored", "get_or_set": "stored", "function": "stored"}
"""Of those that read, where nothing hangs; the others answer whether there is something."""


@pytest.fixture
def three(start: Starter) -> Three:
    return Three([start(MemcachedServer()) for _ in range(3)])


@pytest.fixture
async def things(three: Three) -> list[Thing]:
    """Stored, and to be called each by its own; the first of the servers is going to hang."""
    hung, one, other = three.servers
    keys = {True: three.keys_at(hung), False: three.keys_at(one)}
    tags = {True: three.tags_at(hung), False: three.tags_at(other)}
    made = [
        Thing(next(keys[value]), next(tags[tag]), value, tag)
        for _ in CALLS
        for value, tag in product((True, False), repeat=2)
    ]
    async with Cache(three.backend(timeout=FOREVER), namespace=SPACE, deadline=FOREVER) as cache:
        await all_of(function_of(cache, it).set("stored") for it in made)
    return made


def cache_on(three: Three) -> Cache:
    """One that never tries again what has failed.

    Of what is asked for together only that is lost which a node does not answer in time.
    """
    backend = three.backend(timeout=TIMEOUT, connect_timeout=TIMEOUT)
    guard = Guard(backend, deadline=FOREVER, probe_interval=NEVER)
    return Cache(guard, namespace=SPACE, deadline=FOREVER)


async def cost(cache: Cache, name: str, it: Thing) -> None:
    """What hangs is asked once at most."""
    call, unreached = CALLS[name], cache.stats().unreached
    needs = call.needs_who_hangs(it)
    took, raised = await timed(checked(cache, name, it))
    assert raised == (needs and call.forgets), (name, it)
    assert cache.stats().unreached - unreached == needs, (name, it)
    assert took < FOREVER


async def checked(cache: Cache, name: str, it: Thing) -> None:
    call = CALLS[name]
    answer = await call.of(cache, it)
    if not call.forgets and not call.needs_who_hangs(it):
        assert answer == ANSWERS.get(name, True), (name, it)
    elif not call.forgets:
        assert answer == ("loaded" if name in ANSWERS else False), (name, it)


async def asks_all(cache: Cache, things: list[Thing]) -> None:
    """It has connections."""
    while len(await cache.get_many([it.key for it in things])) < len(things):
        pass


def calls_of(things: list[Thing]) -> list[tuple[str, Thing]]:
    """Each call, and each kind of thing for it."""
    names = [name for name in CALLS for _ in range(len(things) // len(CALLS))]
    return list(zip(names, things, strict=True))


async def test_each_keys_fate(three: Three, things: list[Thing]) -> None:
    """A cache for each call, since one that knows of a failure asks no more."""
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(cache_on(three)) for _ in things]
        await all_of(asks_all(cache, things) for cache in made)
        three.servers[0].freeze()
        calls = zip(made, calls_of(things), strict=True)
        await all_of(cost(cache, name, it) for cache, (name, it) in calls)
        three.servers[0].thaw()


async def test_the_breaker_of_that_one_opens_and_then_it_costs_nothing(
    three: Three, things: list[Thing]
) -> None:
    """It has failed five times; and nothing else of the store has, ever."""
    lost = next(it.key for it in things if it.value_hangs)
    async with cache_on(three) as cache:
        await asks_all(cache, things)
        three.servers[0].freeze()
        reads: list[asyncio.Task[object]] = []
        for _ in range(FAILURES):
            assert not any(node.is_open for node in cache.stats().nodes)
            reads.append(asyncio.ensure_future(cache.get(lost)))
            await asyncio.sleep(0.01)  # not in the same tick
        assert await all_of(reads) == [None] * FAILURES
        unreached = cache.stats().unreached
        for name, it in calls_of(things):
            _, raised = await timed(checked(cache, name, it))
            assert raised == (CALLS[name].needs_who_hangs(it) and CALLS[name].forgets), (name, it)
        assert cache.stats().unreached == unreached
        hung, *others = sorted(cache.stats().nodes, key=lambda node: not node.is_open)
        assert (hung.name, hung.is_open) == (three.servers[0].address, True)
        assert [(node.is_open, node.failures) for node in others] == [(False, 0)] * 3
        three.servers[0].thaw()
