"""What simulated processes ask. A line in `READS` is all it takes to ask more."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias

from cachekit.testing.simulation.calls import AT_ONCE, judged, perhaps_cancelled
from cachekit.testing.simulation.checker import Read
from cachekit.testing.simulation.loads import Loader
from cachekit.testing.simulation.world import Process, Topic, World

Operation: TypeAlias = Callable[[World, Process], Awaitable[None]]

NOTHING: Final = object()
"""The default that `get` is given."""

NESTED: Final = 3.0
"""Seconds that a call inside a load may wait before it loads for itself: a lease and two reads."""

DEPTH: Final = 3
"""How many loads may be inside each other."""


async def load(world: World, process: Process) -> None:
    """`get_or_set` with the topic's tags and perhaps some of the caller's own."""
    read, call, loader = _question(world, process, world.rng.choice(world.topics), ())
    work = judged(world, read, call, partial(_judge, world, read), loader)
    await perhaps_cancelled(world, work, loader)


def _question(
    world: World, process: Process, topic: Topic, inside: tuple[Topic, ...]
) -> tuple[Read, Any, Loader]:
    tags = _tags(world, topic)
    loader = Loader(world.origin, process.name, topic.key, needs_caller=world.chance(0.5))
    following = world.topics[(world.topics.index(topic) + 1) % len(world.topics)]
    inside = (*inside, topic)
    if len(inside) < DEPTH and following not in inside and world.chance(world.weather.load_nests):
        loader.nested = partial(_nested, world, process, following, inside)
    read = world.ask(process, topic, tags)
    return read, process.cache.get_or_set(topic.key, loader, ttl=world.ttl(), tags=tags), loader


async def _nested(world: World, process: Process, topic: Topic, inside: tuple[Topic, ...]) -> None:
    read, call, loader = _question(world, process, topic, inside)
    world.history.covered["nested loads"] += 1
    try:
        await judged(world, read, call, partial(_judge, world, read), loader)
    finally:
        waited = world.now() - read.asked
        if loader.load is None and waited > NESTED:  # R9
            world.checker.fail(world.now(), read, f"waited {waited:.3f} s inside a load")


def _tags(world: World, topic: Topic) -> tuple[str, ...]:
    more = [
        tag for tag in world.tags if tag not in topic.tags and world.chance(world.weather.more_tags)
    ]
    return (*topic.tags, *more)


def _judge(world: World, read: Read, value: object) -> None:
    if value is not NOTHING:
        world.checker.answer(world.now(), read, value)


async def get(world: World, process: Process) -> None:
    topic = world.rng.choice(world.topics)
    read = world.ask(process, topic, topic.tags)
    call = process.cache.get(topic.key, default=NOTHING)
    judge = partial(_judge, world, read)
    await perhaps_cancelled(world, judged(world, read, call, judge, within=AT_ONCE))


async def get_many(world: World, process: Process) -> None:
    topics = world.rng.sample(world.topics, world.rng.randint(1, len(world.topics)))
    reads = {topic.key: world.ask(process, topic, topic.tags) for topic in topics}

    def judge(found: Mapping[str, object]) -> None:
        for key, value in found.items():
            _judge(world, reads[key], value)

    call = process.cache.get_many([topic.key for topic in topics])
    first = reads[topics[0].key]
    await perhaps_cancelled(world, judged(world, first, call, judge, within=AT_ONCE))


async def call(world: World, process: Process) -> None:
    """A cached function."""
    topic = world.rng.choice(world.topics)
    read = world.ask(process, topic, topic.tags)
    work = process.functions[topic.key]()
    await perhaps_cancelled(world, judged(world, read, work, partial(_judge, world, read)))


async def exists(world: World, process: Process) -> None:
    topic = world.rng.choice(world.topics)
    read = world.ask(process, topic, ())
    call = process.cache.exists(topic.key)

    def judge(answer: object) -> None:
        if not isinstance(answer, bool):
            world.checker.fail(world.now(), read, f"exists() returned {answer!r}")

    await judged(world, read, call, judge, within=AT_ONCE)


async def look_past(world: World, process: Process, topic: Topic) -> None:
    """Inside `deferred()`, what is pending is not read: what was committed before is."""
    read, call, loader = _question(world, process, topic, (topic,))
    read = replace(read, floor=world.origin.versions[topic.key])
    await judged(world, read, call, partial(_judge, world, read), loader)


READS: Final[Mapping[Operation, float]] = {
    load: 8.0,
    call: 3.0,
    get: 2.0,
    get_many: 1.0,
    exists: 0.3,
}
"""How often each is done; a seed changes that a little."""
