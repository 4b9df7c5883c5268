"""What simulated processes change. A line in `WRITES` is all it takes to change more.

Each commits new versions to the origin, then tells its cache; what the cache acknowledges is a
claim that the checker holds it to.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from cachekit.invalidation import Key, Prefix, Tag
from cachekit.testing.simulation.calls import acknowledged, cancelled, hold, owe
from cachekit.testing.simulation.checker import SELF, Claim
from cachekit.testing.simulation.functions import PREFIX
from cachekit.testing.simulation.origin import Value
from cachekit.testing.simulation.reads import Operation, look_past
from cachekit.testing.simulation.world import Process, Topic, World


async def delete(world: World, process: Process) -> None:
    async with _committed(world, process, 1) as topics:
        claim = _about(world, process, "delete", topics)
        await _forget(world, process, [claim], process.cache.delete(topics[0].key))


async def delete_many(world: World, process: Process) -> None:
    async with _committed(world, process, 3) as topics:
        claim = _about(world, process, "delete_many", topics)
        call = process.cache.delete_many([topic.key for topic in topics])
        await _forget(world, process, [claim], call)


async def invalidate_key(world: World, process: Process) -> None:
    async with _committed(world, process, 2) as topics:
        claim = _about(world, process, "invalidate", topics)
        call = process.cache.invalidate(*[Key(topic.key) for topic in topics])
        await _forget(world, process, [claim], call)


async def invalidate_tag(world: World, process: Process) -> None:
    """After a change of everything that always carries the tag."""
    tag = world.rng.choice(world.tags)
    async with _changed(world, process, [t for t in world.topics if tag in t.tags]):
        call = process.cache.invalidate(Tag(tag))
        await _forget(world, process, [_all(world, process, "invalidate", (tag,))], call)


async def invalidate_named(world: World, process: Process) -> None:
    """After a change of everything that is known to name the tag."""
    tag, origin = world.rng.choice(world.origin.names), world.origin
    named = [t for t in world.topics if tag in origin.named(t.key, origin.versions[t.key])]
    async with _changed(world, process, named):
        call = process.cache.invalidate(Tag(tag))
        await _forget(world, process, [_all(world, process, "invalidate", (tag,))], call)


async def clear_function(world: World, process: Process) -> None:
    """After a change of what one function has loaded."""
    topic = world.rng.choice(world.topics)
    async with _changed(world, process, [topic]):
        versions = {topic.key: world.origin.versions[topic.key]}
        claim = Claim(process.name, "clear()", versions, world.records(f"f{topic.key}"))
        await _forget(world, process, [claim], process.functions.one[topic.key].clear())


async def clear_many(world: World, process: Process) -> None:
    """After a change of everything that the function of many keys has loaded."""
    async with _changed(world, process, world.topics):
        claim = _all(world, process, "clear()", world.records("many"))
        await _forget(world, process, [claim], process.functions.many.clear())


async def touch(world: World, process: Process) -> None:
    """R8: another end for a value, which is no other value for that."""
    topic = world.rng.choice(world.topics)
    ttl = world.ttl() if world.chance(0.7) else world.weather.ttl
    touched, ends = world.checker.ages.touched, world.now() + ttl
    touched[topic.key] = max(ends, touched.get(topic.key, 0.0))
    call = process.cache.touch(topic.key, *([ttl] if world.chance(0.7) else []))
    await acknowledged(world, process, [Claim(process.name, "touch", {})], call)


async def invalidate_both(world: World, process: Process) -> None:
    """What takes two steps: who is cancelled after the first still has the second one done."""
    async with _committed(world, process, 2):
        tag = world.rng.choice(world.tags)
        claims = [
            _all(world, process, "invalidate", (tag,)),
            _all(world, process, "invalidate prefix"),
        ]
        call = process.cache.invalidate(Tag(tag), Prefix(PREFIX))
        await _forget(world, process, claims, call)


async def invalidate_everywhere(world: World, process: Process) -> None:
    """Done once no process has an older copy."""
    async with _committed(world, process, 1) as topics:
        claim = replace(_about(world, process, "invalidate everywhere", topics), barrier=True)
        keys = [Key(topic.key) for topic in topics]
        call = process.cache.invalidate(*keys, barrier=True)
        await acknowledged(world, process, [claim], call)
        world.history.covered["invalidations everywhere"] += 1


async def invalidate_prefix(world: World, process: Process) -> None:
    async with _committed(world, process, 2):
        claim = _all(world, process, "invalidate prefix")
        await _forget(world, process, [claim], process.cache.invalidate(Prefix(PREFIX)))


async def invalidate_prefixes(world: World, process: Process) -> None:
    """After a change of everything. In a small journal there is no room for both."""
    async with _changed(world, process, world.topics):
        claim = _all(world, process, "invalidate prefixes")
        call = process.cache.invalidate(Prefix(PREFIX), Prefix(world.topics[0].key))
        await _forget(world, process, [claim], call)


async def clear(world: World, process: Process) -> None:
    """After a change of everything."""
    async with _changed(world, process, world.topics):
        await _forget(world, process, [_all(world, process, "clear")], process.cache.clear())


async def put(world: World, process: Process) -> None:
    """`set`, by the one writer that a written topic has at a time."""
    async with _committed(world, process, 1, written=True) as topics:
        for topic in topics:
            call = process.cache.set(topic.key, _new(world, topic), **_lasting(world, [topic]))
            await acknowledged(world, process, [_about(world, process, "set", [topic])], call)


async def put_many(world: World, process: Process) -> None:
    async with _committed(world, process, 3, written=True) as topics:
        if topics:
            values = {topic.key: _new(world, topic) for topic in topics}
            call = process.cache.set_many(values, **_lasting(world, topics))
            await acknowledged(world, process, [_about(world, process, "set_many", topics)], call)


async def add(world: World, process: Process) -> None:
    async with _committed(world, process, 1, written=True) as topics:
        for topic in topics:
            call = process.cache.add(topic.key, _new(world, topic), **_lasting(world, [topic]))
            await acknowledged(world, process, [_about(world, process, "add", [topic])], call)


async def forget_deferred(world: World, process: Process) -> None:
    """R11: an invalidation that follows a commit, read past meanwhile, not lost by an error."""
    async with _committed(world, process, 2) as topics:
        claim = _about(world, process, "deferred", topics)
        await acknowledged(world, process, [claim], _in_a_block(world, process, topics, claim))


async def _in_a_block(
    world: World, process: Process, topics: Sequence[Topic], claim: Claim
) -> bool:
    faults = process.link.faults
    try:
        async with process.cache.deferred():
            await process.cache.invalidate(*[Key(topic.key) for topic in topics])
            topic = world.rng.choice(world.topics)
            await look_past(world, process, topics[0], pending=True)
            await look_past(world, process, topic, pending=topic in topics)
            if world.chance(0.3):
                raise _RolledBack
    except _RolledBack:  # then nobody says whether it was acknowledged
        if process.link.faults > faults or not process.is_even:
            owe(world, process, [claim])
            return False
    return True


class _RolledBack(Exception):
    """What a block of `deferred()` raises."""


@asynccontextmanager
async def _committed(
    world: World, process: Process, most: int, *, written: bool = False
) -> AsyncGenerator[list[Topic]]:
    """Up to `most` topics, changed in the origin."""
    topics = [topic for topic in world.topics if topic.written or not written]
    chosen = world.rng.sample(topics, min(len(topics), world.rng.randint(1, most)))
    async with _changed(world, process, chosen):
        yield chosen


@asynccontextmanager
async def _changed(world: World, process: Process, topics: Sequence[Topic]) -> AsyncGenerator[None]:
    """Commit new versions; topics with one writer at a time stay locked meanwhile."""
    async with AsyncExitStack() as stack:
        for topic in sorted(topics, key=lambda topic: topic.key):
            if topic.written:
                await stack.enter_async_context(topic.lock)
        for topic in topics:
            world.change(process, topic)
        yield


async def _forget(world: World, process: Process, claims: Sequence[Claim], call: Any) -> None:
    """Invalidate; some callers are cancelled meanwhile.

    R10: what was begun is done all the same. To be sure of that the link is made good for it.
    """
    work = acknowledged(world, process, claims, call)
    if not world.chance(world.weather.cancelled):
        return await work
    process.link.good_until = world.now() + 2.0
    if await cancelled(world, work):
        await asyncio.sleep(0.1 + world.slack)
        if not process.dead:
            world.history.covered["invalidations that outlived their caller"] += 1
            (hold if process.is_even else owe)(world, process, claims)
    return None


def _new(world: World, topic: Topic) -> str:
    return str(Value(topic.key, world.origin.versions[topic.key], 0))


def _lasting(world: World, topics: Sequence[Topic]) -> dict[str, Any]:
    """With what tags, and for how long, something is set."""
    windows, origin = topics[0].windows, world.origin
    named = [origin.named(topic.key, origin.versions[topic.key]) for topic in topics]
    tags = dict.fromkeys(tag for topic in topics for tag in topic.tags)
    return {
        "ttl": world.ttl(),
        "tags": list(tags | dict.fromkeys(chain.from_iterable(named))),
        "stale_while_revalidate": windows.revalidate,
        "stale_if_error": windows.error,
    }


def _about(world: World, process: Process, what: str, topics: Sequence[Topic]) -> Claim:
    versions = {topic.key: world.origin.versions[topic.key] for topic in topics}
    return Claim(process.name, what, versions)


def _all(world: World, process: Process, what: str, tags: tuple[str, ...] = (SELF,)) -> Claim:
    return Claim(process.name, what, dict(world.origin.versions), tags)


WRITES: Final[Mapping[Operation, float]] = {
    delete: 4.0,
    delete_many: 1.0,
    invalidate_key: 2.0,
    invalidate_tag: 4.0,
    invalidate_both: 1.0,
    invalidate_prefix: 0.5,
    invalidate_named: 3.0,
    clear_function: 0.5,
    clear_many: 0.5,
    touch: 2.0,
    clear: 1.5,
    put: 6.0,
    put_many: 1.0,
    add: 2.0,
    forget_deferred: 0.7,
}
"""How often each is done; a seed changes that a little."""

BY_PREFIX: Final = frozenset({invalidate_both, invalidate_prefix, invalidate_prefixes})
"""Those of a store that can forget by prefix."""

OF_TIERS: Final[Mapping[Operation, float]] = {invalidate_everywhere: 1.0}
"""Those that make a difference where there are copies."""

OF_HOMES: Final[Mapping[Operation, float]] = {invalidate_prefixes: 0.5}
"""Those that make a difference where a store has several homes."""
