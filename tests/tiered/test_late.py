"""R16: what was seen in the store is not kept if it may have changed since it was asked for."""

import pytest

from cachekit.backend import (
    DONE,
    FORGET_PREFIX,
    Write,
)
from tests.tiered.stores import Pair, record


@pytest.mark.parametrize("told", ["v:k", "v:other"])
async def test_a_value_that_was_changed_while_it_was_on_its_way_is_not_kept(
    pair: Pair, told: str
) -> None:
    await pair.put(v_k=pair.value(1))
    reading = await pair.reading("v:k")
    await pair.feed.tell(told)
    await pair.arrives(reading)
    assert pair.served("v:k") == (None if told == "v:k" else 1)


async def test_a_record_that_was_changed_while_it_was_on_its_way_is_not_kept(pair: Pair) -> None:
    """The value, which has not changed, is; it is linked to no record."""
    await pair.put(v_k=pair.value(1, of=1), t_a=record(1))
    reading = await pair.reading("v:k", "t:a")
    await pair.feed.tell("t:a")
    await pair.arrives(reading)
    assert pair.held("v:k") is not None
    assert pair.served("v:k") is None
    await pair.keep(v_other=pair.value(2, of=1), t_a=record(2))
    assert (pair.served("v:k"), pair.served("v:other")) == (None, None)


@pytest.mark.parametrize("prefixes", [["v:k"], ["v:other"], ["t:"]], ids=str)
async def test_a_prefix_may_be_that_of_all_that_is_on_its_way(
    pair: Pair, prefixes: list[str]
) -> None:
    """Nobody knows of which keys it was: they may have gone from here."""
    await pair.put(v_k=pair.value(1))
    reading = await pair.reading("v:k")
    await pair.feed.tell(prefixes=prefixes)
    await pair.arrives(reading)
    assert pair.held("v:k") is None


async def test_nothing_is_kept_that_was_on_its_way_when_something_was_lost(pair: Pair) -> None:
    await pair.put(v_k=pair.value(1))
    reading = await pair.reading("v:k")
    await pair.feed.begin()
    await pair.arrives(reading)
    assert pair.held("v:k") is None


async def test_nothing_is_kept_that_was_on_its_way_when_it_was_fenced(pair: Pair) -> None:
    await pair.put(v_k=pair.value(1))
    reading = await pair.reading("v:k")
    pair.tiers.fence(["v:k"], [])
    await pair.arrives(reading)
    assert pair.held("v:k") is None


@pytest.mark.parametrize("entry", [2, None])
async def test_what_was_read_before_a_write_of_this_process_is_not_kept(
    pair: Pair, entry: int | None
) -> None:
    """Though nothing was announced."""
    await pair.put(v_k=pair.value(1))
    reading = await pair.reading("v:k")
    writing = await pair.writing(Write("v:k", pair.value(entry) if entry else None))
    pair.far.release()
    await writing
    assert pair.served("v:k") == entry
    await reading
    assert pair.served("v:k") == entry


async def test_a_prefix_that_this_process_forgets_is_told_to_what_is_on_its_way(pair: Pair) -> None:
    await pair.put(v_k=pair.value(1))
    reading = await pair.reading("v:k")
    able = pair.tiers.capability(FORGET_PREFIX)
    assert able is not None
    assert await able.forget_prefix(["v:k"]) is DONE
    await pair.arrives(reading)
    assert pair.held("v:k") is None


async def test_of_two_writes_at_once_nobody_knows_which_was_the_last(pair: Pair) -> None:
    first = await pair.writing(Write("v:k", pair.value(1)))
    second = await pair.writing(Write("v:k", pair.value(2)))
    await pair.arrives(second)
    await first
    assert pair.held("v:k") is None or pair.served("v:k") == 2


async def test_a_written_value_that_was_changed_before_its_acknowledgement_is_not_kept(
    pair: Pair,
) -> None:
    writing = await pair.writing(Write("v:k", pair.value(1)))
    await pair.feed.tell("v:k")
    await pair.arrives(writing)
    assert pair.held("v:k") is None


async def test_a_written_record_that_was_changed_before_its_acknowledgement_is_not_kept(
    pair: Pair,
) -> None:
    writing = await pair.writing(Write("t:a", record(1)))
    await pair.feed.tell("t:a")
    await pair.arrives(writing)
    await pair.keep(v_k=pair.value(1, of=1))
    assert pair.served("v:k") is None


# -- what was announced


async def test_a_record_dies_in_place(pair: Pair) -> None:
    """Who holds the value sees it as well."""
    await pair.keep(v_k=pair.value(1, of=1), t_a=record(1))
    held = pair.tiers.peek("v:k")
    assert held is not None
    assert held.serves(pair.clock.monotonic())
    await pair.feed.tell("t:a")
    assert not held.serves(pair.clock.monotonic())
    assert pair.served("v:k") is None


async def test_what_is_announced_is_dropped_and_nothing_else(pair: Pair) -> None:
    await pair.keep(**{f"v_{name}": pair.value(1) for name in ("k", "p_a", "p_b", "q")})
    await pair.feed.tell("v:k", prefixes=["v:p:"])
    assert [pair.served(f"v:{name}") for name in ("k", "p:a", "p:b", "q")] == [None, None, None, 1]


async def test_a_copy_stays_in_use_when_its_record_is_read_again(pair: Pair) -> None:
    await pair.keep(v_k=pair.value(1, of=1), t_a=record(1))
    await pair.tiers.read(["t:a"])
    assert pair.served("v:k") == 1
    await pair.keep(t_a=record(2))  # which this process learns before it is told
    assert pair.served("v:k") is None
