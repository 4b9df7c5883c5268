"""Opening, closing, opening again, other loops, and the child of a fork."""

import asyncio
import gc
import threading
import warnings
from typing import Any

import pytest

from cachekit.backend import (
    FEED,
    FENCE,
    FORGET_PREFIX,
    LOCAL,
    PEEK,
    TIERS,
    Backend,
    C,
    Capability,
    News,
)
from cachekit.errors import ConfigurationError
from cachekit.testing.reference import ReferenceBackend
from cachekit_memory import MemoryBackend
from cachekit_tiered import TieredBackend
from tests.memory.test_fork import in_a_child
from tests.tiered.stores import STALENESS, Pair, opened


def tasks() -> set["asyncio.Task[Any]"]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_when_it_is_closed_nobody_follows_and_nothing_is_looked_at() -> None:
    async with opened(Pair()) as pair:
        await pair.keep(v_k=pair.value(1))
        assert pair.served("v:k") == 1
        assert len(tasks()) == 1
    assert tasks() == set()
    assert (pair.served("v:k"), pair.held("v:k")) == (None, None)


async def test_it_is_closed_while_the_feed_fails(pair: Pair) -> None:
    await pair.feed.say(*[ConnectionError()] * 5)
    await pair.tiers.close()
    assert tasks() == set()


async def test_closing_twice_or_without_opening_does_nothing() -> None:
    pair = Pair()
    await pair.tiers.close()
    await pair.tiers.open()
    await pair.tiers.close()
    await pair.tiers.close()


async def test_what_comes_when_it_is_closed_is_not_looked_at() -> None:
    async with opened(Pair(outage_staleness=100.0)) as pair:
        pass
    await pair.keep(v_k=pair.value(1))
    assert pair.served("v:k") is None
    pair.tiers.cut_off(True)
    assert pair.served("v:k") is None


async def test_opened_twice_it_is_followed_once() -> None:
    async with opened(Pair()) as pair:
        await pair.tiers.open()
        assert len(tasks()) == 1
        assert pair.served("v:k") is None
        await pair.feed.begin()
        await pair.keep(v_k=pair.value(1))
        assert pair.served("v:k") == 1
    assert tasks() == set()


async def test_opened_again_it_begins_with_the_present() -> None:
    async with opened(Pair()) as pair:
        await pair.keep(v_k=pair.value(1))
    pair.feed.asked.clear()
    async with opened(pair, begin=False):
        assert pair.served("v:k") is None
        await pair.feed.begin()
        assert pair.feed.asked[0] == (None, 0.0)


@pytest.mark.parametrize("before", [0, 1])
async def test_what_was_asked_before_it_was_opened_again_is_not_kept(before: int) -> None:
    """However often something had moved by then."""
    async with opened(Pair(), begin=bool(before)) as pair:
        await pair.put(v_k=pair.value(1))
        reading = await pair.reading("v:k")
        await pair.tiers.close()
        await pair.tiers.open()
        if before:
            await pair.feed.begin()
        await pair.arrives(reading)
        assert pair.held("v:k") is None


def test_it_may_be_opened_on_another_loop() -> None:
    """Also if it was not closed on the first."""
    pair = Pair()

    async def use(*, close: bool) -> None:
        pair.feed.begin_afresh()
        await pair.tiers.open()
        assert pair.served("v:k") is None
        await pair.feed.begin()
        await pair.keep(v_k=pair.value(1))
        assert pair.served("v:k") == 1
        if close:
            await pair.tiers.close()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(use(close=True))
        asyncio.run(use(close=False))
        asyncio.run(use(close=False))
        asyncio.run(use(close=True))
        gc.collect()


async def test_a_child_of_a_fork_has_no_copies_and_its_own_follower(
    pair: Pair, capfd: pytest.CaptureFixture[str]
) -> None:
    """Though a thread of its parent was about to keep something."""
    await pair.keep(v_k=pair.value(1))
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with pair.tiers._near._lock:  # pyright: ignore[reportPrivateUsage]
            taken.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()

    async def use() -> None:
        pair.feed.begin_afresh()
        async with opened(pair, begin=False):
            assert pair.served("v:k") is None
            await pair.feed.begin()
            await pair.keep(v_k=pair.value(2))
            assert pair.served("v:k") == 2

    def work() -> None:
        asyncio.events._set_running_loop(None)
        asyncio.run(use())
        gc.collect()

    try:
        assert in_a_child(work) == 0
    finally:
        over.set()
        thread.join()
    assert pair.served("v:k") == 1
    assert capfd.readouterr().err == ""


# -- what it is made of


class Distant(MemoryBackend):
    suspends = True


class Blind(MemoryBackend):
    def capability(self, wanted: Capability[C]) -> C | None:
        return None if wanted is PEEK else super().capability(wanted)


@pytest.mark.parametrize("l1", [ReferenceBackend(), Distant(), Blind()])
def test_what_is_nearer_must_be_in_this_process(l1: Backend) -> None:
    with pytest.raises(ConfigurationError, match=f"{type(l1).__name__} will not do: l1 must be in"):
        TieredBackend(l1, ReferenceBackend())


@pytest.mark.parametrize("given", [None, 7, MemoryBackend])
def test_each_tier_is_a_backend_or_a_url(given: object) -> None:
    with pytest.raises(ConfigurationError, match="give a Backend or a URL for each tier"):
        TieredBackend(MemoryBackend(), given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"max_staleness": 0},
        {"max_staleness": None},
        {"outage_staleness": -1.0},
        {"l1_ttl": 0},
        {"l1_max_bytes": -1},
        {"l1_max_bytes": True},
        {"l1_max_bytes": 1.5},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_an_error_that_names_it(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        TieredBackend(MemoryBackend(), ReferenceBackend(), **options)  # type: ignore[arg-type]


def test_it_answers_for_what_it_holds() -> None:
    pair = Pair()
    tiers = pair.tiers
    tokens: list[Capability[Any]] = [PEEK, FENCE, FORGET_PREFIX, TIERS]
    assert [tiers.capability(token) for token in tokens] == [tiers] * 4
    assert (tiers.capability(LOCAL), tiers.capability(FEED)) == (None, None)
    assert tiers.names == ("MemoryBackend", "Far")
    assert tiers.staleness == STALENESS
    assert TieredBackend("memory://", "memory://").names == (
        "MemoryBackend",
        "MemoryBackend behind",
    )


async def test_a_feed_that_fails_for_long_is_asked_until_it_answers(pair: Pair) -> None:
    await pair.feed.say(*[ConnectionError()] * 20, News(7))
    await pair.keep(v_k=pair.value(1))
    assert pair.served("v:k") == 1
