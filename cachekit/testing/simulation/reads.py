"""What simulated processes ask. A line in `READS` is all it takes to ask more."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias

from cachekit.testing.simulation.ages import AT_ONCE
from cachekit.testing.simulation.calls import judged, perhaps_cancelled
from cachekit.testing.simulation.choices import Choice, wanting
from cachekit.testing.simulation.functions import LOADER, PREFIX
from cachekit.testing.simulation.loads import Loader, Session
from cachekit.testing.simulation.question import Read
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
    world: World,
    process: Process,
    topic: Topic,
    inside: tuple[Topic, ...],
    *,
    past: bool = False,
) -> tuple[Read, Any, Loader]:
    tags = _tags(world, topic)
    ttl, needy = world.ttl(), world.chance(0.5)
    loader = world.loader(process, topic, tags=tags, ttl=ttl, needs_caller=needy, past=past)
    loader.inside = bool(inside)
    choice = loader.choice = _choice(world, process)
    following = world.topics[(world.topics.index(topic) + 1) % len(world.topics)]
    around = (*inside, topic)
    nests = not past and len(around) < DEPTH and following not in around
    if nests and world.chance(world.weather.load_nests):
        loader.nested = partial(_nested, world, process, following, around)
    read = world.ask(process, topic, tags, loads=True, at_once=True, soft=topic.windows.soft)
    read = replace(read, ours=loader.loads, choice=choice)
    options = world.options(topic.windows, ttl)
    if choice is not None:
        choice.looks = lambda value: world.checker.shows(world.now(), read, value)
        options["accept"] = choice
    return read, process.cache.get_or_set(topic.key, loader, tags=tags, **options), loader


def _choice(world: World, process: Process) -> Choice | None:
    if not world.chance(world.weather.choosy):
        return None
    world.history.covered["choosy callers"] += 1
    return Choice(wanting(world.rng, world.weather.ttl, process.seen))


async def _nested(world: World, process: Process, topic: Topic, inside: tuple[Topic, ...]) -> None:
    read, call, loader = _question(world, process, topic, inside)
    world.history.covered["nested loads"] += 1
    try:
        await judged(world, read, call, partial(_judge, world, read), loader)
    finally:
        waited = world.now() - read.asked
        if not loader.loads and waited > NESTED + world.slack:  # R9
            world.checker.fail(world.now(), read, f"waited {waited:.3f} s inside a load")


def _tags(world: World, topic: Topic) -> tuple[str, ...]:
    more = [
        tag for tag in world.tags if tag not in topic.tags and world.chance(world.weather.more_tags)
    ]
    return (*topic.tags, *more)


def _judge(world: World, read: Read, value: object) -> None:
    if value is not NOTHING:
        world.checker.answer(world.now(), read, value)
        world.history.covered["values for who had refused others"] += read.refused


async def get(world: World, process: Process) -> None:
    topic = world.rng.choice(world.topics)
    read = world.ask(process, topic, topic.tags)
    call = process.cache.get(topic.key, default=NOTHING)
    judge = partial(_judge, world, read)
    await perhaps_cancelled(world, judged(world, read, call, judge, within=AT_ONCE))


async def peek(world: World, process: Process) -> None:
    """Twice, since the first is vouched for."""
    topic = world.rng.choice(world.topics)
    read = world.ask(process, topic, topic.tags)
    for _ in range(2):
        value = process.cache.peek(topic.key, NOTHING)
        _judge(world, read, value)
        world.history.covered["peeks that found a value"] += value is not NOTHING
    world.operations += 1


async def get_many(world: World, process: Process) -> None:
    topics = _some(world)
    reads = {topic.key: world.ask(process, topic, topic.tags) for topic in topics}
    call = process.cache.get_many([topic.key for topic in topics])
    judge = partial(_judge_all, world, reads)
    first = reads[topics[0].key]
    await perhaps_cancelled(world, judged(world, first, call, judge, within=AT_ONCE))


def _some(world: World) -> list[Topic]:
    return world.rng.sample(world.topics, world.rng.randint(1, len(world.topics)))


def _judge_all(world: World, reads: Mapping[str, Read], found: Mapping[str, object]) -> None:
    for key, value in found.items():
        _judge(world, reads[key], value)


async def call(world: World, process: Process) -> None:
    """A cached function; some need a session, which is closed afterwards."""
    topic = world.rng.choice(world.topics)
    session = Session() if topic.session else None
    tags = (*topic.tags, *world.records(f"f{topic.key}"))
    loader = world.loader(process, topic, tags=tags, session=session)
    read = world.ask(process, topic, tags, loads=True, at_once=True, soft=topic.windows.soft)
    read = replace(read, ours=loader.loads)
    LOADER.set(loader)
    function = process.functions.one[topic.key]
    work = function() if session is None else _in_session(function, session)

    def judge(value: object) -> None:
        refreshed = session is not None and bool(loader.loads)  # nobody could behind its back
        _judge(world, replace(read, at_once=not refreshed), value)

    await perhaps_cancelled(world, judged(world, read, work, judge, loader), loader)


async def _in_session(function: Any, session: Session) -> Any:
    try:
        value = await function(session)
        session.answered = True
        return value
    finally:
        session.closed = True


async def load_many(world: World, process: Process) -> None:
    """`get_or_set_many`."""
    topics = _some(world)
    tags = tuple(dict.fromkeys(tag for topic in topics for tag in topic.tags))
    ttl, windows = world.ttl(), world.windows()
    loader = world.loader(process, topics[0], tags=tags, ttl=ttl, windows=windows)
    reads = _ask_all(world, process, topics, loader, windows.soft)
    call = process.cache.get_or_set_many(
        [topic.key for topic in topics], loader.several, tags=tags, **world.options(windows, ttl)
    )
    judge = partial(_judge_all, world, reads)
    work = judged(world, reads[topics[0].key], call, judge, loader, several=reads)
    await perhaps_cancelled(world, work, loader)


async def call_many(world: World, process: Process) -> None:
    """A cached function of many ids, which declares no tags that others would count on."""
    topics, tags = [topic for topic in _some(world) if not topic.tags], world.records("many")
    if not topics:
        return
    loader = world.loader(process, topics[0], tags=tags, windows=world.many_windows)
    reads = _ask_all(world, process, topics, loader, world.many_windows.soft)
    LOADER.set(loader)
    call = process.functions.many([int(topic.key.removeprefix(PREFIX)) for topic in topics])

    def judge(found: Mapping[int, object]) -> None:
        values = {f"{PREFIX}{number}": value for number, value in found.items()}
        _judge_all(world, reads, values)

    work = judged(world, reads[topics[0].key], call, judge, loader, several=reads)
    await perhaps_cancelled(world, work, loader)


def _ask_all(
    world: World,
    process: Process,
    topics: list[Topic],
    loader: Loader,
    soft: float | None,
) -> dict[str, Read]:
    more: dict[str, Any] = {"loads": True, "several": True, "soft": soft, "ours": loader.loads}
    return {topic.key: world.ask(process, topic, loader.tags, **more) for topic in topics}


async def exists(world: World, process: Process) -> None:
    topic = world.rng.choice(world.topics)
    read = world.ask(process, topic, ())
    call = process.cache.exists(topic.key)

    def judge(answer: object) -> None:
        if not isinstance(answer, bool):
            world.checker.fail(world.now(), read, f"exists() returned {answer!r}")

    await judged(world, read, call, judge, within=AT_ONCE)


async def inspect(world: World, process: Process) -> None:
    """`entry`, which shows what is stale, too."""
    topic = world.rng.choice(world.topics)
    read = world.ask(process, topic, (), loads=True, soft=0.0)

    def judge(entry: Any) -> None:
        if entry is not None:
            world.checker.answer(world.now(), read, entry.value)

    await judged(world, read, process.cache.entry(topic.key), judge, within=AT_ONCE)


async def look_past(world: World, process: Process, topic: Topic, *, pending: bool) -> None:
    """Inside `deferred()`, what is pending is not read: what was committed before is."""
    read, call, loader = _question(world, process, topic, (), past=True)
    floor = world.origin.versions[topic.key] if pending else read.floor
    read = replace(read, floor=floor, loads=False)
    _judge(world, replace(read, choice=None), process.cache.peek(topic.key, NOTHING))
    await judged(world, read, call, partial(_judge, world, read), loader)


READS: Final[Mapping[Operation, float]] = {
    load: 8.0,
    call: 3.0,
    get: 2.0,
    peek: 1.0,
    get_many: 1.0,
    load_many: 1.0,
    call_many: 1.0,
    exists: 0.3,
    inspect: 0.3,
}
"""How often each is done; a seed changes that a little."""
