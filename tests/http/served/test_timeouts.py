"""Loads that take longer than they may."""

import asyncio

from cachekit import Cache
from cachekit.http.response_cache import ResponseCache
from tests.http.served.apps import FRESH, Origin, Request
from tests.http.served.serving import Serving
from tests.servers.waiting import eventually


def is_brief() -> Cache:
    return Cache(load_timeout=0.05)


async def test_who_asked_first_gets_its_answer_however_long_it_takes(serve: Serving) -> None:
    """The others ask for themselves once it is too long."""
    may_answer, number = asyncio.Event(), 0

    async def handler(request: Request) -> None:
        nonlocal number
        number += 1
        mine = number
        await may_answer.wait()
        await request.say(b"%d" % mine)

    origin = Origin(handler)
    async with is_brief() as cache:
        site = await serve(ResponseCache(origin, cache))
        wires = [await site.wire() for _ in range(4)]
        for wire in wires:
            wire.ask("/")
        await eventually(lambda: origin.runs == 4, "all to ask for themselves")
        may_answer.set()
        assert sorted([(await wire.answer()).body for wire in wires]) == [b"1", b"2", b"3", b"4"]
        await eventually(lambda: site.running == 0, "the requests to end")
        assert origin.runs == 4


async def test_an_answer_that_takes_too_long_in_the_middle_is_its_clients_alone(
    serve: Serving,
) -> None:
    go_on = asyncio.Event()

    async def handler(request: Request) -> None:
        await request.start(FRESH)
        await request.chunk(b"hel")
        await go_on.wait()
        await request.last(b"lo")

    origin = Origin(handler)
    async with is_brief() as cache:
        site = await serve(ResponseCache(origin, cache))
        first, second = await site.wire(), await site.wire()
        first.ask("/")
        head = await first.head()
        assert await first.chunk() == b"hel"
        second.ask("/")
        await eventually(lambda: origin.runs == 2, "the second to ask for itself")
        go_on.set()
        assert (head.status, await first.chunk(), await first.chunk()) == (200, b"lo", b"")
        assert (await second.answer()).body == b"hello"


async def test_who_polls_for_long_hears_that_its_client_has_gone(serve: Serving) -> None:
    async def handler(request: Request) -> None:
        await request.receive()
        await request.until_gone()
        await request.say(b"too late")

    origin = Origin(handler)
    async with is_brief() as cache:
        site = await serve(ResponseCache(origin, cache))
        wire = await site.wire()
        wire.ask("/")
        await eventually(lambda: origin.runs == 1, "the request")
        wire.cut()
        await eventually(lambda: origin.ended == ["/"], "the application to hear of it")
