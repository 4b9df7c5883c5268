"""While the store does not answer, and where nobody tells of changes."""

from tests.tiered.stores import STALENESS, Pair, opened, record

# -- while the store does not answer


async def test_while_it_is_cut_off_what_was_right_so_long_ago_is_served() -> None:
    async with opened(Pair(outage_staleness=100.0, l1_ttl=1000.0)) as pair:
        await pair.keep(v_k=pair.value(1))
        pair.tiers.cut_off(True)
        await pair.feed.say(ConnectionError())
        pair.clock.advance(99.0)
        assert pair.served("v:k") == 1
        pair.clock.advance(1.0)
        assert pair.served("v:k") is None


async def test_once_it_answers_again_that_is_over() -> None:
    """It may have been told of much meanwhile."""
    async with opened(Pair(outage_staleness=100.0)) as pair:
        await pair.keep(v_k=pair.value(1))
        pair.tiers.cut_off(True)
        await pair.feed.say(ConnectionError())
        pair.clock.advance(5.0)
        pair.tiers.cut_off(False)
        assert pair.served("v:k") is None
        await pair.feed.tell()
        assert pair.served("v:k") == 1


async def test_who_was_never_sure_serves_nothing_while_it_is_cut_off() -> None:
    async with opened(Pair(outage_staleness=100.0), begin=False) as pair:
        await pair.keep(v_k=pair.value(1))
        pair.tiers.cut_off(True)
        assert pair.served("v:k") is None


async def test_to_be_cut_off_does_not_shorten_what_is_sure() -> None:
    async with opened(Pair(outage_staleness=1.0)) as pair:
        await pair.keep(v_k=pair.value(1))
        pair.tiers.cut_off(True)
        pair.clock.advance(9.0)
        assert pair.served("v:k") == 1
        assert pair.tiers.staleness == STALENESS


async def test_unless_it_is_said_an_outage_allows_nothing(pair: Pair) -> None:
    await pair.keep(v_k=pair.value(1))
    pair.tiers.cut_off(True)
    await pair.feed.say(ConnectionError())
    assert pair.served("v:k") is None


async def test_the_larger_of_both_is_how_old_something_may_be() -> None:
    assert Pair(outage_staleness=100.0).tiers.staleness == 100.0


async def test_what_is_fenced_is_dropped_though_it_is_cut_off() -> None:
    async with opened(Pair(outage_staleness=100.0)) as pair:
        await pair.keep(v_k=pair.value(1, of=1), t_a=record(1))
        await pair.keep(v_a_b=pair.value(2))
        pair.tiers.cut_off(True)
        pair.tiers.fence(["t:a"], ["v:a:"])
        assert (pair.served("v:k"), pair.served("v:a:b")) == (None, None)


# -- without a feed


async def test_without_a_feed_copies_are_looked_at_and_live_so_long_from_their_question() -> None:
    async with opened(Pair(feed=False)) as pair:
        await pair.put(v_k=pair.value(1, of=1), t_a=record(1))
        reading = await pair.reading("v:k", "t:a")
        pair.clock.advance(4.0)
        await pair.arrives(reading)
        assert pair.served("v:k") == 1
        pair.clock.advance(5.9)
        assert pair.served("v:k") == 1
        pair.clock.advance(0.1)
        assert pair.served("v:k") is None
        held = pair.held("v:k")
        assert held is None or not held.serves_stale(pair.clock.monotonic())


async def test_without_a_feed_an_outage_changes_nothing() -> None:
    """Copies end by themselves, and are looked at afterwards as before."""
    async with opened(Pair(feed=False, outage_staleness=100.0)) as pair:
        await pair.keep(v_k=pair.value(1))
        pair.tiers.cut_off(True)
        assert pair.served("v:k") == 1
        pair.clock.advance(STALENESS)
        assert pair.served("v:k") is None
        pair.tiers.cut_off(False)
        await pair.keep(v_k=pair.value(2))
        assert pair.served("v:k") == 2


async def test_without_a_feed_no_copy_trusts_a_record_that_was_read_before_it() -> None:
    """That record may have been old already, and would be trusted for as long again."""
    async with opened(Pair(feed=False)) as pair:
        await pair.keep(v_other=pair.value(1, of=1), t_a=record(1))
        pair.clock.advance(9.0)
        await pair.put(t_a=record(2))
        await pair.keep(v_k=pair.value(3, of=1))
        pair.clock.advance(9.0)
        assert pair.served("v:k") is None


async def test_without_a_feed_no_copy_trusts_a_record_in_whose_place_there_was_no_answer() -> None:
    async with opened(Pair(feed=False)) as pair:
        await pair.keep(v_other=pair.value(1, of=1), t_a=record(1))
        pair.clock.advance(9.0)
        pair.far.lost = ["t:a"]
        await pair.keep(v_k=pair.value(3, of=1), t_a=record(2))
        pair.clock.advance(9.0)
        assert pair.served("v:k") is None


async def test_without_a_feed_nothing_that_is_written_trusts_such_a_record() -> None:
    async with opened(Pair(feed=False)) as pair:
        await pair.keep(v_other=pair.value(1, of=1), t_a=record(1))
        pair.clock.advance(9.0)
        await pair.put(t_a=record(2))
        await pair.write("v:k", pair.value(3, of=1))
        pair.clock.advance(9.0)
        assert pair.served("v:k") is None
