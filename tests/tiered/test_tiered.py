"""When there is a look at the copies: only while it is sure that nothing is missing."""

import asyncio
import time

import pytest

from cachekit.backend import News
from tests.tiered.stores import STALENESS, Pair, opened


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
