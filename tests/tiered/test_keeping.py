"""What is kept of what is read and written, for how long, and what is left out."""

import asyncio

import pytest

from cachekit.backend import (
    ABSENT,
    DONE,
    FORGET_PREFIX,
    REFUSED,
    UNREACHED,
    Backend,
    Found,
    Outcome,
    Write,
)
from cachekit.entry import Caller, Entry, Kind
from cachekit.errors import UnsupportedError
from cachekit_memory import MemoryBackend
from cachekit_tiered import TieredBackend
from tests.tiered.stores import Pair, opened, record

# -- reads


async def test_a_read_asks_the_store_and_never_the_copies(pair: Pair) -> None:
    await pair.keep(v_k=pair.value(1), t_a=record(1))
    await pair.put(v_k=pair.value(2), t_a=None)
    found = await pair.tiers.read(["v:k", "t:a"])
    assert {key: _version(found, key) for key in found} == {"v:k": 2}
    assert pair.far.reads == 2


async def test_a_copy_is_an_object_of_its_own(pair: Pair) -> None:
    """A store may give one to many readers, and each finds out other things about it."""
    found = await _found(pair, v_k=pair.value(1, of=1), t_a=record(1))
    value, tag = found["v:k"], found["t:a"]
    assert isinstance(value, Entry)
    assert isinstance(tag, Entry)
    held = pair.held("v:k")
    assert held is not None
    assert held is not value
    assert held.links[0][0] is not tag
    value.expire()
    tag.version = 7
    assert pair.served("v:k") == 1
    held.vouch(Caller(), 5.0)
    assert value.vouched is None


async def test_what_is_written_and_its_copy_are_two(pair: Pair) -> None:
    value, tag = pair.value(1, of=1), record(1)
    await pair.tiers.write([Write("t:a", tag), Write("v:k", value)])
    assert pair.served("v:k") == 1
    value.expire()
    tag.version = 7
    assert pair.served("v:k") == 1


async def test_who_is_cancelled_while_it_reads_keeps_nothing(pair: Pair) -> None:
    await pair.put(v_k=pair.value(1))
    reading = await pair.reading("v:k")
    reading.cancel()
    await asyncio.wait([reading])
    assert pair.held("v:k") is None


async def test_where_there_was_no_answer_nothing_is_kept(pair: Pair) -> None:
    pair.far.lost = ["v:lost"]
    await pair.keep(v_k=pair.value(1), v_lost=pair.value(1))
    assert (pair.served("v:k"), pair.served("v:lost")) == (1, None)


# -- writes


async def test_what_was_written_is_kept(pair: Pair) -> None:
    assert await pair.write("v:k", pair.value(1)) is DONE
    assert pair.served("v:k") == 1


@pytest.mark.parametrize("instead", [Kind.STUB, Kind.PASS, None])
async def test_what_takes_the_place_of_a_value_and_is_none_drops_it(
    pair: Pair, instead: Kind | None
) -> None:
    await pair.keep(v_k=pair.value(1))
    assert await pair.write("v:k", None if instead is None else Entry(instead)) is DONE
    assert pair.held("v:k") is None


@pytest.mark.parametrize("outcome", [REFUSED, UNREACHED])
async def test_a_write_that_is_not_done_drops_what_there_was(pair: Pair, outcome: Outcome) -> None:
    await pair.keep(v_k=pair.value(1))
    pair.far.outcome = outcome
    assert await pair.write("v:k", pair.value(2)) is outcome
    assert pair.held("v:k") is None


async def test_a_write_that_fails_drops_what_there_was(pair: Pair) -> None:
    """Records, too, and what carries them."""
    await pair.keep(v_k=pair.value(1), v_other=pair.value(1, of=1), t_a=record(1))
    pair.far.error = ConnectionError("cut")
    with pytest.raises(ConnectionError, match="cut"):
        await pair.tiers.write([Write("v:k", pair.value(2)), Write("t:a", record(2))])
    assert (pair.held("v:k"), pair.served("v:other")) == (None, None)


async def test_who_is_cancelled_while_it_writes_drops_what_there_was(pair: Pair) -> None:
    """The store may have done it, or will."""
    await pair.keep(v_k=pair.value(1))
    writing = await pair.writing(Write("v:k", pair.value(2)))
    writing.cancel()
    await asyncio.wait([writing])
    assert writing.cancelled()
    assert pair.held("v:k") is None


