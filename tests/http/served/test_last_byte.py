"""Who has the last byte of an answer may ask again at once, and gets what was stored."""

import pytest

from cachekit import Cache
from cachekit.clock import SYSTEM
from cachekit.entry import Kind
from cachekit.http.response_cache import ResponseCache
from tests.core.slow_store import Shelf, SlowStore
from tests.http.served.apps import Handler, Origin, Request
from tests.http.served.serving import Serving

TIMES = 120
MANY_TIMES = 500


async def of_known_length(request: Request) -> None:
    await request.say(b"hello")


async def in_chunks(request: Request) -> None:
    await request.start()
    await request.chunk(b"hel")
    await request.last(b"lo")


async def in_chunks_with_an_empty_end(request: Request) -> None:
    await request.start()
    for part in (b"hel", b"lo"):
        await request.chunk(part)
    await request.last()


async def of_known_length_with_an_empty_end(request: Request) -> None:
    await request.start(length=5)
    await request.chunk(b"hello")
    await request.last()


async def empty(request: Request) -> None:
    await request.say(b"")


async def without_content(request: Request) -> None:
    await request.start(status=204)
    await request.last()


async def empty_in_pieces(request: Request) -> None:
    await request.start(length=0)
    await request.chunk(b"")
    await request.last()


FORMS = [
    of_known_length,
    in_chunks,
    in_chunks_with_an_empty_end,
    of_known_length_with_an_empty_end,
    empty,
    without_content,
    empty_in_pieces,
]
USUAL = FORMS[:2]


def name_of(form: Handler) -> str:
    return form.__name__


forms = pytest.mark.parametrize("form", FORMS, ids=name_of)


async def hits_at_once(serve: Serving, cache: Cache, origin: Origin, times: int) -> None:
    site = await serve(ResponseCache(origin, cache))
    one, other = await site.wire(), await site.wire()
    for number in range(times):
        first = await one.get(f"/{number}")
        second = await other.get(f"/{number}")
        assert (first.is_hit, second.is_hit) == (False, True), number
        assert (second.status, second.body) == (first.status, first.body)
    assert origin.runs == times


@forms
async def test_a_store_in_memory_has_it(serve: Serving, form: Handler) -> None:
    await hits_at_once(serve, serve.cache, Origin(form), TIMES if form in USUAL else 20)


@pytest.mark.long
@pytest.mark.parametrize("form", USUAL, ids=name_of)
async def test_a_store_in_memory_has_it_many_times(serve: Serving, form: Handler) -> None:
    await hits_at_once(serve, serve.cache, Origin(form), MANY_TIMES)


@forms
async def test_a_store_that_is_slow_to_write_has_it(serve: Serving, form: Handler) -> None:
    store = SlowStore(Shelf(SYSTEM))
    store.delay = 0.004
    async with Cache(store, namespace="test") as cache:
        site = await serve(ResponseCache(Origin(form), cache))
        wire = await site.wire()
        for number in range(5):
            await wire.get(f"/strict/{number}")
            assert len(store.shelf.keys(Kind.VALUE)) == number + 1
        await hits_at_once(serve, cache, Origin(form), 5)
