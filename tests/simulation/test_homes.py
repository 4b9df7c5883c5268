"""A store of several homes, as the simulation has it: each answers, and fails, by itself."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from cachekit.backend import ABSENT, DONE, HOMES, NODES, UNREACHED, Outcome, Unreached, Write
from cachekit.entry import Entry, Kind
from cachekit.keys import claim_of, record_key
from cachekit.testing.simulation.accidents import start_again, take_down
from cachekit.testing.simulation.bytestore import at_homes
from cachekit.testing.simulation.history import History
from cachekit.testing.simulation.homes import HomesLink
from cachekit.testing.simulation.link import RECOVERY
from cachekit.testing.simulation.loop import VirtualClock, VirtualLoop, run
from cachekit.testing.simulation.nodes import Nodes
from cachekit.testing.simulation.shore import Shore
from cachekit.testing.simulation.weather import CALM, NEVER, Weather
from cachekit.testing.simulation.world import World

KEYS = [f"v:sim:k{number}" for number in range(20)]


class Place:
    """A link to three homes; the first of them, with its keys, and what the others have."""

    def __init__(self, link: HomesLink, nodes: Nodes) -> None:
        self.link = link
        self.node = nodes.all()[0]
        self.its = {key for key in KEYS if nodes.of(key) is self.node}
        self.others = set(KEYS) - self.its

    async def fill(self) -> None:
        assert set(await self.write()) == {DONE}

    async def write(self) -> list[Outcome]:
        entries = [Entry(Kind.STUB, keep=60.0) for _ in KEYS]
        return list(
            await self.link.write([Write(k, e) for k, e in zip(KEYS, entries, strict=True)])
        )

    async def lost(self) -> set[str]:
        """The keys of which nobody says whether they are there."""
        found = await self.link.read(KEYS)
        return {key for key, entry in found.items() if isinstance(entry, Unreached)}


def at(work: Callable[[Place], Awaitable[None]], weather: Weather = CALM) -> None:
    """Do something there, in virtual time."""

    async def main(loop: VirtualLoop) -> None:
        shore = Shore(loop, History(), at_homes("abc"), evicts=False)
        backend, clock = await shore.connect(), VirtualClock(loop)
        link = HomesLink("A1", shore, backend, clock, weather, random.Random(0), shore.history)
        assert shore.nodes is not None
        await work(Place(link, shore.nodes))

    run(main, seed=0)


def test_a_key_lives_where_its_claim_does_and_a_record_where_it_says() -> None:
    async def look(place: Place) -> None:
        homes, nodes = place.link.capability(HOMES), place.link.capability(NODES)
        assert homes is not None
        assert nodes is not None
        assert [homes.home(claim_of(key)) for key in KEYS] == [homes.home(key) for key in KEYS]
        assert {homes.home(key) for key in KEYS} == {*homes.homes()} == {"a", "b", "c"}
        assert homes.home(record_key("sim", "home", "c")) == "c"
        assert [nodes.node_of(key) for key in KEYS] == [homes.home(key) for key in KEYS]

    at(look)


@pytest.mark.parametrize("refuses", [True, False])
def test_one_that_is_down_takes_along_what_it_has(refuses: bool) -> None:
    async def look(place: Place) -> None:
        await place.fill()
        loop = asyncio.get_running_loop()
        place.node.down_until, place.node.refuses = loop.time() + 1.0, refuses
        began = loop.time()
        assert await place.lost() == place.its
        outcomes = dict(zip(KEYS, await place.write(), strict=True))
        assert {key for key, outcome in outcomes.items() if outcome is UNREACHED} == place.its
        assert loop.time() - began == pytest.approx(0.0 if refuses else 0.4, abs=0.1)
        await asyncio.sleep(1.0)
        assert await place.lost() == set()

    at(look, Weather(patience=0.2))


def test_who_is_not_given_up_holds_up_the_others() -> None:
    async def look(place: Place) -> None:
        place.node.down_until = 1.0
        assert await place.lost() == place.its
        assert asyncio.get_running_loop().time() > 12.0

    at(look)


def test_what_it_was_sent_is_done_though_it_was_given_up() -> None:
    async def look(place: Place) -> None:
        assert set(await place.write()) == {UNREACHED}
        await asyncio.sleep(20.0)
        place.link.weather = CALM
        assert set(await place.link.read(KEYS)) == set(KEYS)

    at(look, Weather(unanswered=1.0, patience=0.2))


def test_each_is_asked_at_a_time_of_its_own() -> None:
    async def look(place: Place) -> None:
        await place.link.write([Write(key, Entry(Kind.STUB, keep=1.0), ABSENT) for key in KEYS])
        shore = place.link.shore
        moments = {place.link.node_of(key): {shore.since(key)} for key in KEYS}
        assert len(set.union(*moments.values())) == 3

    at(look, Weather(together=1.0))


def test_what_is_within_reach_hangs_on_its_own_home_alone() -> None:
    async def look(place: Place) -> None:
        link, now = place.link, asyncio.get_running_loop().time
        place.node.down_until = now() + 1.0
        assert await place.lost() == place.its
        assert link.has_reached([*place.others], now())
        assert not link.has_reached([*place.others, min(place.its)], now())
        assert not link.calm_since(now())
        await asyncio.sleep(1.01 + RECOVERY)
        assert link.has_reached(KEYS, now())
        assert link.calm_since(now())
        assert not link.has_reached(KEYS, now() - 1.0)

    at(look, Weather(patience=0.2))


def in_a_world(work: Callable[[World], Awaitable[None]]) -> None:
    async def main(loop: VirtualLoop) -> None:
        world = World(loop, 0, at_homes("abc"), {})
        await world.shore.connect()
        await work(world)

    run(main, seed=0)


def nodes_of(world: World) -> Nodes:
    assert world.shore.nodes is not None
    return world.shore.nodes


def test_one_that_is_started_again_has_nothing() -> None:
    async def look(world: World) -> None:
        link, nodes = await world.link("A1"), nodes_of(world)
        link.good_until = NEVER
        await link.write([Write(key, Entry(Kind.STUB, keep=60.0)) for key in KEYS])
        await start_again(world)
        again = [node for node in nodes.all() if node.down_until > world.now()]
        assert again
        left = await link.read(KEYS)
        assert set(left) == {key for key in KEYS if nodes.of(key) not in again}

    in_a_world(look)


def test_mostly_one_is_down_at_a_time() -> None:
    async def look(world: World) -> None:
        down = list[int]()
        for _ in range(100):
            await take_down(world)
            down.append(sum(n.down_until > world.now() for n in nodes_of(world).all()))
            for node in nodes_of(world).all():
                node.heal()
        assert down.count(1) > 50
        assert set(down) == {1, 3}

    in_a_world(look)


def test_a_function_has_a_record_at_each() -> None:
    async def look(world: World) -> None:
        assert world.records("f") == tuple(record_key("sim", "fn:f", home) for home in "abc")

    in_a_world(look)