async def test_each_write_of_a_batch_is_as_its_outcome_says(pair: Pair) -> None:
    await pair.keep(v_there=pair.value(1))
    writes = [
        Write("v:there", pair.value(2), ABSENT),
        Write("v:new", pair.value(3), ABSENT),
        Write("v:twice", pair.value(4)),
        Write("v:twice", pair.value(5)),
    ]
    assert await pair.tiers.write(writes) == [REFUSED, DONE, DONE, DONE]
    served = [pair.served(f"v:{name}") for name in ("there", "new", "twice")]
    assert served == [None, 3, 5]


async def test_a_prefix_that_could_not_be_forgotten_is_dropped_here(pair: Pair) -> None:
    await pair.keep(v_k=pair.value(1))

    async def fail(prefixes: object) -> Outcome:
        raise ConnectionError("cut")

    pair.far.store.forget_prefix = fail  # type: ignore[method-assign]
    able = pair.tiers.capability(FORGET_PREFIX)
    assert able is not None
    with pytest.raises(ConnectionError):
        await able.forget_prefix(["v:"])
    assert pair.held("v:k") is None


async def test_a_store_that_forgets_no_prefixes_says_so(pair: Pair) -> None:
    class Plain(Backend):
        async def read(self, keys: object) -> Found:
            return {}

    tiers = TieredBackend(MemoryBackend(), Plain())  # type: ignore[abstract]
    assert tiers.capability(FORGET_PREFIX) is None
    with pytest.raises(UnsupportedError, match="Plain cannot forget by Prefix; use a Tag"):
        await tiers.forget_prefix(["v:"])


# -- how long, and what is left out


async def test_a_copy_lives_no_longer_than_said() -> None:
    async with opened(Pair(l1_ttl=5.0, max_staleness=100.0)) as pair:
        await pair.keep(v_k=pair.value(1, ttl=None), v_short=pair.value(1, ttl=3.0))
        pair.clock.advance(2.9)
        assert (pair.served("v:k"), pair.served("v:short")) == (1, 1)
        pair.clock.advance(0.1)
        assert (pair.served("v:k"), pair.served("v:short")) == (1, None)
        pair.clock.advance(2.0)
        assert pair.served("v:k") is None
        await pair.keep(v_other=pair.value(1))
        assert pair.held("v:k") is None  # nor does it take room


async def test_a_window_that_would_end_after_its_copy_is_left_to_the_store(pair: Pair) -> None:
    """Else the refresh would begin from a copy that is not there any more."""
    await pair.keep(v_long=_stale(pair, 50.0, 20.0), v_short=_stale(pair, 30.0, 20.0))
    long, short = pair.held("v:long"), pair.held("v:short")
    assert long is not None
    assert short is not None
    assert (long.fresh_until, long.stale_while_revalidate, long.stale_if_error) == (50.0, 0.0, 0.0)
    assert (short.fresh_until, short.stale_while_revalidate) == (30.0, 20.0)
    assert not long.serves_failures(50.0)
    assert short.serves_stale(49.9)


async def test_what_is_stale_is_not_kept(pair: Pair) -> None:
    entry = _stale(pair, 5.0, 20.0)
    pair.clock.advance(5.0)
    await pair.keep(v_k=entry)
    assert pair.held("v:k") is None


async def test_what_skips_it_is_not_kept(pair: Pair) -> None:
    await pair.keep(v_k=pair.value(1))
    entry = pair.value(2)
    entry.skip_l1 = True
    await pair.write("v:k", entry)
    await pair.keep(v_k=entry)
    assert pair.held("v:k") is None


async def test_what_is_too_large_is_not_kept() -> None:
    async with opened(Pair(l1_max_bytes=100)) as pair:
        large, small = pair.value(1), pair.value(2)
        large.payload, small.payload = bytes(101), bytes(100)
        await pair.keep(v_large=large, v_small=small)
        assert (pair.served("v:large"), pair.served("v:small")) == (None, 2)


@pytest.mark.parametrize("kind", [Kind.STUB, Kind.PASS])
async def test_only_values_and_records_are_kept(pair: Pair, kind: Kind) -> None:
    await pair.keep(v_k=Entry(kind))
    assert dict(await pair.near.read(["v:k"])) == {}


def _stale(pair: Pair, ttl: float, window: float) -> Entry:
    entry = pair.value(1, ttl=ttl)
    entry.stale_while_revalidate = entry.stale_if_error = window
    return entry


async def _found(pair: Pair, **entries: Entry) -> Found:
    await pair.put(**entries)
    return await pair.tiers.read([name.replace("_", ":") for name in entries])


def _version(found: Found, key: str) -> int | None:
    entry = found[key]
    return entry.version if isinstance(entry, Entry) else None
