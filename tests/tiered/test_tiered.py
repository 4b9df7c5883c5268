"""When there is a look at the copies: only while it is sure that nothing is missing."""

import asyncio
import time

import pytest

from cachekit.backend import News
from tests.tiered.stores import STALENESS, Pair, opened, record


async def test_nothing_is_looked_at_before_it_is_known_what_was_announced() -> None:
    async with opened(Pair(), begin=False) as pair:
        await pair.keep(v_k=pair.value(1))
        assert pair.held("v:k") is not None
        assert pair.served("v:k") is None
        await pair.feed.say(News(0, lost=True, complete=False))
        await pair.keep(v_k=pair.value(1))
        assert pair.served("v:k") is None
        await pair.feed.say(News(0))
        assert pair.served("v:k") == 1


async def test_it_is_known_from_when_the_question_was_sent_and_not_from_when_it_was_answered(
    pair: Pair,
) -> None:
    """What was acknowledged in between may come with the next answer only."""
    await pair.keep(v_k=pair.value(1))
    pair.clock.advance(6.0)
    await pair.feed.tell()
    pair.clock.advance(STALENESS - 6.0)
    assert pair.served("v:k") is None
    await pair.feed.tell()  # this question was sent at 6.0
    assert pair.served("v:k") == 1
    pair.clock.advance(5.99)
    assert pair.served("v:k") == 1
    pair.clock.advance(0.01)
    assert pair.served("v:k") is None


async def test_what_was_passed_by_is_counted(pair: Pair) -> None:
    await pair.keep(v_k=pair.value(1))
    assert pair.served("v:k") == 1
    assert pair.served("v:other") is None
    assert pair.tiers.bypasses == 0
    pair.clock.advance(STALENESS)
    assert (pair.served("v:k"), pair.served("v:other")) == (None, None)
    assert pair.tiers.bypasses == 2


async def test_a_full_answer_tells_of_what_is_in_it_and_confirms_nothing(pair: Pair) -> None:
    """More is waiting behind it."""
    await pair.keep(v_told=pair.value(1))
    await pair.keep(v_k=pair.value(1))
    pair.clock.advance(5.0)
    await pair.feed.tell()
    await pair.feed.tell("v:told", complete=False)
    assert pair.served("v:told") is None
    assert pair.served("v:k") == 1
    pair.clock.advance(5.0)
    await pair.feed.tell(complete=False)
    assert pair.served("v:k") is None


async def test_of_an_answer_that_has_lost_something_nothing_is_confirmed_and_all_is_dropped(
    pair: Pair,
) -> None:
    await pair.keep(v_k=pair.value(1))
    pair.clock.advance(5.0)
    await pair.feed.tell()
    await pair.feed.say(News(0, lost=True))  # complete or not
    assert pair.held("v:k") is None
    await pair.keep(v_k=pair.value(1))
    pair.clock.advance(5.0)
    assert pair.served("v:k") is None


async def test_the_next_question_goes_on_from_the_last_answer(pair: Pair) -> None:
    await pair.feed.say(News("a"), News("b", complete=False), ConnectionError(), News("c"))
    positions = [position for position, _ in pair.feed.asked]
    assert positions == [None, 0, 0, "a", "b", "b", "c"]


async def test_nothing_is_waited_for_before_all_is_known(pair: Pair) -> None:
    await pair.feed.say(ConnectionError(), News(1, complete=False), News(2))
    waits = [wait for _, wait in pair.feed.asked]
    assert waits == [0.0, 0.0, 3.9, 0.0, 0.0, 3.9]


@pytest.mark.parametrize(
    "failure",
    [ConnectionError("cut"), TimeoutError(), ValueError("?"), asyncio.CancelledError(), None],
    ids=repr,
)
async def test_after_any_failure_nothing_is_known_until_there_is_an_answer_again(
    pair: Pair, failure: BaseException | None
) -> None:
    """`None` is an answer that nobody understands."""
    await pair.keep(v_k=pair.value(1))
    assert pair.served("v:k") == 1
    await pair.feed.say(failure)
    assert pair.served("v:k") is None
    await pair.feed.tell(complete=False)
    assert pair.served("v:k") is None
    await pair.feed.tell()
    assert pair.served("v:k") == 1


async def test_an_answer_that_does_not_come_is_a_failure() -> None:
    async with opened(Pair(max_staleness=0.05)) as pair:
        await pair.keep(v_k=pair.value(1))
        assert pair.served("v:k") == 1
        asked = len(pair.feed.asked)
        async with asyncio.timeout(5):
            while len(pair.feed.asked) == asked:  # noqa: ASYNC110  whoever asks tells nobody
                await asyncio.sleep(0)
        assert pair.served("v:k") is None  # though its clock has not moved


async def test_an_answer_confirms_no_earlier_than_all_that_it_tells_is_done(pair: Pair) -> None:
    """Nor does one that cannot be applied: it is asked for again."""
    await pair.keep(v_k=pair.value(1))
    await pair.feed.say(News(1, keys=["v:other", None]))  # type: ignore[list-item]
    assert pair.served("v:k") is None
    assert pair.feed.asked[-1][0] == 0


@pytest.mark.parametrize("sleeps", [True, False], ids=["it sleeps", "it does not"])
async def test_the_time_that_a_machine_sleeps_counts(
    monkeypatch: pytest.MonkeyPatch, sleeps: bool
) -> None:
    """By a clock that goes on then, where there is one."""
    slept = 0.0

    def gettime(clock: int) -> float:
        return time.monotonic() + slept

    monkeypatch.setattr(time, "clock_gettime", gettime)
    async with opened(Pair(real=True, max_staleness=60)) as pair:
        await pair.keep(v_k=pair.value(1))
        assert pair.served("v:k") == 1
        slept = 3600.0 if sleeps else 0.0
        assert pair.served("v:k") == (None if sleeps else 1)


async def test_where_no_clock_counts_sleep_the_usual_one_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    async with opened(Pair(real=True, max_staleness=60)) as pair:
        await pair.keep(v_k=pair.value(1))
        assert pair.served("v:k") == 1


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
