"""The news that links bring, and what the judge makes of copies that may be old."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from cachekit.backend import ANY, FEED, News, Write
from cachekit.testing.simulation.bytestore import in_bytes
from cachekit.testing.simulation.checker import Checker, Claim
from cachekit.testing.simulation.debts import Debts
from cachekit.testing.simulation.floors import Floors
from cachekit.testing.simulation.history import History
from cachekit.testing.simulation.link import Link
from cachekit.testing.simulation.loop import VirtualClock, VirtualLoop, run
from cachekit.testing.simulation.origin import Origin
from cachekit.testing.simulation.shore import Shore
from cachekit.testing.simulation.stream import EMPTIED, EMPTIED_LONG_AGO, KEY, RESTARTED
from cachekit.testing.simulation.weather import CALM, Weather

T = TypeVar("T")


def test_news_are_what_was_announced_since() -> None:
    async def main(link: Link) -> News:
        news = await ask(link, None)
        assert (news.lost, news.complete) == (True, False)
        await link.write([Write("v:k0", None, announce=True), Write("v:k1", None)])
        await link.forget_prefix(["v:k"])
        return await ask(link, news.position)

    news = on_a_link(main)
    assert (news.keys, news.prefixes) == (["v:k0"], ["v:k"])
    assert news.complete
    assert not news.lost


def test_news_come_at_once_and_are_not_waited_for_any_longer() -> None:
    async def main(link: Link) -> tuple[float, float]:
        loop, position = asyncio.get_running_loop(), (await ask(link, None)).position
        began = loop.time()
        loop.call_later(3.0, link.stream.tell, KEY, "v:k0")
        news = await ask(link, position, wait=10.0)
        told = loop.time()
        await ask(link, news.position, wait=2.0)
        return told - began, loop.time() - told

    told, waited = on_a_link(main)
    assert told == pytest.approx(3.0, abs=0.1)
    assert waited == pytest.approx(2.0, abs=0.1)


def test_where_there_is_no_room_for_more_there_may_be_more() -> None:
    async def main(link: Link) -> list[tuple[int, bool]]:
        news, seen = await ask(link, None), list[tuple[int, bool]]()
        for _ in range(5):
            link.stream.tell(KEY, "v:k0")
        for _ in range(3):
            news = await ask(link, news.position)
            seen.append((len(news.keys), news.complete))
        return seen

    assert on_a_link(main, Weather(count=2)) == [(2, False), (2, False), (1, True)]


@pytest.mark.parametrize("what", [EMPTIED, EMPTIED_LONG_AGO, RESTARTED])
@pytest.mark.parametrize("more", [0, 1, 5])
def test_a_stream_that_is_lost_is_noticed(what: str, more: int) -> None:
    async def main(link: Link) -> News:
        for _ in range(4):
            link.stream.tell(KEY, "v:k0")
        position = (await ask(link, None)).position
        rng = random.Random(more)
        while link.stream.lose(rng, 0.3) != what:
            pass
        for _ in range(more):
            link.stream.tell(KEY, "v:k1")
        return await ask(link, position)

    assert on_a_link(main).lost


def test_a_stream_that_was_trimmed_is_noticed() -> None:
    async def main(link: Link) -> News:
        position = (await ask(link, None)).position
        for _ in range(4):
            link.stream.tell(KEY, "v:k0")
        return await ask(link, position)

    assert on_a_link(main, remembers=3).lost


def test_who_was_deaf_hears_of_it_later() -> None:
    async def main(link: Link) -> News:
        position = (await ask(link, None)).position
        link.deaf_until = 1000.0
        with pytest.raises(ConnectionError):
            await ask(link, position)
        link.stream.tell(KEY, "v:k0")
        link.deaf_until = 0.0
        return await ask(link, position)

    news = on_a_link(main)
    assert news.keys == ["v:k0"]
    assert not news.lost


def test_what_could_not_be_told_is_not_acknowledged() -> None:
    async def main(link: Link) -> list[str]:
        link.weather = Weather(apart=1.0, lost=0.5)
        outcomes = [await write(link, f"v:k{i}") for i in range(40)]
        news = await link.shore.stream.after(0, 100, 0.0)
        assert len(news.changes) == outcomes.count("done")
        assert await link.shore.backends[0].read([f"v:k{i}" for i in range(40)]) == {}
        return outcomes

    assert set(on_a_link(main)) == {"done", "lost", "unreached"}


async def write(link: Link, key: str) -> str:
    try:
        (outcome,) = await link.write([Write(key, None, ANY, announce=True)])
    except ConnectionError:
        return "lost"
    return outcome.value


def test_a_floor_holds_for_others_once_copies_may_no_longer_be_older() -> None:
    floors, name = Floors(2.0), ("k0", "")
    floors.raise_for("A1", name, 5)
    floors.raise_late(name, 5, 10.0)
    floors.raise_late(name, 7, 11.0)
    assert floors.of("A1", name, 10.0) == 5
    assert [floors.of("B1", name, now) for now in (10.0, 11.9, 12.0, 13.0)] == [0, 0, 5, 7]


def test_what_waits_for_all_copies_holds_for_all_at_once() -> None:
    checker = a_checker(staleness=2.0)
    checker.acknowledged(1.0, Claim("A1", "invalidate", {"k0": 2}, barrier=True))
    assert checker.ask(1.0, "B1", "k0", ()).floor == 2


def test_what_was_not_acknowledged_holds_for_others_once_the_link_is_good_again() -> None:
    async def main(link: Link) -> list[tuple[int, int]]:
        checker = a_checker()
        debts, seen = Debts(checker, link.clock.monotonic), list[tuple[int, int]]()
        link.down_until = 3.0
        debts.owe(link, [Claim("A1", "delete", {"k0": 2})])
        for moment in (1.0, 4.0, 6.0):
            await asyncio.sleep(moment - link.clock.monotonic())
            debts.collect()
            seen.append(
                (
                    checker.ask(moment, "A1", "k0", ()).floor,
                    checker.ask(moment, "B1", "k0", ()).floor,
                )
            )
        return seen

    assert on_a_link(main) == [(2, 0), (2, 0), (2, 2)]


def test_who_has_died_owes_nothing() -> None:
    async def main(link: Link) -> int:
        checker = a_checker()
        debts = Debts(checker, link.clock.monotonic)
        debts.owe(link, [Claim("A1", "delete", {"k0": 2})])
        link.dead = True
        debts.collect()
        await asyncio.sleep(10.0)
        debts.collect()
        return checker.ask(10.0, "B1", "k0", ()).floor

    assert on_a_link(main) == 0


async def ask(link: Link, position: object | None, wait: float = 0.1) -> News:
    feed = link.capability(FEED)
    assert feed is not None
    return await feed.news(position, wait)


def on_a_link(
    work: Callable[[Link], Coroutine[Any, Any, T]], weather: Weather = CALM, remembers: int = 100
) -> T:
    """What `work` comes to on a link to a store that tells its changes."""

    async def main(loop: VirtualLoop) -> T:
        setting = replace(in_bytes(), tiers=True)
        shore = Shore(loop, History(), setting, evicts=False, remembers=remembers)
        await shore.connect()
        clock, rng = VirtualClock(loop), random.Random(0)
        return await work(Link("A1", shore, shore.backends[0], clock, weather, rng, shore.history))

    return run(main, seed=0)


def a_checker(staleness: float = 0.0) -> Checker:
    history = History()
    origin = Origin(history, random.Random(0), CALM, versions={"k0": 2})
    return Checker(history, origin, staleness=staleness)
