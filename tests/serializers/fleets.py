"""Two releases of one service on one store: the same function, whose model has changed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, make_dataclass
from random import Random
from typing import Any, Final, NamedTuple

from pydantic import create_model

from cachekit import Cache
from cachekit.context import inside
from cachekit_msgpack import MsgpackSerializer
from tests.serializers.conftest import Plain

TAKES: Final = 0.05
"""Seconds of a load."""


class Release(NamedTuple):
    """What a function returns in one release, and how it is cached."""

    name: str
    model: Any
    options: dict[str, Any]

    def make(self, n: int) -> Any:
        return self.model(id=n, by=self.name)


def releases(old: Any, new: Any, **options: Any) -> tuple[Release, Release]:
    return Release("old", old, options), Release("new", new, options)


def model(**fields: Any) -> Any:
    """Each is called `Product`, as it is in both releases of one service."""
    return create_model("Product", **fields)


def tuple_of(*fields: tuple[str, Any]) -> Any:
    return NamedTuple("Product", list(fields))


def dataclass_of(*fields: Any) -> Any:
    made: Any = make_dataclass("Product", fields)
    made.__module__ = __name__
    return made


def by_msgpack(old: Any, new: Any) -> tuple[Release, Release]:
    one, other = (MsgpackSerializer(types=[each]) for each in (old, new))
    return Release("old", old, {"serializer": one}), Release("new", new, {"serializer": other})


ID, BY = ("id", int), ("by", str)
PLAIN, PRICED = model(id=int, by=str), model(id=int, by=str, price=(int, 0))

CHANGES: Final = {
    "a field more": releases(PLAIN, PRICED),
    "a field less": releases(PRICED, PLAIN),
    "another default": releases(PRICED, model(id=int, by=str, price=(int, 1))),
    "another type": releases(PRICED, model(id=int, by=str, price=(float, 0.0))),
    "another kind of class": releases(PLAIN, dataclass_of(ID, BY)),
    "a dataclass turned": releases(dataclass_of(ID, BY), dataclass_of(BY, ID)),
    "a NamedTuple turned": releases(tuple_of(ID, BY), tuple_of(BY, ID)),
    "a version": (Release("old", PLAIN, {"version": 1}), Release("new", PLAIN, {"version": 2})),
    "a first version": (Release("old", PLAIN, {}), Release("new", PLAIN, {"version": 1})),
    "msgpack, a field more": by_msgpack(dataclass_of(ID, BY), dataclass_of(ID, BY, ("x", int, 0))),
    "msgpack, a NamedTuple turned": by_msgpack(tuple_of(ID, BY), tuple_of(BY, ID)),
}

TURNED: Final = releases(PLAIN, model(by=str, id=int))
"""The same fields in another order, in bytes that name them."""


@dataclass
class Origin:
    """Counts loads, and those under way at once that could all be stored.

    That is one for each version that may be replaced: a refresh whose old value the other release
    has replaced may still run, and is refused in the end.
    """

    loads: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    under_way: Counter[tuple[int, int]] = field(default_factory=Counter[tuple[int, int]])
    leases: Counter[int] = field(default_factory=Counter[int])
    at_once: int = 0

    async def load(self, release: Release, n: int) -> Any:
        holds = [flight.hold for flight in inside() if flight.hold is not None]
        anchors = [(n, hold.anchor) for hold in holds]
        leases = [n for hold in holds if not hold.is_claim]
        self.loads[release.name, n] += 1
        self.under_way.update(anchors)
        self.leases.update(leases)
        self.at_once = max(self.at_once, *self.under_way.values(), *self.leases.values())
        try:
            await asyncio.sleep(TAKES)
            return release.make(n)
        finally:
            self.under_way.subtract(anchors)
            self.leases.subtract(leases)

    def of(self, release: Release) -> dict[int, int]:
        """Its loads, by number."""
        return {n: count for (name, n), count in self.loads.items() if name == release.name}


class Instance:
    """One process of a release."""

    def __init__(self, cache: Cache, release: Release, origin: Origin, **options: Any) -> None:
        self.cache = cache
        self.release = release

        async def product(n: int) -> Any:
            return await origin.load(release, n)

        product.__annotations__["return"] = release.model
        decorate = cache.cached(
            key="product:{n}", name="product", tags=["all"], **{**options, **release.options}
        )
        self.product: Callable[[int], Awaitable[Any]] = decorate(product)

    @property
    def function(self) -> Any:
        return self.product

    async def reads(self, n: int) -> Any:
        """The value, which must be of this release."""
        value = await self.product(n)
        assert type(value) is self.release.model
        assert value.id == n
        return value

    async def plays(self, numbers: range, rounds: int, seed: int) -> None:
        """Reads some of them again and again."""
        chance = Random(seed)
        for _ in range(rounds):
            value = await self.reads(chance.choice(numbers))
            assert value.by == self.release.name
            await asyncio.sleep(chance.random() * TAKES)


async def two_fleets(
    caches: Plain, pair: tuple[Release, Release], **options: Any
) -> tuple[list[Instance], list[Instance], Origin]:
    """Two processes of each release, and where they load from; open."""
    origin = Origin()
    fleets: list[list[Instance]] = []
    for release in pair:
        fleets.append([])
        for _ in range(2):
            store = caches.slow()
            store.delay = store.lag = 0.004
            cache = caches(store)
            await cache.open()
            fleets[-1].append(Instance(cache, release, origin, **options))
    return fleets[0], fleets[1], origin
