"""Many requests at once: one run of the application, unless each must have its own."""

import asyncio

import pytest

from cachekit.http.exchange import Scope
from tests.http.helpers import (
    Answer,
    Reply,
    Site,
    Sites,
    chunk,
    fresh,
    reply,
    rest,
    scope_of,
    start,
    until,
)


async def crowd(at: Site, gate: asyncio.Event, count: int = 100) -> list[Answer]:
    """So many requests, all of which are there before the first one is answered."""
    asks = asyncio.ensure_future(at.asks(count))
    await until(lambda: at.origin.calls >= 1)
    await rest()
    at.clock.advance(1)
    gate.set()
    return await asks


def gated(answer: Reply) -> tuple[Reply, asyncio.Event]:
    answer.gate = asyncio.Event()
    return answer, answer.gate


async def test_a_hundred_requests_are_one_run(site: Sites) -> None:
    answer, gate = gated(fresh("one"))
    at = site(answer)
    got = await crowd(at, gate)
    assert {each.body for each in got} == {b"one"}
    assert at.origin.calls == 1
    told = sorted(each.cache for each in got)
    assert told == ["fwd=uri-miss; collapsed"] * 99 + ["fwd=uri-miss; stored"]


@pytest.mark.parametrize("said", ["private", "no-store"])
async def test_what_turns_out_to_be_for_one_is_run_for_each(site: Sites, said: str) -> None:
    numbers = iter(range(1000))
    gate = asyncio.Event()

    def answer(scope: Scope) -> Reply:
        mine = reply(200, str(next(numbers)), cache_control=said)
        mine.gate = gate
        return mine

    at = site(answer)
    got = await crowd(at, gate)
    assert len({each.body for each in got}) == 100
    assert at.origin.calls == 100


async def test_nobody_waits_for_another_once_that_is_known(site: Sites) -> None:
    slow, gate = gated(reply(200, "slow"))
    at = site(reply(200, "first"), slow, reply(200, "third"))
    await at.ask()
    waiting = asyncio.ensure_future(at.ask())
    await until(lambda: at.origin.calls == 2)
    assert (await at.ask()).body == b"third"
    gate.set()
    assert (await waiting).body == b"slow"


async def test_what_can_be_stored_again_is_shared_again(site: Sites) -> None:
    answer, gate = gated(fresh("one"))
    at = site(reply(200, "alone"), fresh("zero"), answer)
    await at.ask()
    at.clock.advance(5)
    await at.ask()
    at.clock.advance(61)
    await crowd(at, gate)
    assert at.origin.calls == 3


async def test_a_run_that_fails_fails_for_its_own_client_only(site: Sites) -> None:
    failing, gate = gated(Reply(error=ValueError("mine")))
    at = site(failing, fresh("one"))
    asks = [asyncio.ensure_future(at.ask()) for _ in range(10)]
    await until(lambda: at.origin.calls == 1)
    await rest()
    gate.set()
    got = await asyncio.gather(*asks, return_exceptions=True)
    assert [each for each in got if isinstance(each, BaseException)] == [got[0]]
    assert isinstance(got[0], ValueError)
    assert {each.body for each in got[1:] if isinstance(each, Answer)} == {b"one"}


async def test_a_run_goes_on_for_others_when_its_client_is_cancelled(site: Sites) -> None:
    answer, gate = gated(fresh("one"))
    at = site(answer)
    leader = asyncio.ensure_future(at.ask())
    await until(lambda: at.origin.calls == 1)
    others = asyncio.ensure_future(at.asks(5))
    await rest()
    leader.cancel()
    await rest()
    gate.set()
    assert {each.body for each in await others} == {b"one"}
    assert at.origin.calls == 1


async def test_a_run_that_nobody_waits_for_is_cancelled(site: Sites) -> None:
    answer, _ = gated(fresh("one"))
    at = site(answer, fresh("two"))
    alone = asyncio.ensure_future(at.ask())
    await until(lambda: at.origin.calls == 1)
    alone.cancel()
    await until(lambda: at.origin.cancelled == 1)
    assert (await at.ask()).body == b"two"


async def test_others_get_the_whole_answer_when_its_client_goes_in_the_middle(site: Sites) -> None:
    go_on, gone = asyncio.Event(), asyncio.Event()
    parts = [start(200, [(b"cache-control", b"max-age=60")]), chunk(b"on", more=True)]
    at = site(Reply(parts=[*parts, chunk(b"e", more=False)], pause=go_on))
    leader = asyncio.ensure_future(at.client.send(scope_of("/"), gone=gone))
    await until(lambda: at.origin.calls == 1)
    others = asyncio.ensure_future(at.asks(5))
    await rest()
    gone.set()
    go_on.set()
    assert {each.body for each in await others} == {b"one"}
    with pytest.raises(OSError, match="gone"):
        await leader
    assert at.origin.calls == 1


async def test_requests_that_say_something_else_where_it_varies_wait_for_nothing_of_it(
    site: Sites,
) -> None:
    def greeting(scope: Scope) -> Reply:
        return fresh(dict(scope["headers"])[b"accept-language"], vary="Accept-Language")

    at = site(greeting)
    languages = ["de", "en", "fr"] * 5
    got = await asyncio.gather(*(at.ask(accept_language=each) for each in languages))
    assert [each.body.decode() for each in got] == languages
    assert at.origin.calls == 3
